"""What a report says, as data: computed once from a run's records, shown in several formats."""

import dataclasses
import enum
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from facts.prices import Cost
from lab.analysis.statistics import Distribution, Estimate
from lab.records.run_file import RunFile, RunWarning, VariantDescription


class Start(enum.StrEnum):
    """How an invocation found its execution environment."""

    WARM = "warm"
    COLD = "cold_start"
    RESTORED = "restored"

    @property
    def code(self) -> int:
        """A number for it, in a column of numbers."""
        return list(Start).index(self)

    @classmethod
    def coded(cls, code: int) -> "Start":
        """The start with that number."""
        return list(cls)[code]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartSummary:
    """The answered invocations of one kind of start, in the used repetitions; warm ones in phase `steady` only."""

    count: int
    latency_ms: Distribution | None
    service_ms: Distribution | None


class Question(NamedTuple):
    """What a recommendation is for.

    Attributes:
        max_staleness_s: how far out of date an answer may be, seconds; infinite: any age will do.
        volume: invocations a month.
        cold_share: share of them that start an environment, 0 to 1.
    """

    max_staleness_s: float = 60.0
    volume: float = 10_000_000.0
    cold_share: float = 0.01
    """AWS: "cold starts typically occur in under 1% of invocations" (Lambda Developer Guide, "Understanding the Lambda
    execution environment lifecycle")."""


class RepetitionFigures(NamedTuple):
    """What one used repetition measured of a variant: sums and counts of its warm invocations in phase `steady`.

    Attributes:
        repetition: its number.
        answers: warm answers; ``latency_ms`` is the sum of their latencies.
        ran: warm invocations that ran, to an answer or to an error: the next three are sums over these.
        calls: downstream calls; None: not reported.
        usd: cost, US dollars; None: not known.
        requested: invocations of that phase, those that started an environment too.
        failed: those of them without a right answer.
        hits: the warm answers from the cache; ``hit_ms`` is the sum of their latencies.
        starts: answered invocations that started an environment, in any phase; the last four are sums over these.
    """

    repetition: int
    answers: int
    latency_ms: float
    ran: int
    calls: float | None
    read_units: float | None
    usd: float | None
    requested: int = 0
    failed: int = 0
    hits: int = 0
    hit_ms: float = 0.0
    starts: int = 0
    start_ms: float = 0.0
    start_calls: float | None = None
    start_usd: float | None = None
    start_wait_ms: float | None = None

    @property
    def mean_ms(self) -> float:
        """Mean latency of the warm answers; NaN without any."""
        return self.latency_ms / self.answers if self.answers else math.nan


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """The warm answers of the measured time: used repetitions, phase `steady`, without any that started an environment.

    Intervals are over repetitions; where there are fewer than two, they are infinite (`Estimate.bounded`).

    Attributes:
        count: warm answers.
        mean_ms: mean latency from the planned start; of records made from logs, the mean duration.
        hit_ms: mean latency of the answers served from the cache; ``miss_ms`` of the others.
        calls_per_1000: downstream calls of 1,000 invocations that ran.
        read_units_per_1000: what DynamoDB bills for them; None for another source.
        cost: of a million of them, US dollars, by part; ``cost_total`` is its sum with the interval.
    """

    count: int
    mean_ms: Estimate
    hit_ms: float | None
    miss_ms: float | None
    calls_per_1000: Estimate | None
    read_units_per_1000: Estimate | None
    cost: Cost | None
    cost_total: Estimate | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PerStart:
    """The invocations that started an environment, whole: the start and the answer.

    Attributes:
        count: how many were answered.
        ms: mean latency, without the time lost because this machine starts few environments at once.
        calls: mean downstream calls, those of init or restore included.
        usd: mean cost, US dollars.
        wait_ms: the mean of that lost time; None if not reported.
    """

    count: int
    ms: Estimate | None
    calls: float | None
    usd: Estimate | None
    wait_ms: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A variant against the baseline, paired within repetitions; positive is better than the baseline.

    Attributes:
        saved_ms: the baseline's mean warm latency less the variant's.
        saved_calls: share of the baseline's downstream calls that the variant does not make.
        saved_usd_month: US dollars a month, at the question's volume and share of starts, snapshots included.
    """

    saved_ms: Estimate | None
    saved_calls: Estimate | None
    saved_usd_month: Estimate | None


class Part(NamedTuple):
    """A part of the measured time of scenario `outage`, over the used repetitions.

    Attributes:
        name: ``before``, ``during`` or ``after`` the fault.
        requested: invocations; ``answered_share`` is that of the right answers among them.
        warm_ms: mean latency of the warm answers.
        calls_per_1000: downstream calls of 1,000 invocations that ran.
    """

    name: str
    requested: int
    answered_share: Estimate | None
    warm_ms: Estimate | None
    calls_per_1000: Estimate | None


class Excluded(NamedTuple):
    """A variant that is not recommended, why, and what would change that (empty: nothing)."""

    variant: str
    reason: str
    remedy: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to use, or why the run cannot say; the contract's `advice`.

    Attributes:
        question: what it is for.
        variant: what to use; None if the rules of evidence forbid a choice, or no variant qualifies.
        sentence: one sentence of at most 25 words.
        reasons: why this one, or why none can be named.
        alternatives: variants that are as good, or not distinguishable.
        excluded: the other ones.
    """

    question: Question
    variant: str | None
    sentence: str
    reasons: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    excluded: tuple[Excluded, ...] = ()


