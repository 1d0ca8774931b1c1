"""The settings of a run, and the limits of each."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from facts.fleet import LONGEST_DRIVER_S, MOST_DRIVERS
from facts.names import Names
from facts.sources import MOST_KEYS, SourceName
from lab.aws.target import Target
from lab.drive.load import DEFAULT_DURATION_S, DEFAULT_RATE, Load, Scenario
from lab.errors import UsageError

Via = Literal["invoke", "url"]

SCENARIOS: Final[tuple[Scenario, ...]] = get_args(Scenario)
WAYS: Final[tuple[Via, ...]] = get_args(Via)

MOST_INVOCATIONS: Final = 10_000_000
LONGEST_FLEET_S: Final = LONGEST_DRIVER_S - 120  # a driver function starts before the window and ends after it


SLOW_RATE: Final = 8.0
"""Default rate where a read takes tens of milliseconds: an answer has to come before the next group is sent."""
BURST_DURATION_S: Final = 40.0
"""Default duration of `burst`: two bursts in each of five repetitions."""


def default_rate(source: SourceName) -> float:
    """Return the invocations a second of each variant, unless the user says otherwise."""
    return DEFAULT_RATE if source == "dynamodb" else SLOW_RATE


def default_duration_s(scenario: Scenario) -> float:
    """Return the measured time of all repetitions together, unless the user says otherwise, seconds."""
    return BURST_DURATION_S if scenario == "burst" else DEFAULT_DURATION_S


class Limits(NamedTuple):
    """The smallest and the largest value of an option, both allowed; ``above`` excludes the smallest."""

    flag: str
    least: float
    most: float
    unit: str = ""
    above: bool = False

    def check(self, value: float) -> None:
        """Raise `UsageError` for a value outside the limits, NaN included."""
        if math.isfinite(value) and self.least <= value <= self.most and not (self.above and value == self.least):
            return
        least = f"{'above' if self.above else 'at least'} {self.least:g}"
        most = f" and at most {self.most:,.0f}" if math.isfinite(self.most) else ""
        raise UsageError(
            f"{self.flag} {value:g} is outside its limits; give a number {least}{most} {self.unit}".rstrip()
        )


LIMITS: Final = {
    "rate": Limits("--rate", 0, 10_000, "invocations per second", above=True),
    "concurrency": Limits("--concurrency", 1, 1_000, "requests"),
    "duration_s": Limits("--duration", 0, 86_400, "seconds", above=True),
    "repeat": Limits("--repeat", 1, 100, "repetitions"),
    "keys": Limits("--keys", 1, MOST_KEYS, "items"),
    "skew": Limits("--skew", 0, 10),
    "updates": Limits("--updates", 0, 1_000, "per second"),
    "fleet": Limits("--fleet", 0, MOST_DRIVERS, "driver functions"),
    "seed": Limits("--seed", 0, math.inf),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings(Load):
    """The settings of one run: its load, and where and how it is driven. The defaults are those of the command line.

    Invocations go ``via`` the Lambda Invoke API or the functions' URLs. ``fleet`` is the number of driver functions
    that send them; 0: this process does. ``fresh_environments`` gives each repetition on AWS environments of its own,
    by versions of the functions that are published for it. ``context`` has settings of the application to deploy with
    (local only); see `stacks/settings.py`. Raises `UsageError` if a setting is outside its limits.
    """

    source: SourceName = "dynamodb"
    target: Target = "local"
    instance: str | None = None
    via: Via = "invoke"
    fleet: int = 0
    fresh_environments: bool = False
    context: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> Names:
        """The names of what is driven."""
        return Names(self.instance)

    def __post_init__(self) -> None:
        for name, limits in LIMITS.items():
            value = getattr(self, name)
            if value is not None:
                limits.check(value)
        if not self.variants:
            raise UsageError("no variant to drive; name one with --variant")
        self._check_size()
        if self.target == "aws" and self.scenario == "outage":
            raise UsageError(
                "--scenario outage cannot be combined with --target aws: only the local endpoint can fail calls"
            )
        if self.target == "aws" and self.context:
            raise UsageError(
                "--context cannot be combined with --target aws: a run measures what is deployed; give it to"
                " `lab deploy`"
            )
        if self.fleet and self.via == "url":
            raise UsageError("--fleet cannot be combined with --via url; leave out one of them")
        if self.fleet and self.scenario == "outage":
            raise UsageError("--fleet cannot be combined with --scenario outage; leave out one of them")
        if self.fleet and self.repeat is not None:
            raise UsageError("--fleet cannot be combined with --repeat: driver functions drive one block of time")
        if self.fresh_environments and self.target == "local":
            raise UsageError("--fresh-environments needs --target aws; locally, each repetition has new environments")
        if self.fresh_environments and self.fleet:
            raise UsageError("--fresh-environments cannot be combined with --fleet; leave out one of them")
        if self.target == "aws" and self.repeat is not None and not self.fresh_environments:
            raise UsageError("--repeat needs --fresh-environments with --target aws; without it, a run is one block")
        if self.fleet and self.duration_s > LONGEST_FLEET_S:
            raise UsageError(
                f"--duration {self.duration_s:g} is too long for --fleet: a driver function runs for"
                f" {LONGEST_DRIVER_S / 60:g} minutes at most; give {LONGEST_FLEET_S} seconds or less"
            )

    def _check_size(self) -> None:
        load = f"--rate {self.rate:g} for --duration {self.duration_s:g}"
        if self.measured_invocations < 1:
            group = "one invocation" if self.scenario == "burst" else f"one group of {self.concurrency} requests"
            each = "" if self.repeat in (None, 1) else f" in each of {self.repeat} repetitions"
            raise UsageError(f"{load} is less than {group}{each}; raise one of them")
        if self.most_invocations > MOST_INVOCATIONS:
            raise UsageError(f"{load} is more than {MOST_INVOCATIONS:,} invocations in all; lower one of them")
