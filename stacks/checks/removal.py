"""Whether `cdk destroy` leaves something behind, and whether logs pile up until then."""

import math
from collections.abc import Iterator

from facts.names import log_group_name
from stacks.checks.assembly import Assembly, Finding
from stacks.settings import RETENTIONS

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
        group = assembly.log_group(function)
        if group is None:
            yield function.finding("log-group", "has no log group in the stacks: Lambda would create one that stays")
        elif group.properties.get("LogGroupName") != log_group_name(str(function.properties.get("FunctionName"))):
            yield function.finding("log-group", f"writes to {group.logical_id}, where nobody looks for its log")
    for group in assembly.resources("AWS::Logs::LogGroup"):
        # The CDK writes 731 days where a log group gives none, and no property for ever.
        days = group.properties.get("RetentionInDays", math.inf)
        if days > RETENTIONS[-1]:
            kept = "for ever" if days == math.inf else f"for {days} days"
            yield group.finding("log-retention", f"keeps its logs {kept}; give {RETENTIONS[-1]} days at most")
