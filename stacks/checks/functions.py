"""What Lambda refuses although the template is valid: SnapStart and provisioned concurrency.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html, "Supported features and limitations"
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

import re
from collections.abc import Iterator

from stacks.checks.assembly import Assembly, Finding, Resource

SNAP_START_STORAGE_MB = 512


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for function in assembly.resources("AWS::Lambda::Function"):
        if _has_snap_start(function):
            yield from _snap_start(assembly, function)
    for alias in assembly.resources("AWS::Lambda::Alias"):
        yield from _provisioned(assembly, alias)


def _has_snap_start(function: Resource) -> bool:
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
    if _has_snap_start(function):
        yield alias.finding("provisioned-snap-start", "provisioned concurrency and SnapStart cannot be combined")
    reserved = function.properties.get("ReservedConcurrentExecutions")
    if reserved is not None and provisioned > reserved:
        yield alias.finding("provisioned-reserved", f"{provisioned} provisioned is more than {reserved} reserved")
