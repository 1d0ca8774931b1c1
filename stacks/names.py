"""The names of what is deployed.

All are explicit and derived from the variant's name alone, so that one stack can name what another one makes
without a reference between the two: every stack deploys, changes and goes by itself.
"""

PROJECT = "cache-lab"
TABLE = f"{PROJECT}-items"
KEY_ATTRIBUTE = "key"
PARAMETER_PREFIX = f"{PROJECT}/"
SECRET_PREFIX = f"{PROJECT}/"
OBJECT_PREFIX = "items/"
ALIAS = "live"
SOURCE_STACK = "CacheLab-source"
COMPARISON_STACK = "CacheLab-comparison"
LOAD_STACK = "CacheLab-load"
DRIVER = f"{PROJECT}-driver"
STATE_MACHINE = f"{PROJECT}-load"
DASHBOARD = COMPARISON_STACK


def function_name(variant: str) -> str:
    """The name of a variant's function: `cache-lab-<variant>`."""
    return f"{PROJECT}-{variant}"


def alias_resource(variant: str) -> str:
    """The function and the alias it is invoked through, as Lambda and its metrics' `Resource` write them."""
    return f"{function_name(variant)}:{ALIAS}"


def log_group_name(function: str) -> str:
    """The log group that Lambda writes to by convention, by the function's name."""
    return f"/aws/lambda/{function}"


def stack_name(variant: str) -> str:
    """The name of a variant's stack, with hyphens: CloudFormation takes no underscore."""
    return f"CacheLab-{variant.replace('_', '-')}"


def dashboard_name(variant: str) -> str:
    """The name of a variant's own dashboard, that of its stack."""
    return stack_name(variant)


def alarm_name(variant: str, alarm: str) -> str:
    """The name of an alarm of a variant: `cache-lab-<variant>-<alarm>`."""
    return f"{function_name(variant)}-{alarm}"


def bucket_name(*, account: str, region: str) -> str:
    """The name of the source's bucket: with account and region, since bucket names are shared by all of AWS."""
    return f"{TABLE}-{account}-{region}"


def runs_bucket_name(*, account: str, region: str) -> str:
    """The name of the bucket that a fleet's runs are in."""
    return f"{PROJECT}-load-{account}-{region}"
