"""What Lambda refuses although the template is valid, and how callers reach a function.

SnapStart and provisioned concurrency need a published version, so callers need an alias that leads to one. A function
URL is reached from the internet: it must ask for IAM credentials.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html, "Supported features and limitations"
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

import re
from collections.abc import Iterator

from stacks.checks.assembly import Assembly, Finding, Resource

SNAP_START_STORAGE_MB = 512


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for function in assembly.resources("AWS::Lambda::Function"):
        if has_snap_start(function):
            yield from _snap_start(assembly, function)
        if function.properties.get("ReservedConcurrentExecutions") == 0:
            yield function.finding("reserved-zero", "a reserved concurrency of 0 throttles every invocation")
    for alias in assembly.resources("AWS::Lambda::Alias"):
        yield from _provisioned(assembly, alias)
        yield from _version(assembly, alias)
    for url in assembly.resources("AWS::Lambda::Url"):
        yield from _url(url)
    for permission in assembly.resources("AWS::Lambda::Permission"):
        if permission.properties.get("Principal") == "*":
            yield permission.finding("function-public", "everybody may invoke the function; name a principal")


def has_snap_start(function: Resource) -> bool:
    """Whether published versions of a function start from a snapshot."""
    return bool(function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions")


def _snap_start(assembly: Assembly, function: Resource) -> Iterator[Finding]:
    storage = function.properties.get("EphemeralStorage", {}).get("Size", SNAP_START_STORAGE_MB)
    if storage > SNAP_START_STORAGE_MB:
        yield function.finding(
            "snap-start-storage", f"{storage} MB of /tmp; SnapStart allows at most {SNAP_START_STORAGE_MB}"
        )
    runtime = function.properties.get("Runtime", "")
    version = re.fullmatch(r"python3\.(\d+)", runtime)
    if version and int(version[1]) < 12:
        yield function.finding("snap-start-runtime", f"{runtime} has no SnapStart; use python3.12 or newer")
    if function.properties.get("FileSystemConfigs"):
        yield function.finding("snap-start-file-system", "SnapStart does not allow a file system")
    published = [
        version
        for version in assembly.resources("AWS::Lambda::Version", stack=function.stack)
        if assembly.resource(version.stack, version.properties["FunctionName"]) == function
    ]
    if not published:
        yield function.finding("snap-start-unpublished", "SnapStart needs a published version, and there is none")


def _provisioned(assembly: Assembly, alias: Resource) -> Iterator[Finding]:
    provisioned = alias.properties.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions")
    function = assembly.resource(alias.stack, alias.properties["FunctionName"])
    if provisioned is None or function is None:
        return
    if has_snap_start(function):
        yield alias.finding("provisioned-snap-start", "provisioned concurrency and SnapStart cannot be combined")
    reserved = function.properties.get("ReservedConcurrentExecutions")
    if reserved is not None and provisioned > reserved:
        yield alias.finding("provisioned-reserved", f"{provisioned} provisioned is more than {reserved} reserved")


def _version(assembly: Assembly, alias: Resource) -> Iterator[Finding]:
    """Callers of an alias have to reach a published version of its own function."""
    published = alias.properties["FunctionVersion"]
    if published == "$LATEST":
        yield alias.finding("alias-version", "leads to $LATEST, which has no SnapStart and no provisioned concurrency")
        return
    version = assembly.resource(alias.stack, published)
    if version is not None and version.properties.get("FunctionName") != alias.properties["FunctionName"]:
        yield alias.finding("alias-version", f"leads to {version.logical_id}, which is not a version of its function")


def _url(url: Resource) -> Iterator[Finding]:
    # There is no exception: nobody but the account's owner is to measure, and the owner has credentials.
    if url.properties.get("AuthType") != "AWS_IAM":
        yield url.finding("url-auth", "anybody on the internet can invoke the function; give AuthType AWS_IAM")
    if "Qualifier" not in url.properties:
        yield url.finding("url-unpublished", "leads to $LATEST; give the Qualifier of an alias")
