"""Function URLs: their events and answers, and who may call them."""
