"""Latency profiles: how long the downstream services take at the local endpoint.

The emulator answers as fast as it can, which says nothing about AWS. A profile delays each answer until the time has
passed that the real service would take. Times are drawn from a log-normal distribution, the usual shape of service
latencies. They are assumptions, named and printed with every result, not measurements of your account. Besides the
named profiles, a TOML file can be one (`docs/how-to/set-downstream-latencies.md`).
"""

import dataclasses
import math
import random
import statistics
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facts.sources import SOURCES, TITLES
from lab.errors import UsageError

_EXAMPLE = "for example dynamodb = {p50_ms = 5, p99_ms = 20}"
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
    """A named set of latencies by service (the name in a request's signature); other services are not delayed.

    A function by whose name ``functions`` has latencies gets these in place of the others.
    """

    name: str
    text: str
    services: Mapping[str, Latency]
    functions: Mapping[str, Mapping[str, Latency]] = dataclasses.field(default_factory=dict)

    def latency(self, function: str, service: str) -> Latency | None:
        """The latency of a service for a function; None: it is not delayed."""
        return self.functions.get(function, {}).get(service) or self.services.get(service)


def _text(services: Mapping[str, Latency]) -> str:
    latencies = ", ".join(f"{TITLES[name]} {each.p50_ms:g}/{each.p99_ms:g}" for name, each in services.items())
    return f"log-normal p50/p99 ms: {latencies}"


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
    text=f"assumed, {_text(_TYPICAL)}",
    services=_TYPICAL,
)
NONE = Profile(name="none", text="nothing added: the emulator's own latency", services={})

PROFILES = {profile.name: profile for profile in (TYPICAL, NONE)}


def find_profile(name: str) -> Profile:
    """The profile of this name, or the one that the TOML file of this name states.

    Raises:
        UsageError: there is neither, or the file states something else. The text names the file and the entry.
    """
    if name in PROFILES:
        return PROFILES[name]
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"--profile {name!r} is not a file; give {', '.join(PROFILES)} or a TOML file")
    try:
        return _parse_profile(path.name, tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read the profile {name}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"the profile {name} is not valid: {' '.join(str(error).split())}") from None


def _parse_profile(name: str, content: dict[str, Any]) -> Profile:
    functions = _table(content.pop("functions", {}), "functions")
    services = _latencies(content, "")
    by_function = {function: _latencies(entry, f"functions.{function}.") for function, entry in functions.items()}
    texts = [_text(services)] if services else []
    texts += [f"for {function} {_text(latencies)}" for function, latencies in by_function.items()]
    if not texts:
        raise ValueError(f"it has no latency; give {_EXAMPLE}")
    return Profile(name, f"of this file, {'; '.join(texts)}", services, by_function)


def _latencies(table: Any, place: str) -> dict[str, Latency]:
    entries = _table(table, place.rstrip("."))
    for service in entries:
        if service not in SOURCES:
            raise ValueError(f"{place}{service} is not a service; give {', '.join(SOURCES)}")
    return {service: _latency(entry, place + service) for service, entry in entries.items()}


def _latency(entry: Any, place: str) -> Latency:
    found = _table(entry, place)
    given: list[Any] = [value for name in ("p50_ms", "p99_ms") if type(value := found.get(name)) in (int, float)]
    if len(found) == len(given) == 2 and 0 < given[0] <= given[1] < math.inf:
        return Latency(*given)
    raise ValueError(f"{place} needs p50_ms above 0 and p99_ms of at least that; {_EXAMPLE}")


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is not a table; give {_EXAMPLE}")
    return value
