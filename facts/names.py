"""The names of what is deployed.

Every name is explicit and follows from the instance and the variant. A stack can name what another stack makes without
a reference, so each stack can be deployed, changed and destroyed by itself.
"""

import re
from dataclasses import dataclass
from typing import Final

PROJECT: Final = "cache-lab"
ALIAS: Final = "live"
START_WAIT_HEADER: Final = "X-Lab-Start-Wait-Ms"
"""Header of an invocation's answer: how much later than on Lambda the function got the event, milliseconds. Only set if
it is 1 or more."""

VARIANT_FIELD: Final = "variant"
"""The group that `Names.variant_pattern` finds."""

INSTANCE_FORM: Final = r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?"
"""The form of an instance's name. It is part of a bucket's name, which has at most 63 characters, with the account and
the region."""

INSTANCE_WORDS: Final = "1 to 16 lower-case letters, digits and inner hyphens"


def log_group_name(function: str) -> str:
    """Return the log group that Lambda writes to by convention, by the function's name."""
    return f"/aws/lambda/{function}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one instance of the application: several can be deployed to one account.

    The instance's own name comes right after the project's: `cache-lab-anna-no_cache`, `CacheLab-anna-no-cache`.

    Attributes:
        instance: the instance's own name, of `INSTANCE_FORM`; None for the one that has none.
    """

    instance: str | None = None

    @property
    def _prefix(self) -> str:
        return f"{PROJECT}-" if self.instance is None else f"{PROJECT}-{self.instance}-"

    @property
    def _stack_prefix(self) -> str:
        return "CacheLab-" if self.instance is None else f"CacheLab-{self.instance}-"

    @property
    def namespace(self) -> str:
        """The CloudWatch namespace of every metric that the functions emit."""
        return "CacheLab" if self.instance is None else f"CacheLab/{self.instance}"

    @property
    def source_stack(self) -> str:
        """The stack of what the functions read."""
        return f"{self._stack_prefix}source"

    @property
    def comparison_stack(self) -> str:
        """The stack of the dashboard that compares the variants."""
        return f"{self._stack_prefix}comparison"

    @property
    def load_stack(self) -> str:
        """The stack of the fleet."""
        return f"{self._stack_prefix}load"

    @property
    def driver(self) -> str:
        """The fleet's driver function."""
        return f"{self._prefix}driver"

    @property
    def state_machine(self) -> str:
        """The state machine that starts the fleet's drivers."""
        return f"{self._prefix}load"

    @property
    def table(self) -> str:
        """The DynamoDB table of the items."""
        return f"{self._prefix}items"

    @property
    def parameter_path(self) -> str:
        """The path of the SSM parameters that hold the items, with a slash at both ends."""
        return f"/{self._prefix[:-1]}/"

    @property
    def secret_prefix(self) -> str:
        """What the names of the secrets that hold the items begin with."""
        return f"{self._prefix[:-1]}/"

    @property
    def variant_pattern(self) -> str:
        """The regular expression that finds the variant in `@log`, which holds the name of the log group."""
        return rf"{self._prefix}(?<{VARIANT_FIELD}>\w+)"

    def function_name(self, variant: str) -> str:
        """Return the name of a variant's function: `cache-lab-<variant>`."""
        return f"{self._prefix}{variant}"

    def variant_of(self, function: str) -> str | None:
        """Return the variant of the function with this name; None for any other name."""
        found = re.fullmatch(rf"{re.escape(self._prefix)}(\w+)", function)
        return found[1] if found else None

    def alias_resource(self, variant: str) -> str:
        """Return the function and the alias it is invoked through, as Lambda and its metrics' `Resource` write them."""
        return f"{self.function_name(variant)}:{ALIAS}"

    def stack_name(self, variant: str) -> str:
        """Return the name of a variant's stack, with hyphens, since CloudFormation allows no underscore."""
        return f"{self._stack_prefix}{variant.replace('_', '-')}"

    def dashboard_name(self, variant: str, region: str) -> str:
        """Return the name of a variant's own dashboard: with the region, since dashboards are global to an account."""
        return f"{self.stack_name(variant)}-{region}"

    def comparison_dashboard(self, region: str) -> str:
        """Return the name of the dashboard that compares the variants."""
        return f"{self.comparison_stack}-{region}"

    def alarm_name(self, variant: str, alarm: str) -> str:
        """Return the name of an alarm of a variant: `cache-lab-<variant>-<alarm>`."""
        return f"{self.function_name(variant)}-{alarm}"

    def parameter_name(self, key: str) -> str:
        """Return the name of the SSM parameter that holds an item."""
        return self.parameter_path + key

    def secret_name(self, key: str) -> str:
        """Return the name of the Secrets Manager secret that holds an item."""
        return self.secret_prefix + key

    def items_bucket(self, *, account: str, region: str) -> str:
        """Return the name of the source's bucket: with account and region, since bucket names are global."""
        return f"{self._prefix}items-{account}-{region}"

    def runs_bucket(self, *, account: str, region: str) -> str:
        """Return the name of the bucket that holds a fleet's runs."""
        return f"{self._prefix}load-{account}-{region}"
