"""Whether a function's role allows what the function does, and no other read.

What a function reads follows from its environment variables. Statements are compared as texts, in which the references
to resources are replaced by names. Conditions, and the policies of AWS that a role has, are not evaluated.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from facts import sources, variables
from facts.names import Names
from stacks.checks.assembly import Assembly, Finding, Resource, as_text
from stacks.checks.functions import has_snap_start

PRINCIPAL = "lambda.amazonaws.com"
ARNS = {
    "AWS::Logs::LogGroup": ("LogGroupName", "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:%s:*"),
    "AWS::DynamoDB::Table": ("TableName", "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/%s"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::%s"),
}
"""The property that names a resource, and its ARN."""


class Permission(NamedTuple):
    """An action on a resource. In what a role allows, both can have wildcards."""

    action: str
    resource: str

    def allows(self, wanted: "Permission") -> bool:
        """Whether it covers another permission."""
        return fnmatchcase(wanted.action.lower(), self.action.lower()) and fnmatchcase(wanted.resource, self.resource)


class _Role(NamedTuple):
    allowed: list[Permission]
    denied: list[Permission]

    def grants(self, wanted: Permission) -> bool:
        allowed = any(found.allows(wanted) for found in self.allowed)
        return allowed and not any(found.allows(wanted) for found in self.denied)


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for function in assembly.resources("AWS::Lambda::Function"):
        role = assembly.resource(function.stack, function.properties.get("Role"))
        if role is None or role.definition["Type"] != "AWS::IAM::Role":
            yield function.finding("role-unknown", "its role is in none of the stacks, so its permissions are unknown")
            continue
        yield from _of_role(assembly, function, role)


def _of_role(assembly: Assembly, function: Resource, role: Resource) -> Iterator[Finding]:
    attached = {policy.logical_id for policy in _policies(assembly, role)}
    if unwaited := sorted(attached - set(_listed(function.definition.get("DependsOn", [])))):
        yield function.finding("role-wait", f"does not wait for {', '.join(unwaited)}: it may run before it may read")
    trusted = _listed(role.properties["AssumeRolePolicyDocument"]["Statement"])
    if not any(PRINCIPAL in _listed(found.get("Principal", {}).get("Service", [])) for found in trusted):
        yield role.finding("role-trust", f"does not trust {PRINCIPAL}, so Lambda cannot run the function")
    statements = list(_statements(assembly, role))
    found = _Role(*([each for effect, each in statements if effect == wanted] for wanted in ("Allow", "Deny")))
    reads = set(_reads(assembly, function))
    for rule, wanted in (("role-read", reads), ("role-write", _writes(assembly, function))):
        for missing in sorted(each for each in wanted if not found.grants(each)):
            yield function.finding(rule, f"its role does not allow {missing.action} on {missing.resource}")
    for more in sorted(set(found.allowed) - reads) if reads else []:
        # The name of a source is also that of its service in actions.
        if more.action.partition(":")[0] in ("*", *sources.SOURCES):
            yield function.finding("role-more", f"its role allows {more.action} on {more.resource}; it needs less")


def _statements(assembly: Assembly, role: Resource) -> Iterator[tuple[str, Permission]]:
    attached = [policy.properties for policy in _policies(assembly, role)]
    for policy in (*role.properties.get("Policies", []), *attached):
        for statement in _listed(policy["PolicyDocument"]["Statement"]):
            # NotAction and NotResource count as everything.
            for action in _listed(statement.get("Action", "*")):
                for resource in _listed(statement.get("Resource", "*")):
                    yield statement["Effect"], Permission(action, _named(assembly, role.stack, resource))


def _policies(assembly: Assembly, role: Resource) -> list[Resource]:
    """The policies that name the role."""
    return [
        policy
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for policy in assembly.resources(kind, stack=role.stack)
        if {"Ref": role.logical_id} in policy.properties.get("Roles", [])
    ]


def _named(assembly: Assembly, stack: str, resource: Any) -> str:
    """An ARN with names in place of references to resources."""

    def name(match: "re.Match[str]") -> str:
        found = assembly.resource(stack, {"Ref": match[1]})
        key, arn = ARNS.get(found.definition["Type"], ("", "")) if found is not None else ("", "")
        named = as_text(found.properties.get(key)) if found is not None else None
        return match[0] if named is None else arn % named if match[2] else named

    text = (as_text(resource) or "").replace("${AWS::Partition}", "aws")
    return re.sub(r"\$\{(\w+)(\.Arn)?\}", name, text)


def _reads(assembly: Assembly, function: Resource) -> Iterator[Permission]:
    """What a variant's function reads, by its environment variables."""
    of = function.variables
    many = has_snap_start(function)
    names = Names(of.get(variables.INSTANCE))
    account = "${AWS::Region}:${AWS::AccountId}"
    match of.get(variables.SOURCE, sources.SOURCES[0]):
        case _ if variables.VARIANT not in of:
            return
        case "dynamodb" if of.get(variables.TABLE):
            table = f"arn:aws:dynamodb:{account}:table/{_named(assembly, function.stack, of.get(variables.TABLE))}"
            yield Permission("dynamodb:GetItem", table)
            if many:
                yield Permission("dynamodb:BatchGetItem", table)
        case "ssm":
            parameters = f"arn:aws:ssm:{account}:parameter{names.parameter_path}*"
            yield Permission("ssm:GetParameter", parameters)
            if many:
                yield Permission("ssm:GetParameters", parameters)
        case "secretsmanager":
            secrets = f"arn:aws:secretsmanager:{account}:secret:{names.secret_prefix}*"
            yield Permission("secretsmanager:GetSecretValue", secrets)
            if many:  # this action takes no resource
                yield Permission("secretsmanager:BatchGetSecretValue", "*")
        case "s3" if of.get(variables.BUCKET):
            bucket = f"arn:aws:s3:::{_named(assembly, function.stack, of.get(variables.BUCKET))}"
            yield Permission("s3:GetObject", f"{bucket}/{sources.OBJECT_PREFIX}*")
            yield Permission("s3:ListBucket", bucket)


def _writes(assembly: Assembly, function: Resource) -> Iterator[Permission]:
    """What Lambda does in the name of the function: write its log and its traces."""
    group = assembly.log_group(function)
    if group is not None:
        arn = _named(assembly, function.stack, {"Fn::GetAtt": [group.logical_id, "Arn"]})
        yield from (Permission(f"logs:{action}", arn) for action in ("CreateLogStream", "PutLogEvents"))
    if function.properties.get("TracingConfig", {}).get("Mode") == "Active":
        yield from (Permission(f"xray:{action}", "*") for action in ("PutTraceSegments", "PutTelemetryRecords"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
