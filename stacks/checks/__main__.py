"""The command of ``stacks.checks``: every check at once."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from stacks.checks import (
    dashboards,
    functions,
    handlers,
    layers,
    monitoring,
    permissions,
    removal,
    unique,
    variables,
)
from stacks.checks.assembly import Assembly, Finding

CHECKS = (functions, handlers, layers, variables, permissions, removal, unique, monitoring, dashboards)


def check_assembly(assembly: Assembly) -> list[Finding]:
    """Everything that is wrong with the templates and assets of a cloud assembly."""
    return [finding for module in CHECKS for finding in _findings(module, assembly)]


def _findings(module: ModuleType, assembly: Assembly) -> Iterator[Finding]:
    try:
        yield from module.check(assembly)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A resource without what AWS requires, or with another type there: the CDK writes none, cfn-lint names each.
        form = f"a resource does not have the form that AWS documents ({error!r}): run cfn-lint"
        yield Finding("template-form", "*", module.__name__.rpartition(".")[2], form)


def main(arguments: list[str]) -> int:
    """Check one folder: 0 nothing found, 1 something found, 2 wrong use."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("give the folder of one cloud assembly: python -m stacks.checks cdk.out", file=sys.stderr)  # noqa: T201
        return 2
    try:
        findings = check_assembly(Assembly.read(Path(arguments[0])))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    for finding in findings:
        print(finding.text)  # noqa: T201
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
