"""Measured hit ratios and staleness against theory, for one environment and one caller that waits for each answer.

**Hits.** Requests of a key are a Poisson process of rate λ, and a value lives T seconds from its read. A cycle is a
miss, then K ~ Poisson(λT) hits, then an exponential pause until the next miss: the hit ratio is λT/(1+λT). λ is the
measured rate, N/W for N requests in W seconds, so it varies with the hits. With x = λT, M misses and the theory's
D = N/(1+x) - M, the renewal-reward theorem (Cox, "Renewal Theory", 1962; Asmussen, "Applied Probability and Queues",
2003, VI.3) on the linearized D gives

    Var D = N·x/(1+x)⁴ + 1/6,   E D = -x/(1+x)³,

where 1/6 is what the cut of cycles at both ends of the window adds to a renewal count (Cox, 1962, chapter 4; its
value for a long TTL, the most it can be here), and E D is the second-order term of the delta method. Keys are
independent: their variances add up. A caller that waits for its miss asks for nothing meanwhile, and T counts from the
start of the read: T stands for the TTL less the mean time that a miss takes. Other waiting is neglected.

**Staleness.** A value read at t is superseded after an exponential time with the key's update rate u. An answer of age
a is then stale by more than s with the probability p = 1-exp(-u(a-s)), 0 if a < s. All answers of one cycle depend on
the same exponential time, so of the two ages a ≤ b in a cycle the later is stale whenever the earlier is:

    Var (stale - expected in a cycle) = Σ over pairs of p(min(a, b)) - p(a)·p(b),

and cycles are independent, since updates do not depend on requests and cycles do not overlap. Age is taken at the
sending, as staleness is.
"""

import asyncio
import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import yarl

from facts.names import Names
from facts.sources import item_keys
from lab.aws.connection import Connection
from lab.deploy.items import Store, open_store
from lab.deploy.items import seed as write_items
from lab.drive.clock import Clock, steady_clock
from lab.drive.invoke import Invoker, SignedRequest
from lab.drive.load import PlannedUpdate
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline, writing_updates
from tests.bench.bench_truth_parts import Result, Row, deployed, keep, kept_in, say

SEEDS: Final = tuple(range(1, 21))
TOGETHER: Final = 10
"""Callers at a time: each has keys, an environment and updates of its own."""
RATE: Final = 12.0
KEYS: Final = 12
SKEW: Final = 1.0
UPDATES: Final = 2.0
TTL_S: Final = 2
STALE_BY_S: Final = 0.5
SETTLE_S: Final = 20.0
MEASURED_S: Final = 90.0
LEAST_INSIDE: Final = 18
Z95: Final = 1.960
VARIANT: Final = "ttl_cache"


@dataclasses.dataclass(frozen=True)
class Deviation:
    """Found less expected, its variance by theory, and of how many requests."""

    found: float
    expected: float
    variance: float
    count: int

    def inside(self) -> bool:
        """Whether the 95 % interval of the found value holds the expected one."""
        return abs(self.found - self.expected) <= Z95 * math.sqrt(self.variance)

    def as_share(self) -> str:
        """The found share, the half-width of its interval, and the expected share."""
        half = Z95 * math.sqrt(self.variance) / self.count
        return f"{self.found / self.count:.4f} ± {half:.4f}, theory {self.expected / self.count:.4f}"


def hits(requests: Sequence[int], misses: Sequence[int], window_s: float, ttl_s: float) -> Deviation:
    """Hits found and expected; requests and misses by key."""
    n = np.asarray(requests, float)
    x = n / window_s * ttl_s
    expected_misses = n / (1 + x) + x / (1 + x) ** 3
    variance = np.where(n > 0, n * x / (1 + x) ** 4 + 1 / 6, 0.0)
    total = int(n.sum())
    return Deviation(float(total - np.sum(misses)), float(total - expected_misses.sum()), float(variance.sum()), total)


def stale(cycles: Sequence[tuple[float, Sequence[tuple[float, bool]]]], by_s: float) -> Deviation:
    """Answers stale by more than ``by_s``, found and expected.

    A cycle is the update rate of its key, and the age and the staleness (more than ``by_s`` or not) of its answers.
    """
    found = expected = variance = 0.0
    count = 0
    for rate, answers in cycles:
        ages = np.sort([age for age, _ in answers])
        p = -np.expm1(-rate * np.maximum(0.0, ages - by_s))
        after = np.arange(p.size - 1, -1, -1)  # of each answer, how many of the cycle are older
        found += sum(is_stale for _, is_stale in answers)
        expected += float(p.sum())
        variance += float(np.sum(p * (1 + 2 * after)) - p.sum() ** 2)
        count += p.size
    return Deviation(found, expected, variance, count)


