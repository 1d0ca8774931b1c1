"""Whether the environment variables of a variant's function are complete, and name what the stacks make.

`facts.variables` says what each means. The functions raise at init if one is missing or malformed.
"""

from collections.abc import Iterator
from typing import Any

from facts import sources, variables
from stacks.checks.assembly import Assembly, Finding, Resource, as_text

PREFIX = "CACHE_LAB_"
NAMED = {
    "dynamodb": (variables.TABLE, "AWS::DynamoDB::Table", "TableName"),
    "s3": (variables.BUCKET, "AWS::S3::Bucket", "BucketName"),
}
"""By source: the variable that names what is read, its type, and the property with its name."""


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    first: dict[str, str] = {}
    if len(assembly.namespaces) > 1:
        yield Finding("variable-value", "*", variables.INSTANCE, "functions belong to more than one instance")
    for function in assembly.resources("AWS::Lambda::Function"):
        if any(name.startswith(PREFIX) for name in function.variables):
            variant = str(function.variables.get(variables.VARIANT))
            yield from _of_function(assembly, function)
            other = first.setdefault(variant, function.stack)
            if other != function.stack:
                yield function.finding("variable-value", f"{variables.VARIANT} is {variant!r}, as in {other}")
    for table in assembly.resources("AWS::DynamoDB::Table"):
        keys = [found["AttributeName"] for found in table.properties["KeySchema"]]
        if keys != [sources.KEY_ATTRIBUTE]:
            yield table.finding("table-key", f"its key is {', '.join(keys)}; functions read by {sources.KEY_ATTRIBUTE}")


def _of_function(assembly: Assembly, function: Resource) -> Iterator[Finding]:
    given = function.variables
    source = given.get(variables.SOURCE, sources.SOURCES[0])
    if source not in sources.SOURCES:
        yield function.finding("variable-value", f"{variables.SOURCE} is {source!r}, which is not a source")
    name, kind, named_by = NAMED.get(source, ("", "", ""))
    for needed in filter(None, (variables.VARIANT, name)):
        if not given.get(needed):
            yield function.finding("variable-absent", f"{needed} is not set, and the function needs it")
    if given.get(name) and not _is_made(assembly, function.stack, given[name], kind, named_by):
        yield function.finding("variable-dangling", f"{name} is {as_text(given[name])!r}, which no stack makes")
    for number in (variables.TTL_S, variables.KEYS):
        if number in given and not _is_number(given[number]):
            yield function.finding("variable-value", f"{number} is {given[number]!r}, which is not a number from 0")


def _is_made(assembly: Assembly, stack: str, value: Any, kind: str, named_by: str) -> bool:
    referred = assembly.resource(stack, value)
    names = {as_text(found.properties.get(named_by)) for found in assembly.resources(kind)}
    return as_text(value) in names or (referred is not None and referred.definition["Type"] == kind)


def _is_number(text: Any) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except (TypeError, ValueError):
        return False
