"""What a run is asked to do, with the limits of each setting."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Final, Literal, get_args

from facts.fleet import MOST_DRIVERS
from facts.sources import MOST_KEYS, SourceName
from lab.aws.target import Target
from lab.drive.load import Load, Scenario
from lab.errors import UsageError

Via = Literal["invoke", "url"]

SCENARIOS: Final[tuple[Scenario, ...]] = get_args(Scenario)
WAYS: Final = ("invoke", "url")

MOST_INVOCATIONS: Final = 10_000_000
LONGEST_FLEET_S: Final = 780  # a function runs for 900 s at most, and has to begin before and to end after


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Load):
    """The settings of one run: its load, and where and how it is driven. The defaults are those of the command line.

    Attributes:
        source: where the items are.
        target: where the functions are.
        via: `invoke`: by the Lambda Invoke API. `url`: by the functions' URLs.
        fleet: how many driver functions send the invocations; 0: this process does.
        context: settings of the application that it is deployed with first (local only), by name; see
            `stacks/settings.py`.

    Raises:
        UsageError: a setting is outside its limits.
    """

    source: SourceName = "dynamodb"
    target: Target = "local"
    via: Via = "invoke"
    fleet: int = 0
    context: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.variants:
            raise UsageError("no variant to drive; name one with --variant, or none for all")
        _check("--rate", self.rate, above=0, most=10_000, unit="invocations a second")
        _check("--duration", self.duration_s, above=0, most=86_400, unit="seconds")
        _check("--keys", self.keys, least=1, most=MOST_KEYS, unit="items")
        _check("--skew", self.skew, least=0, most=10)
        _check("--updates", self.updates, least=0, most=1_000, unit="a second")
        _check("--seed", self.seed, least=0)
        if self.invocations < 1:
            raise UsageError(
                f"--rate {self.rate:g} for --duration {self.duration_s:g} is not one invocation; raise either of them"
            )
        if self.invocations * len(self.variants) > MOST_INVOCATIONS:
            raise UsageError(
                f"--rate {self.rate:g} for --duration {self.duration_s:g} is more than {MOST_INVOCATIONS:,} invocations"
                " in all; lower either of them"
            )
        if self.target == "aws" and self.scenario == "outage":
            raise UsageError(
                "--scenario outage needs --target local: only the local endpoint can fail downstream calls"
            )
        if self.target == "aws" and self.context:
            raise UsageError(
                "--context is for --target local: on AWS a run measures what is deployed; give it to `lab deploy`"
            )
        self._check_fleet()

    def _check_fleet(self) -> None:
        _check("--fleet", self.fleet, least=0, most=MOST_DRIVERS, unit="driver functions")
        if not self.fleet:
            return
        if self.via == "url":
            raise UsageError("--fleet invokes by the Invoke API; leave out --via url, or --fleet")
        if self.duration_s > LONGEST_FLEET_S:
            raise UsageError(
                f"--duration {self.duration_s:g} is too long for --fleet: a driver function runs for 15 minutes at"
                f" most; give {LONGEST_FLEET_S} seconds or less"
            )


def _check(
    flag: str,
    value: float,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    unit: str = "",
) -> None:
    wrong = (
        not math.isfinite(value)
        or (above is not None and value <= above)
        or (least is not None and value < least)
        or (most is not None and value > most)
    )
    if wrong:
        limits = [
            f"above {above:g}" if above is not None else "",
            f"at least {least:g}" if least is not None else "",
            f"at most {most:,.0f}" if most is not None else "",
        ]
        wanted = " and ".join(limit for limit in limits if limit)
        raise UsageError(f"{flag} {value:g} is outside its limits; give a number {wanted} {unit}".rstrip())