def zipf(keys: int) -> npt.NDArray[np.float64]:
    """Shares of the keys by Zipf's law."""
    weights = np.arange(1, keys + 1, dtype=np.float64) ** -SKEW
    return np.asarray(weights / weights.sum())


def measure(folder: Path, *, small: bool) -> None:
    """Let the missing seeds call, some at a time."""
    wanted = SEEDS[:2] if small else SEEDS
    missing = [number for number in wanted if not _path(folder, number).exists()]
    if not missing:
        return
    keys = item_keys(KEYS * TOGETHER)
    with deployed(
        "--profile", "none", context={"variants": f"no_cache,{VARIANT}", "ttl_s": TTL_S, "keys": len(keys)}
    ) as url:
        connection = Connection(target="local", endpoint_url=url)
        store = open_store("dynamodb", connection, Names())
        measured_s = 10.0 if small else MEASURED_S
        for first in range(0, len(missing), TOGETHER):
            seeds = missing[first : first + TOGETHER]
            say(f"hits: seeds {seeds[0]} to {seeds[-1]}, {SETTLE_S + measured_s:.0f} s")
            versions = [_publish(connection, number) for number in seeds]
            callers = asyncio.run(_Window(url, store, seeds, versions, measured_s).run())
            for number, content in zip(seeds, callers, strict=True):
                keep(_path(folder, number), content)


def _path(folder: Path, number: int) -> Path:
    return folder / f"seed-{number:02}.json"


def _publish(connection: Connection, number: int) -> str:
    """Publish a version of the function, which has environments of its own."""
    client = connection.client("lambda")
    client.update_function_configuration(
        FunctionName=Names().function_name(VARIANT), Description=f"caller of seed {number}"
    )
    version: str = client.publish_version(FunctionName=Names().function_name(VARIANT))["Version"]
    return version


class _Answer(NamedTuple):
    """An answer to a caller: the rank of its key, when it was sent after the measured time began; all times in s."""

    rank: int
    miss: bool
    at: float
    service_s: float
    age_s: float
    staleness_s: float


class _Window:
    """Callers of several seeds at the same time."""

    def __init__(
        self, url: str, store: Store, seeds: Sequence[int], versions: Sequence[str], measured_s: float
    ) -> None:
        self._path = f"{url}/2015-03-31/functions/{Names().function_name(VARIANT)}/invocations?Qualifier="
        self._store = store
        self._seeds, self._versions = seeds, versions
        self._measured_s = measured_s
        self._clock: Clock = steady_clock()
        self._timeline = VersionTimeline()
        self._began = 0.0

    async def run(self) -> list[dict[str, Any]]:
        """Call, and return what each seed's caller found."""
        everything = item_keys(KEYS * TOGETHER)
        for key, version in write_items(self._store, everything).items():
            self._timeline.add(key, version, self._clock())
        tally = Tally(())
        async with Invoker(timeout_s=30) as invoker:
            self._began = self._clock() + 0.5
            updating = writing_updates(
                sorted(self._updates()),
                opens_at=self._began,
                update=self._store.update,
                timeline=self._timeline,
                clock=self._clock,
                tally=tally,
            )
            with updating:
                callers = [self._call(invoker, place, number) for place, number in enumerate(self._seeds)]
                found = await asyncio.gather(*callers)
        if tally.updates_failed:
            raise SystemExit(f"{tally.updates_failed} updates failed")
        return list(found)

    def _updates(self) -> Iterator[PlannedUpdate]:
        """Poisson processes: of each key, as many updates as drawn, at uniform times."""
        length_s = SETTLE_S + self._measured_s
        for place, number in enumerate(self._seeds):
            generator = np.random.default_rng([number, 1])
            for key, share in zip(_keys(place), zipf(KEYS), strict=True):
                for at in generator.random(generator.poisson(UPDATES * share * length_s)) * length_s:
                    yield PlannedUpdate(float(at), key)

    async def _call(self, invoker: Invoker, place: int, number: int) -> dict[str, Any]:
        """One caller: it pauses, asks and waits for the answer."""
        generator = np.random.default_rng([number, 0])
        url = yarl.URL(self._path + self._versions[place])
        requests = [SignedRequest(url, {}, f'{{"key": "{key}"}}'.encode()) for key in _keys(place)]
        measured_from = self._began + SETTLE_S
        until = measured_from + self._measured_s
        answers: list[_Answer] = []
        environments = set()
        await asyncio.sleep(self._began - self._clock())
        while True:
            await asyncio.sleep(generator.exponential(1 / RATE))
            rank = int(generator.choice(KEYS, p=zipf(KEYS)))
            sent_at = self._clock()
            if sent_at >= until:
                break
            outcome = await invoker.send(requests[rank])
            service_s = self._clock() - sent_at
            if outcome.age_ms is None or outcome.version is None:
                raise SystemExit(f"a request failed: {outcome}")
            environments.add(outcome.environment_id)
            staleness_s = self._timeline.staleness_ms(_keys(place)[rank], outcome.version, sent_at) / 1000
            age_s = max(0.0, outcome.age_ms / 1000 - service_s)
            answers.append(
                _Answer(rank, outcome.cache == "miss", sent_at - measured_from, service_s, age_s, staleness_s)
            )
        if len(environments) != 1:
            raise SystemExit(f"the caller of seed {number} used {len(environments)} environments")
        return {"seed": number, "ttl_s": TTL_S, "measured_s": self._measured_s, "answers": answers}


