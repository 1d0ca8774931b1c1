"""Caches for AWS Lambda functions, and what measures them.

Nothing is imported here, so that ``facts.metrics`` costs its readers no boto3.
"""
