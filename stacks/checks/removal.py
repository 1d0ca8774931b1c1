"""Whether `cdk destroy` leaves something behind, and whether logs pile up until then."""

from collections.abc import Iterator

from stacks.checks.assembly import Assembly, Finding

# With these policies CloudFormation keeps a resource or a snapshot of it; otherwise it deletes the resource.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for resource in assembly.resources():
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.definition.get(attribute) in KEEPING:
                yield resource.finding("left-behind", f"{attribute} is {resource.definition[attribute]}")
    for function in assembly.resources("AWS::Lambda::Function"):
        if assembly.log_group(function) is None:
            yield function.finding("log-group", "has no log group in the stacks: Lambda would create one that stays")
    for group in assembly.resources("AWS::Logs::LogGroup"):
        if "RetentionInDays" not in group.properties:
            yield group.finding("log-retention", "keeps its logs for ever: give RetentionInDays")
