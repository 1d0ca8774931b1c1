"""The application's settings, read once from the CDK context (`-c name=value`, or `context` in cdk.json).

A field's metadata says what is allowed and what it does. Messages and the page of the settings are made from it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, NamedTuple, TypeVar, get_args

from facts.lambda_log import LogFormat
from facts.names import INSTANCE_FORM, INSTANCE_WORDS, Names
from facts.sources import DEFAULT_KEYS, MOST_AHEAD, MOST_KEYS, SOURCES, SourceName
from facts.variables import DEFAULT_TTL_S
from functions.registry import VARIANTS, Variant
from stacks.errors import ApplicationError

RETENTIONS = (1, 3, 7, 14, 30, 90, 365)
# What `cdk cli-telemetry` and `cdk acknowledge` write. All other keys of the CDK hold one of the marks.
CDK_KEYS = ("cli-telemetry", "acknowledged-issue-numbers")
CDK_MARKS = ":@/"
TOPIC_ARN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}"

T = TypeVar("T")


class Kind(NamedTuple):
    """What a setting can be.

    Attributes:
        allowed: what may be given, in words that follow "is not".
        parse: the value of a text; raises ValueError if it is not allowed.
        text: a value as it is given after `-c name=`.
    """

    allowed: str
    parse: Callable[[str], object]
    text: Callable[[Any], str] = str


def _checked(value: T, allowed: object) -> T:
    if not allowed:
        raise ValueError(value)
    return value


def _one_of(choices: tuple[T, ...]) -> Kind:
    values = {str(choice): choice for choice in choices}
    return Kind(f"one of {', '.join(values)}", lambda text: _checked(values.get(text), text in values))


def _whole(least: int, most: int) -> Kind:
    def parse(text: str) -> int:
        return int(_checked(text, text.isascii() and text.isdecimal() and least <= int(text) <= most))

    return Kind(f"a whole number from {least} to {most}", parse)


def _decimal(least: float, most: float) -> Kind:
    def parse(text: str) -> float:
        return float(_checked(text, re.fullmatch(r"\d+(\.\d{1,3})?", text, re.ASCII) and least <= float(text) <= most))

    return Kind(f"a number from {least:g} to {most:g} with at most three decimals", parse, lambda value: f"{value:.9g}")


def _pattern(form: str, words: str) -> Kind:
    return Kind(words, lambda text: _checked(text, re.fullmatch(form, text, re.ASCII)))


def _or_none(kind: Kind) -> Kind:
    return Kind(
        f"none or {kind.allowed}",
        lambda text: None if text == "none" else kind.parse(text),
        lambda value: "none" if value is None else kind.text(value),
    )


def _variants() -> Kind:
    names = tuple(variant.name for variant in VARIANTS)

    def parse(text: str) -> tuple[str, ...]:
        chosen = names if text == "all" else text.split(",")
        _checked(text, set(chosen) <= set(names))
        return tuple(name for name in names if name in chosen or name == names[0])

    return Kind(
        f"all or some of {', '.join(names)}, with commas between",
        parse,
        lambda value: "all" if value == names else ",".join(value),
    )


# cdk.json gives Python's True, the command line text.
SWITCH = Kind(
    "true or false",
    lambda text: _checked(text.lower(), text.lower() in ("true", "false")) == "true",
    lambda value: str(value).lower(),
)


def _setting(default: Any, kind: Kind, meaning: str) -> Any:
    return field(default=default, metadata={"kind": kind, "help": meaning})


@dataclass(frozen=True, kw_only=True)
class ApplicationSettings:
    """What may differ from one deployment to the next. The field names are the context keys."""

    variants: tuple[str, ...] = _setting(
        tuple(variant.name for variant in VARIANTS if variant.default),
        _variants(),
        "the variants that are deployed and compared, always with the baseline",
    )
    source: SourceName = _setting(  # noqa: RUF009 -- it is dataclasses.field
        SOURCES[0], _one_of(SOURCES), "what the functions read on a miss"
    )
    ttl_s: float = _setting(DEFAULT_TTL_S, _decimal(0.1, 86_400), "the time to live of a cached value, in seconds")
    keys: int = _setting(
        DEFAULT_KEYS,
        _whole(1, MOST_KEYS),
        "how many items `lab deploy` seeds, and `snapstart` loads before the snapshot; of "
        f"{', '.join(f'`{name}` at most {most:,}' for name, most in MOST_AHEAD.items() if most < MOST_KEYS)}, so that "
        "a restore can read them again in time",
    )
    memory_mb: int = _setting(
        512, _whole(128, 10_240), "the functions' memory, and with it their share of a processor: 1,769 MB is one vCPU"
    )
    architecture: str = _setting(
        "arm64", _one_of(("arm64", "x86_64")), "the architecture of the functions and of the layer's packages"
    )
    reserved_concurrency: int | None = _setting(
        None,
        _or_none(_whole(1, 1_000)),
        "how many environments each function may have, set aside from the account's limit",
    )
    provisioned_concurrency: int | None = _setting(
        None,
        _or_none(_whole(1, 1_000)),
        "how many environments of each function are kept initialized, and paid for (on AWS only); "
        "Lambda takes none for a function with SnapStart, so `snapstart` has none",
    )
    function_url: bool = _setting(
        False, SWITCH, "a URL for each function's alias, for callers that sign with IAM credentials"
    )
    log_format: str = _setting("text", _one_of(get_args(LogFormat)), "how Lambda writes its own lines to the log")
    log_retention_days: int = _setting(7, _one_of(RETENTIONS), "how many days the functions' logs are kept")
    tracing: bool = _setting(False, SWITCH, "X-Ray traces of the invocations, and the permission to write them")
    alarms: bool = _setting(
        True, SWITCH, "alarms on errors, throttles, failed reads and the 99th percentile of the duration"
    )
    alarm_count: int = _setting(
        1, _whole(1, 1_000_000), "errors, throttles or failed reads within five minutes that set off their alarm"
    )
    alarm_p99_ms: int = _setting(
        1_000, _whole(1, 10_000), "the 99th percentile of a minute's durations that sets off its alarm, in milliseconds"
    )
    alarm_topic: str | None = _setting(
        None, _or_none(_pattern(TOPIC_ARN, "the ARN of an SNS topic")), "the SNS topic that alarms are sent to"
    )
    load: bool = _setting(False, SWITCH, "the stack that sends load from many functions at once, for `lab run --fleet`")
    instance: str | None = _setting(
        None,
        _or_none(_pattern(INSTANCE_FORM, INSTANCE_WORDS)),
        "a part of every name, so that several people can deploy to one account; for `lab`, give `--instance`",
    )

    @property
    def names(self) -> Names:
        """The names of what is deployed."""
        return Names(self.instance)

    def keeps_ready(self, variant: Variant) -> bool:
        """Return whether a variant's environments are kept initialized: Lambda keeps none with SnapStart."""
        return self.provisioned_concurrency is not None and not variant.snap_start

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "ApplicationSettings":
        """Read the settings from a context, where `-c` leaves every value a string.

        Raises:
            ApplicationError: a value is not allowed, or a name is unknown.
        """
        known = {found.name: found for found in fields(cls)}
        for name in context:
            # Otherwise a misspelt setting would be ignored.
            if name not in (*known, *CDK_KEYS) and not any(mark in name for mark in CDK_MARKS):
                raise ApplicationError(f"context {name!r} is not a setting; these are: {', '.join(known)}")
        settings = cls(**{name: _read(context, found) for name, found in known.items() if name in context})
        reserved, provisioned = settings.reserved_concurrency, settings.provisioned_concurrency
        # Lambda refuses it, but only after the rest of the stack is deployed.
        if reserved is not None and provisioned is not None and provisioned > reserved:
            raise ApplicationError(
                f"context provisioned_concurrency={provisioned} is more than reserved_concurrency={reserved}; "
                f"for example: -c provisioned_concurrency={reserved}"
            )
        return settings


def settings_table() -> str:
    """Return the settings as a Markdown table: name, default, what is allowed, what it does."""
    rows = []
    for found in fields(ApplicationSettings):
        kind: Kind = found.metadata["kind"]
        rows.append(f"| `{found.name}` | `{kind.text(found.default)}` | {kind.allowed} | {found.metadata['help']} |")
    return "\n".join(["| setting | default | allowed | what it does |", "|---|---|---|---|", *rows])


def _read(context: Mapping[str, object], found: "Field[Any]") -> Any:
    value = str(context[found.name])
    kind: Kind = found.metadata["kind"]
    try:
        return kind.parse(value)
    except ValueError:
        raise ApplicationError(
            f"context {found.name}={value!r} is not {kind.allowed}; "
            f"for example: -c {found.name}={kind.text(found.default)}"
        ) from None
