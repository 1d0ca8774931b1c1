"""The command of ``stacks.checks``: every check at once."""

import sys
from pathlib import Path

from stacks.checks import functions, layers, monitoring, removal
from stacks.checks.assembly import Assembly, Finding

CHECKS = (functions.check, layers.check, removal.check, monitoring.check_alarms, monitoring.check_dashboards)


def check_assembly(assembly: Assembly) -> list[Finding]:
    """Everything that is wrong with the templates and assets of a cloud assembly."""
    return [finding for check in CHECKS for finding in check(assembly)]


def main(arguments: list[str]) -> int:
    """Check one folder: 0 nothing found, 1 something found, 2 wrong use."""
    if len(arguments) != 1:
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
