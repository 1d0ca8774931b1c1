"""Whether two resources have one name: CloudFormation then fails, or one overwrites the other."""

from collections.abc import Iterator

from stacks.checks.assembly import Assembly, Finding, as_text

NAMED_BY = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property that names a resource, by type."""


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for kind, named_by in NAMED_BY.items():
        first: dict[str, str] = {}
        for resource in assembly.resources(kind):
            name = as_text(resource.properties.get(named_by))
            here = f"{resource.stack}/{resource.logical_id}"
            if name is not None and first.setdefault(name, here) != here:
                yield resource.finding("name-taken", f"{named_by} {name} is also that of {first[name]}")
