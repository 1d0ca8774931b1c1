"""AWS's default quotas of the sources, for an account in a region, and what a source answers when one is reached.

- "AWS Systems Manager endpoints and quotas" (AWS General Reference): Parameter Store's default throughput.
- "AWS Secrets Manager quotas": a secret has about 100 versions, and none of the last 24 hours is removed.
- "Quotas in Amazon DynamoDB", "Best practices design patterns: optimizing Amazon S3 performance".
"""

from typing import Final, NamedTuple

from facts.sources import SourceName

PARAMETER_READS: Final = 40
"""`GetParameter` and `GetParameters` together, a second."""

PARAMETER_WRITES: Final = 3
"""`PutParameter`, a second."""

HIGHER_THROUGHPUT: Final = "/ssm/parameter-store/high-throughput-enabled"
"""The service setting of Parameter Store, `true` or `false`. It costs money for each call."""

SECRET_VERSIONS: Final = 100
SECRET_VERSION_S: Final = 86_400
"""So long a version of a secret is not removed, seconds."""

THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes of an answer that says "too many requests". Services name it differently."""


class ReadQuota(NamedTuple):
    """What limits the reads of a source: the quota, and how to raise it."""

    name: str
    remedy: str


READ_QUOTAS: Final[dict[SourceName, ReadQuota]] = {
    "dynamodb": ReadQuota(
        "the table's throughput (3,000 read units per second for one partition)", "spread the reads with --skew 0"
    ),
    "ssm": ReadQuota(
        f"Parameter Store's throughput ({PARAMETER_READS} GetParameter and GetParameters calls per second by default)",
        "turn on higher throughput in Parameter Store's settings",
    ),
    "secretsmanager": ReadQuota(
        "Secrets Manager's rate of GetSecretValue (10,000 calls per second)", "drive fewer variants at a time"
    ),
    "s3": ReadQuota(
        "S3's request rate (5,500 GET requests per second for one prefix)", "repeat the run: S3 adapts to a load"
    ),
}
