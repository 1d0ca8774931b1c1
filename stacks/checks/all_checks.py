"""Every check at once."""

from stacks.checks import alarms, dashboards, functions, layers, removal
from stacks.checks.assembly import Assembly, Finding

CHECKS = (functions.check, layers.check, removal.check, alarms.check, dashboards.check)


def check_assembly(assembly: Assembly) -> list[Finding]:
    """Everything that is wrong with the templates and assets of a cloud assembly."""
    return [finding for check in CHECKS for finding in check(assembly)]
