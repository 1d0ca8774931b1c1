"""Accepted findings of cdk-nag, each with its reason.

The rule packs run in the tests (`tests/snapshot/validators.py`), so that a synthesis needs no development
requirement. A test finds reasons that explain nothing any more.
"""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

TABLE = {
    "AwsSolutions-DDB3": (
        "No point-in-time recovery: every run seeds the table again, and a table deleted with recovery on leaves a "
        "system backup behind for 35 days."
    )
}
BUCKET = {
    "AwsSolutions-S1": (
        "No server access log: the items are synthetic, each read is counted by the function, and the log would need "
        "a bucket that outlives a destroy."
    )
}
FUNCTION = {
    "Serverless-LambdaDLQ": "Callers wait for the answer and see every failure themselves: there is no event to keep.",
    "Serverless-LambdaTracing": "A setting, off by default: tracing costs money, and time in what is measured.",
}
REASONS = {**TABLE, **BUCKET, **FUNCTION}
"""By the rule's name."""

WILDCARD = (
    "Every item of the lab may be read, and no other: items are made after the deployment, so the policy names them "
    "by prefix. BatchGetSecretValue, and X-Ray's writes, take no resource."
)


def reviewed(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept these findings of a construct and of all within it."""
    for rule, reason in reasons.items():
        # cdk-nag 3 writes a rule with its pack.
        Validations.of(construct).acknowledge(Acknowledgment(id=f"{rule.partition('-')[0]}::{rule}", reason=reason))


def reviewed_wildcard(construct: IConstruct, resource: str) -> None:
    """Accept this one resource of a role's policies, an ARN with a wildcard."""
    resolved = Stack.of(construct).resolve(resource)
    pieces = [resolved] if isinstance(resolved, str) else resolved["Fn::Join"][1]
    # cdk-nag writes pseudo parameters as `<AWS::Region>`.
    found = "".join(piece if isinstance(piece, str) else f"<{piece['Ref']}>" for piece in pieces)
    reviewed(construct, {f"AwsSolutions-IAM5[Resource::{found}]": WILDCARD})
