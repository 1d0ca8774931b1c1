"""The names of what is deployed.

Every name is explicit and follows from the variant's name. A stack can name what another stack makes without a
reference, so each stack can be deployed, changed and destroyed by itself.
"""

from typing import Final

PROJECT: Final = "cache-lab"
FUNCTION_PREFIX: Final = f"{PROJECT}-"
ALIAS: Final = "live"
STACK_PREFIX: Final = "CacheLab-"
SOURCE_STACK: Final = f"{STACK_PREFIX}source"
COMPARISON_STACK: Final = f"{STACK_PREFIX}comparison"
LOAD_STACK: Final = f"{STACK_PREFIX}load"
DRIVER: Final = f"{PROJECT}-driver"
STATE_MACHINE: Final = f"{PROJECT}-load"
COMPARISON_DASHBOARD: Final = COMPARISON_STACK
START_WAIT_HEADER: Final = "X-Lab-Start-Wait-Ms"
"""Header of an invocation's answer: how much later than on Lambda the function got the event, milliseconds. Only set if
it is 1 or more."""


def function_name(variant: str) -> str:
    """Return the name of a variant's function: `cache-lab-<variant>`."""
    return f"{FUNCTION_PREFIX}{variant}"


def variant_of(function: str) -> str | None:
    """Return the variant of the function with this name; None for any other name."""
    return function.removeprefix(FUNCTION_PREFIX) if function.startswith(FUNCTION_PREFIX) else None


def alias_resource(variant: str) -> str:
    """Return the function and the alias it is invoked through, as Lambda and its metrics' `Resource` write them."""
    return f"{function_name(variant)}:{ALIAS}"


def log_group_name(function: str) -> str:
    """Return the log group that Lambda writes to by convention, by the function's name."""
    return f"/aws/lambda/{function}"


def stack_name(variant: str) -> str:
    """Return the name of a variant's stack, with hyphens, since CloudFormation allows no underscore."""
    return f"{STACK_PREFIX}{variant.replace('_', '-')}"


def dashboard_name(variant: str) -> str:
    """Return the name of a variant's own dashboard, which is the name of its stack."""
    return stack_name(variant)


def alarm_name(variant: str, alarm: str) -> str:
    """Return the name of an alarm of a variant: `cache-lab-<variant>-<alarm>`."""
    return f"{function_name(variant)}-{alarm}"


def bucket_name(*, account: str, region: str) -> str:
    """Return the name of the source's bucket: with account and region, since bucket names are global."""
    return f"{PROJECT}-items-{account}-{region}"


def runs_bucket_name(*, account: str, region: str) -> str:
    """Return the name of the bucket that holds a fleet's runs."""
    return f"{PROJECT}-load-{account}-{region}"
