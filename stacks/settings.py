"""The application's settings, read once from the CDK context (`-c name=value`, or `context` in cdk.json)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from aws_cdk import aws_logs as logs

from stacks.errors import ApplicationError

ARCHITECTURES = ("arm64", "x86_64")
SOURCES = ("dynamodb", "ssm", "secretsmanager", "s3")
RETENTIONS = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may differ from one deployment to the next. The field names are the context keys.

    Attributes:
        architecture: `arm64` or `x86_64`, of the functions and of the layer's packages.
        source: what the functions read: `dynamodb`, `ssm`, `secretsmanager` or `s3`.
        ttl_s: the time to live of a cached value, in whole seconds.
        keys: how many keys `snapstart` loads before the snapshot.
        memory_mb: the functions' memory. A warm DynamoDB read and write of five items took 73 ms at 128 MB,
            15 ms at 512 and 12 ms at 1,769: 512 is where more memory stops paying.
        log_retention_days: how long the functions' logs are kept; a lab's are read within the week.
    """

    architecture: str = "arm64"
    source: str = "dynamodb"
    ttl_s: int = 10
    keys: int = 50
    memory_mb: int = 512
    log_retention_days: int = 7

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "Settings":
        """Read the settings from a context, where `-c` leaves every value a string.

        Raises:
            ApplicationError: a value is not one of those allowed, or a name is unknown.
        """
        _refuse_unknown(context)
        return cls(
            architecture=_choice(context, "architecture", ARCHITECTURES, cls.architecture),
            source=_choice(context, "source", SOURCES, cls.source),
            ttl_s=_number(context, "ttl_s", range(1, 86_401), cls.ttl_s),
            keys=_number(context, "keys", range(1, 10_001), cls.keys),
            memory_mb=_number(context, "memory_mb", range(128, 10_241), cls.memory_mb),
            log_retention_days=int(
                _choice(context, "log_retention_days", [str(days) for days in RETENTIONS], cls.log_retention_days)
            ),
        )

    @property
    def log_retention(self) -> logs.RetentionDays:
        """`log_retention_days` as CloudWatch Logs takes it: it knows certain numbers of days only."""
        return RETENTIONS[self.log_retention_days]


def _refuse_unknown(context: Mapping[str, object]) -> None:
    # A misspelt setting would be ignored in silence. The CDK's own keys hold one of these characters, or are its
    # CLI's switch for telemetry; what is left is the user's.
    settings = [field.name for field in fields(Settings)]
    for name in context:
        if name not in (*settings, "cli-telemetry") and not any(mark in name for mark in ":@/"):
            raise ApplicationError(f"context {name!r} is not a setting; these are: {', '.join(settings)}")


def _choice(context: Mapping[str, object], name: str, allowed: Sequence[str], default: object) -> str:
    value = str(context.get(name, default))
    if value not in allowed:
        raise ApplicationError(
            f"context {name}={value!r} is not one of {', '.join(allowed)}; for example: -c {name}={default}"
        )
    return value


def _number(context: Mapping[str, object], name: str, allowed: range, default: int) -> int:
    value = str(context.get(name, default))
    if not value.isdecimal() or int(value) not in allowed:
        raise ApplicationError(
            f"context {name}={value!r} is not a whole number from {allowed[0]} to {allowed[-1]}; "
            f"for example: -c {name}={default}"
        )
    return int(value)