class Point(NamedTuple):
    """A point of a curve."""

    x: float
    y: float


class LatencyBin(NamedTuple):
    """Latencies of a stretch of time: its middle (s after the first planned start), how many, and ms."""

    at: float
    answered: int
    p50: float
    p90: float
    max: float


class Beginning(NamedTuple):
    """An invocation that waited for its environment: planned ``at`` so many s after the first, and what it took."""

    at: float
    latency_ms: float
    start: Start


class EnvironmentLife(NamedTuple):
    """One execution environment; times are seconds after the run's first planned start.

    Attributes:
        began: the sending of its first invocation; the end of its last is ``ended``.
        start_ms: its init or restore duration, if reported.
        reads: its invocations that read downstream; ``read_at`` are the middles of the bins in which it did.
    """

    began: float
    ended: float
    invocations: int
    start: Start
    start_ms: float | None
    reads: int
    read_at: tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VariantSummary:
    """One variant of a run. None: not measured.

    Counts are of the whole run, and agree with what the wire and CloudWatch count. Percentiles, shares and rates are of
    the measured time: phase `steady` of the used repetitions. Percentiles of latency and service time are of all that
    was requested in it: what failed, was throttled or was lost comes after every answer, and is infinite.

    Attributes:
        about: what the run's file says of the variant.
        ran: invocations that returned an answer or a function error: what AWS's metric `Invocations` counts.
        unreported: function errors and lost invocations that did not report their downstream calls.
        failed_share: invocations without a right answer among those measured.
        failed_unprovoked: that share of all phases of the used repetitions, outside a fault that the scenario injects.
        error_types: failed invocations by their error type.
        cold_starts: among all invocations, as are ``restores``.
        starts: the answered invocations apart, by kind of start.
        latency_ms: from the planned start, all starts together.
        init_ms: of every cold start of the used repetitions, failed ones too; so is ``restore_ms`` of restores.
        downstream_calls: of all invocations that ran and reported them, failed ones too; those of init with them.
        throttled_calls: those of them that the source refused because there were too many.
        wire_calls: the downstream calls that the local endpoint saw.
        billed_ms: billed in all, failed invocations too.
        billed_ms_mean: of a warm invocation.
        cost: of a million invocations, with the question's share of starts, by part; ``cost_total`` is its sum with
            the interval.
        repetitions: the used repetitions; one for a run that has none.
        per_month_usd: what a month costs whatever the load: the cache of a SnapStart snapshot.
        month_usd: what a month costs at the question's volume and share of starts.
        effect: against the baseline; None for the baseline.
        parts: before, during and after the fault; empty without one.
        bound_s: how far out of date its answers can be by design, seconds; infinite: nothing limits it.
        stalest_s: how far out of date the worst answer of the whole run was.
        bound_broken: whether that is more than its design allows.
        latency_curve: share of what was requested (y, 0 to 1) that took x ms at most, thinned.
        quantiles: the latencies, ms, at the ``QUANTILES`` of the summary; infinite where not answered; empty where
            nothing was.
        calls_curve: downstream calls a second (y) at x seconds after the first planned start.
        latency_course: the latency over time; ``beginnings`` are the invocations that waited for an environment.
        lives: the first execution environments.
    """

    about: VariantDescription
    invocations: int
    ok: int
    ran: int
    unreported: int
    failed_share: Estimate | None
    failed_unprovoked: float
    function_errors: int
    throttles: int
    lost: int
    error_types: Mapping[str, int]
    environments: int
    cold_starts: int
    restores: int
    starts: Mapping[Start, StartSummary]
    latency_ms: Distribution | None
    service_ms: Distribution | None
    duration_ms: Distribution | None
    init_ms: Distribution | None
    restore_ms: Distribution | None
    hit_ratio: float | None
    downstream_calls: int | None
    downstream_calls_per_1000: Estimate | None
    throttled_calls: int
    wire_calls: int | None
    age_s: Distribution | None
    staleness_s: Distribution | None
    stale_answers: int | None
    billed_ms: float | None
    billed_ms_mean: float | None
    memory_mb: float | None
    cost: Cost | None
    cost_total: Estimate | None
    repetitions: tuple[RepetitionFigures, ...]
    warm: Warm | None
    per_start: PerStart | None
    per_month_usd: float | None
    month_usd: Estimate | None
    effect: Effect | None
    parts: tuple[Part, ...]
    bound_s: float | None
    stalest_s: float | None
    bound_broken: bool
    latency_curve: tuple[Point, ...]
    quantiles: tuple[float, ...]
    calls_curve: tuple[Point, ...]
    latency_course: tuple[LatencyBin, ...]
    beginnings: tuple[Beginning, ...]
    lives: tuple[EnvironmentLife, ...]

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self.about.name

    @property
    def took_ms(self) -> Distribution | None:
        """What variants are compared by: the latency, and in records made from logs the functions' durations."""
        return self.latency_ms or self.duration_ms

    @property
    def failed(self) -> int:
        """Invocations without a right answer."""
        return self.invocations - self.ok