def _keys(place: int) -> tuple[str, ...]:
    return item_keys(KEYS * TOGETHER)[place * KEYS : (place + 1) * KEYS]


def _cycles(caller: dict[str, Any]) -> list[tuple[float, list[tuple[float, bool]]]]:
    """The measured answers, grouped by the read that they came from."""
    rates = UPDATES * zipf(KEYS)
    current: dict[int, list[tuple[float, bool]]] = {}
    found: list[tuple[float, list[tuple[float, bool]]]] = []
    for rank, miss, at, _, age_s, staleness_s in caller["answers"]:
        if miss or rank not in current:
            current[rank] = []
            found.append((float(rates[rank]), current[rank]))
        if at >= 0:
            current[rank].append((age_s, staleness_s > STALE_BY_S))
    return [cycle for cycle in found if cycle[1]]


def _counts(caller: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Measured requests and misses by key."""
    requests, misses = [0] * KEYS, [0] * KEYS
    for rank, miss, at, *_ in caller["answers"]:
        if at >= 0:
            requests[rank] += 1
            misses[rank] += miss
    return requests, misses


def rows(folder: Path) -> Result:
    """Two rows, and each seed's figures."""
    callers = kept_in(folder, "seed-*.json")
    if not callers:
        return Result()
    hit = [_hits([caller]) for caller in callers]
    old = [stale(_cycles(caller), STALE_BY_S) for caller in callers]
    all_old = stale([cycle for caller in callers for cycle in _cycles(caller)], STALE_BY_S)
    wrong = sum(not _hits([caller], ttl_factor=1.2).inside() for caller in callers)
    raw = {
        "seeds": [caller["seed"] for caller in callers],
        "hits": [dataclasses.asdict(one) for one in hit],
        "stale": [dataclasses.asdict(one) for one in old],
    }
    found = [
        _row(
            "hit ratio of one environment against λT/(1+λT), summed over Zipf keys",
            hit,
            _hits(callers),
            f" With a TTL taken 20 % too long, {wrong} are outside.",
        ),
        _row(f"share of answers stale by more than {STALE_BY_S:g} s against 1-exp(-u(age-s))", old, all_old),
    ]
    return Result(found, raw)


def _hits(callers: Sequence[dict[str, Any]], ttl_factor: float = 1.0) -> Deviation:
    """Hits of some callers together, as of one window that is so much longer."""
    counts = np.sum([_counts(caller) for caller in callers], axis=0)
    window_s = sum(caller["measured_s"] for caller in callers)
    waits = [answer.service_s for caller in callers for one in caller["answers"] if (answer := _Answer(*one)).miss]
    ttl_s = callers[0]["ttl_s"] * ttl_factor - sum(waits) / len(waits)
    return hits(counts[0], counts[1], window_s, ttl_s)


def _row(claim: str, each: Sequence[Deviation], together: Deviation, more: str = "") -> Row:
    inside = sum(one.inside() for one in each)
    return Row(
        claim=claim,
        bar=f"seeds {SEEDS[0]} to {SEEDS[-1]}: at least {LEAST_INSIDE} inside their 95 % interval, and all together",
        found=f"{inside} of {len(each)}; pooled {together.as_share()} ({together.count:,} answers).{more}",
        met=len(each) == len(SEEDS) and inside >= LEAST_INSIDE and together.inside(),
    )
