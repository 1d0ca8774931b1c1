"""Options that several commands share, and how their values are checked."""

import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from facts.names import INSTANCE_FORM, INSTANCE_WORDS
from facts.sources import SOURCES
from functions.registry import VARIANTS
from lab.aws.target import TARGETS, Target
from lab.cli.output import say
from lab.errors import LabError, UsageError
from lab.run.settings import RunSettings

ALL_VARIANTS: Final = tuple(variant.name for variant in VARIANTS)
DEFAULTS: Final = RunSettings(variants=tuple(variant.name for variant in VARIANTS if variant.default))
ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL"


class Finite(click.FloatRange):
    """A number within limits. NaN and the infinities are refused: `FloatRange` accepts NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or raise a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Instance(click.ParamType[str | None]):
    """The name of an instance of the application; as in the settings, `none` is the one without a name."""

    name = "instance"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | None:
        """Return the name, or raise a usage error."""
        if value == "none":
            return None
        if not re.fullmatch(INSTANCE_FORM, value, re.ASCII):
            self.fail(f"{value!r} is not {INSTANCE_WORDS}; for example: --instance anna", param, ctx)
        return str(value)


instance_option = click.option(
    "--instance",
    type=Instance(),
    metavar="NAME",
    help="The instance of the application: NAME is part of every name, so that several people can share an account."
    "  [default: the one without a name]",
)
target_option = click.option(
    "--target",
    type=click.Choice(TARGETS),
    default=DEFAULTS.target,
    help="Where the functions are. `aws` uses your credentials and costs money.",
)
source_option = click.option(
    "--source", type=click.Choice(SOURCES), default=DEFAULTS.source, help="The service that holds the items."
)
endpoint_option = click.option(
    "--endpoint-url",
    metavar="URL",
    help=f"Use this running local endpoint (`lab serve`).  [default: ${ENDPOINT_VARIABLE}]",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask before acting on AWS.")
port_type = click.IntRange(0, 65535)
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run's folder; it must not hold a run yet.  [default: runs/<id>]",
)
context_option = click.option(
    "--context",
    "-c",
    "context",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the application, such as memory_mb=1024; repeat for more than one."
    " See docs/reference/settings.md.",
)


def asker(yes: bool) -> Callable[[Sequence[str]], None]:
    """Return a function that shows lines to the user, and returns if the user agrees or gave --yes.

    It raises `UsageError` without a terminal to ask at, and `LabError` if the user does not agree.
    """

    def ask(lines: Sequence[str]) -> None:
        for line in lines:
            say(line)
        if yes:
            return
        if not sys.stdin.isatty():
            raise UsageError("--target aws asks before it does anything, and stdin is not a terminal; give --yes")
        try:
            agreed = click.confirm("Do it?", err=True)
        except click.Abort:
            raise KeyboardInterrupt from None
        if not agreed:
            raise LabError("not confirmed: nothing was created or sent")

    return ask


def application_context(pairs: tuple[str, ...], options: Mapping[str, str]) -> dict[str, str]:
    """Parse `NAME=VALUE` settings of the application.

    Raises `UsageError` if a pair has no `=`, or the command has an option of its own for the setting (in ``options``).
    """
    context = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if name in options:
            raise UsageError(f"--context {pair!r} cannot be used here; give {options[name]} instead")
        if not equals:
            raise UsageError(f"--context {pair!r} is not a setting; give it as NAME=VALUE")
        context[name] = value
    return context


def resolve_endpoint(target: Target, given: str | None, *, required: bool = False) -> str | None:
    """The local endpoint's address: as given, or from AWS_ENDPOINT_URL; None on AWS, or if there is none.

    Raises `UsageError` if it is not an address, it is given with --target aws, or it is required and missing.
    """
    if target == "aws":
        if given is not None:
            raise UsageError("--endpoint-url cannot be combined with --target aws; leave out one of them")
        return None
    if given is not None:
        return checked_endpoint_url(given)
    if url := os.environ.get(ENDPOINT_VARIABLE):
        return checked_endpoint_url(url, ENDPOINT_VARIABLE)
    if required:
        raise UsageError("no local endpoint given; start one with `lab serve`, and name it with --endpoint-url")
    return None


def checked_endpoint_url(url: str, origin: str = "--endpoint-url") -> str:
    """The endpoint's address without a trailing slash. ``origin`` is the option or variable that gave it.

    Raises `UsageError` if it is not of the form http(s)://host[:port].
    """
    if not re.fullmatch(r"https?://[^\s/?#@]+/?", url):
        raise UsageError(f"{origin} {url!r} is not an address; give it as http://127.0.0.1:4566")
    return url.rstrip("/")