def from_logs(variants: Sequence[VariantSummary]) -> bool:
    """Whether functions answered, and no caller's wait is known: the records were made from logs."""
    return any(one.ok for one in variants) and not any(
        one.starts[start].latency_ms for one in variants for start in Start
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run: what was run, what each variant did, and what limits the numbers.

    Attributes:
        file: what ``run.json`` says.
        target: ``local``, ``aws`` or ``simulated``: where the numbers come from.
        used: the numbers of the repetitions that the figures are of; empty: the run has none, and counts as one.
        question: what the advice is for.
        advice: what to use.
        choices: the same for other ages of data, the least first; the last is for any age.
    """

    file: RunFile
    target: str
    variants: tuple[VariantSummary, ...]
    used: tuple[int, ...]
    question: Question
    advice: Advice
    choices: tuple[Advice, ...] = ()
    warnings: tuple[RunWarning, ...] = ()

    @property
    def baseline(self) -> str:
        """The variant that the others are compared to."""
        return self.file.baseline

    @property
    def from_logs(self) -> bool:
        """Whether the records were made from logs (`lab collect`): functions answered, what callers saw is unknown."""
        return from_logs(self.variants)

    @property
    def profile(self) -> str | None:
        """The name of the downstream latency profile behind local numbers."""
        return self.file.local.profile if self.file.local else None

    def find(self, variant: str) -> VariantSummary | None:
        """The summary of a variant, None if the run had it not."""
        return next((summary for summary in self.variants if summary.variant == variant), None)
