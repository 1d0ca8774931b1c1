"""Options that say what a recommendation is for: how old data may be, how many invocations, how many of them start."""

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lab.cli.options import Finite

if TYPE_CHECKING:
    from lab.analysis.model import Question

SECONDS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
ANY: Final = "any"

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?([a-z]*)")
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?(%?)")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """A time such as `60s`, `5m` or `any`, converted to seconds; `any` is infinite."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, or raise a usage error."""
        if isinstance(value, float):
            return value
        if value == ANY:
            return math.inf
        found = _DURATION.fullmatch(value)
        if found is None or found[2] not in SECONDS:
            self.fail(f"{value!r} is not a duration; give it as 60s, 5m, 2h or {ANY}", param, ctx)
        return float(found[1]) * SECONDS[found[2]]


class Share(click.ParamType[float]):
    """A share of 0 to 1, such as `0.01` or `1%`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share, or raise a usage error."""
        if isinstance(value, float):
            return value
        found = _SHARE.fullmatch(value)
        share = float(found[1]) / (100 if found[2] else 1) if found else math.inf
        if share > 1:
            self.fail(f"{value!r} is not a share; give it as 0.01 or 1%", param, ctx)
        return share


max_staleness_option = click.option(
    "--max-staleness",
    "max_staleness_s",
    type=Duration(),
    default="60s",
    metavar="DURATION",
    help=f"How far out of date an answer may be: 60s, 5m, 2h; {ANY}: no limit.",
)
volume_option = click.option(
    "--volume",
    type=Finite(min=0, min_open=True),
    default=10_000_000,
    metavar="N",
    help="Invocations a month, for the cost of a month.",
)
cold_share_option = click.option(
    "--cold-share",
    type=Share(),
    default="1%",
    metavar="SHARE",
    help="Share of these invocations that start an execution environment.",
)


def question_options(command: _Command) -> _Command:
    """Add the three options to a command; it receives `max_staleness_s`, `volume` and `cold_share`."""
    for option in (cold_share_option, volume_option, max_staleness_option):
        command = option(command)
    return command


def question(max_staleness_s: float, volume: float, cold_share: float) -> "Question":
    """The question that the options ask."""
    from lab.analysis.model import Question  # late, because it loads numpy

    return Question(max_staleness_s=max_staleness_s, volume=volume, cold_share=cold_share)
