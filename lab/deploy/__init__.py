"""The application at a target: synthesized, deployed and destroyed by the CDK CLI, and its items."""
