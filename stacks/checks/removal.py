"""Whether `cdk destroy` leaves something behind."""

from collections.abc import Iterator

from facts.names import log_group_name
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
        own = function.properties.get("LoggingConfig", {}).get("LogGroup")
        by_convention = log_group_name(str(function.properties.get("FunctionName")))
        if assembly.resource(function.stack, own) is None and by_convention not in assembly.log_groups:
            yield function.finding("log-group", "has no log group in the stacks: Lambda would create one that stays")
