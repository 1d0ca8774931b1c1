"""Latency profiles: how long the downstream services take at the local endpoint.

The emulator answers as fast as it can, which says nothing about AWS. A profile delays each answer until the time has
passed that the real service would take. Times are drawn from a log-normal distribution, the usual shape of service
latencies. They are assumptions, named and printed with every result, not measurements of your account.
"""

import dataclasses
import math
import random
import statistics

from facts.sources import TITLES

Z99 = statistics.NormalDist().inv_cdf(0.99)


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """A log-normal distribution of milliseconds."""

    p50_ms: float
    p99_ms: float

    def sample_s(self, source: random.Random) -> float:
        """One draw, in seconds."""
        sigma = math.log(self.p99_ms / self.p50_ms) / Z99
        return source.lognormvariate(math.log(self.p50_ms), sigma) / 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """A named set of latencies by service (the name in a request's signature); other services are not delayed."""

    name: str
    text: str
    services: dict[str, Latency]


# In one region, over an open connection. DynamoDB documents "single-digit millisecond" reads; the Secrets Manager and
# SSM figures are those of published measurements from Lambda (22 ms, tens of ms); S3's guide gives 100 to 200 ms to the
# first byte for small objects, and its users see some 20 ms.
_TYPICAL: dict[str, Latency] = {
    "dynamodb": Latency(5, 20),
    "ssm": Latency(30, 120),
    "secretsmanager": Latency(22, 90),
    "s3": Latency(20, 100),
}
TYPICAL = Profile(
    name="typical",
    text="assumed, log-normal p50/p99 ms: "
    + ", ".join(f"{TITLES[name]} {each.p50_ms:g}/{each.p99_ms:g}" for name, each in _TYPICAL.items()),
    services=_TYPICAL,
)
NONE = Profile(name="none", text="nothing added: the emulator's own latency", services={})

PROFILES = {profile.name: profile for profile in (TYPICAL, NONE)}
