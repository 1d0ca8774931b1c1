"""The Lambda functions: one folder a variant, and the registry that lists them."""
