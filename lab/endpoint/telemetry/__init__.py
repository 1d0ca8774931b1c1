"""What is known of functions afterwards: their logs and metrics, as CloudWatch's clients ask for them."""
