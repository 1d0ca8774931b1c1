"""The application's settings, read once from the CDK context (`-c name=value`, or `context` in cdk.json).

A field's metadata says what is allowed and what it does: messages and `docs/settings.md` are made of it.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, get_args

from facts.lambda_log import LogFormat
from facts.sources import DEFAULT_KEYS, MOST_KEYS, SOURCES
from facts.variables import DEFAULT_TTL_S
from functions.registry import VARIANTS
from stacks.errors import ApplicationError
from stacks.setting_kinds import Choice, Kind, Number, OneNumber, OrNone, Pattern, Some, Switch

RETENTIONS = (1, 3, 7, 14, 30, 90, 365)
TOPIC_ARN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}"


def _setting(default: Any, kind: Kind, meaning: str) -> Any:
    return field(default=default, metadata={"kind": kind, "help": meaning})


@dataclass(frozen=True, kw_only=True)
class ApplicationSettings:
    """What may differ from one deployment to the next. The field names are the context keys."""

    variants: tuple[str, ...] = _setting(
        tuple(variant.name for variant in VARIANTS if variant.default),
        Some(tuple(variant.name for variant in VARIANTS)),
        "the variants that are deployed and compared; the baseline always is",
    )
    source: str = _setting(SOURCES[0], Choice(SOURCES), "what the functions read on a miss")
    ttl_s: int = _setting(DEFAULT_TTL_S, Number(1, 86_400), "the time to live of a cached value, in seconds")
    keys: int = _setting(
        DEFAULT_KEYS,
        Number(1, MOST_KEYS),
        "how many items `lab deploy` seeds, and `snapstart` loads before the snapshot",
    )
    memory_mb: int = _setting(
        512, Number(128, 10_240), "the functions' memory, and with it their share of a processor: 1,769 MB is one vCPU"
    )
    architecture: str = _setting("arm64", Choice(("arm64", "x86_64")), "of the functions and the layer's packages")
    reserved_concurrency: int | None = _setting(
        None,
        OrNone(Number(1, 1_000)),
        "how many environments each function may have, set aside from the account's limit",
    )
    provisioned_concurrency: int | None = _setting(
        None,
        OrNone(Number(1, 1_000)),
        "how many environments of each function are kept initialized, and paid for; "
        "Lambda takes none for a function with SnapStart, so `snapstart` has none",
    )
    function_url: bool = _setting(
        False, Switch(), "a URL for each function's alias, for callers that sign with IAM credentials"
    )
    log_format: str = _setting("text", Choice(get_args(LogFormat)), "how Lambda writes its own lines to the log")
    log_retention_days: int = _setting(7, OneNumber(RETENTIONS), "how long the functions' logs are kept")
    tracing: bool = _setting(False, Switch(), "X-Ray traces of the invocations, and the permission to write them")
    alarms: bool = _setting(
        True, Switch(), "alarms on errors, throttles, downstream errors and the 99th percentile of the duration"
    )
    alarm_count: int = _setting(
        1, Number(1, 1_000_000), "errors, throttles or downstream errors within five minutes that set off their alarm"
    )
    alarm_p99_ms: int = _setting(
        1_000, Number(1, 10_000), "the 99th percentile of a minute's durations that sets off its alarm, in milliseconds"
    )
    alarm_topic: str | None = _setting(
        None, OrNone(Pattern(TOPIC_ARN, "the ARN of an SNS topic")), "the SNS topic that alarms are sent to"
    )
    load: bool = _setting(
        False, Switch(), "the stack that sends load from many functions at once, for `lab run --fleet`"
    )

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "ApplicationSettings":
        """Read the settings from a context, where `-c` leaves every value a string.

        Raises:
            ApplicationError: a value is not one of those allowed, or a name is unknown.
        """
        _refuse_unknown(context)
        settings = cls(**{found.name: _read(context, found) for found in fields(cls) if found.name in context})
        _refuse_more_than_reserved(settings)
        return settings


def settings_table() -> str:
    """The settings as a Markdown table: name, default, what is allowed, what it does."""
    rows = [
        f"| `{found.name}` | `{_kind(found).text(found.default)}` | {_kind(found).allowed} | {found.metadata['help']} |"
        for found in fields(ApplicationSettings)
    ]
    return "\n".join(["| setting | default | allowed | what it does |", "|---|---|---|---|", *rows])


def _kind(found: "Field[Any]") -> Kind:
    kind: Kind = found.metadata["kind"]
    return kind


def _read(context: Mapping[str, object], found: "Field[Any]") -> Any:
    value = str(context[found.name])
    kind = _kind(found)
    try:
        return kind.parse(value)
    except ValueError:
        raise ApplicationError(
            f"context {found.name}={value!r} is not {kind.allowed}; "
            f"for example: -c {found.name}={kind.text(found.default)}"
        ) from None


def _refuse_unknown(context: Mapping[str, object]) -> None:
    # A misspelt setting would be ignored in silence. The CDK's own keys hold one of these characters, or are its
    # CLI's switch for telemetry; what is left is the user's.
    settings = [found.name for found in fields(ApplicationSettings)]
    for name in context:
        if name not in (*settings, "cli-telemetry") and not any(mark in name for mark in ":@/"):
            raise ApplicationError(f"context {name!r} is not a setting; these are: {', '.join(settings)}")


def _refuse_more_than_reserved(settings: ApplicationSettings) -> None:
    # Lambda refuses it, but only once all else of the stack is deployed.
    reserved, provisioned = settings.reserved_concurrency, settings.provisioned_concurrency
    if reserved is not None and provisioned is not None and provisioned > reserved:
        raise ApplicationError(
            f"context provisioned_concurrency={provisioned} is more than reserved_concurrency={reserved}; "
            f"for example: -c provisioned_concurrency={reserved}"
        )
