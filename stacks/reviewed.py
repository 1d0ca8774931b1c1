"""Findings of cdk-nag that are meant to be, each with its reason: beside the construct goes the name alone.

The packs run in the tests (`tests/snapshot/validators.py`), so that a synthesis needs no development requirement. A
test finds acknowledgements whose finding is gone.
"""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

REASONS = {
    "AwsSolutions::AwsSolutions-DDB3": (
        "No point-in-time recovery: every run seeds the table anew, and a table deleted with recovery on leaves a "
        "system backup behind for 35 days."
    ),
    "AwsSolutions::AwsSolutions-S1": (
        "No server access log: the items are made up, each read is counted by the function, and the log would need "
        "a bucket that outlives a destroy."
    ),
    "Serverless::Serverless-LambdaDLQ": (
        "Callers wait for the answer and see every failure themselves: there is no event to keep."
    ),
    "Serverless::Serverless-LambdaTracing": (
        "A setting, off by default: tracing costs money, and time in what is measured."
    ),
}
"""By the rule's name, with its pack as cdk-nag 3 writes it."""

WILDCARD = (
    "Every item of the lab may be read, and no other: items are made after the deployment, so the policy names them "
    "by prefix. BatchGetSecretValue, and X-Ray's writes, take no resource."
)


def reviewed(construct: IConstruct, *rules: str) -> None:
    """Say of a construct, and all within it, that these findings are meant to be."""
    for rule in rules:
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=REASONS[rule]))


def reviewed_wildcard(construct: IConstruct, resource: str) -> None:
    """Say of a role that this one resource of its policies, an ARN with a wildcard, is meant to be."""
    Validations.of(construct).acknowledge(
        Acknowledgment(
            id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{_as_found(construct, resource)}]", reason=WILDCARD
        )
    )


def _as_found(construct: IConstruct, arn: str) -> str:
    """The ARN as cdk-nag writes it, with pseudo parameters as `<AWS::Region>`."""
    resolved = Stack.of(construct).resolve(arn)
    pieces = [resolved] if isinstance(resolved, str) else resolved["Fn::Join"][1]
    return "".join(piece if isinstance(piece, str) else f"<{piece['Ref']}>" for piece in pieces)
