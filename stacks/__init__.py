"""The CDK application's stacks and what they are built of."""
