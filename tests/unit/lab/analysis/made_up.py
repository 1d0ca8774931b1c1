"""Made-up evidence: what repetitions measured, without records."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from facts.bounds import Bound
from lab.analysis import figures as over
from lab.analysis.advice import Evidence, bound_s
from lab.analysis.model import Question, RepetitionFigures, VariantSummary, Warm
from lab.analysis.statistics import withheld
from lab.records.run_file import MeasuredSettings, Repetition, RunFile, VariantDescription

TTL_S: Final = 10.0
BOUNDS: Final[dict[str, Bound]] = {
    "no_cache": "read",
    "module_cache": "none",
    "ttl_cache": "ttl",
    "tmp_cache": "ttl",
    "snapstart": "ttl",
}
READ_USD: Final = 0.125e-6
BASE_USD: Final = 0.25e-6


class Made(NamedTuple):
    """What a variant is made to be: mean warm latency (ms) and calls of an invocation, of each repetition."""

    ms: Sequence[float]
    calls: Sequence[float]
    answers: int = 40
    start_usd: float = 4e-6
    per_month_usd: float | None = 0.0
    bound: Bound | None = "ttl"
    changes: Mapping[str, Any] = MappingProxyType({})


def figures(made: Made) -> tuple[RepetitionFigures, ...]:
    """The figures of the repetitions of such a variant."""
    return tuple(
        RepetitionFigures(
            repetition=number,
            answers=made.answers,
            latency_ms=ms * made.answers,
            ran=made.answers,
            calls=calls * made.answers,
            read_units=None,
            usd=made.answers * (BASE_USD + READ_USD * calls),
            requested=made.answers,
            starts=3,
            start_ms=1200.0,
            start_calls=3.0,
            start_usd=3 * made.start_usd,
        )
        for number, (ms, calls) in enumerate(zip(made.ms, made.calls, strict=True))
    )


def evidence(
    made: dict[str, Made],
    *,
    question: Question = Question(),  # noqa: B008 - immutable
    repetitions: Sequence[Repetition] | None = None,
    baseline: str = "no_cache",
    late_share: float = 0.0,
    from_logs: bool = False,
    ttl_s: float | None = TTL_S,
    target: str = "local",
) -> Evidence:
    """The evidence of a run with such variants; by default all its repetitions are complete and undisturbed."""
    count = max((len(one.ms) for one in made.values()), default=0)
    done = [Repetition(number=number, complete=True) for number in range(count)]
    run = RunFile(
        settings=MeasuredSettings(ttl_s=ttl_s),
        baseline=baseline,
        repetitions=tuple(done if repetitions is None else repetitions),
    )
    run = dataclasses.replace(run, run=dataclasses.replace(run.run, target=target))
    summaries = {name: _summary(name, one, question, ttl_s) for name, one in made.items()}
    base = summaries.get(baseline)
    if base is not None:
        months = {name: over.month_usd(one.repetitions, question, one.per_month_usd) for name, one in summaries.items()}
        for name, one in summaries.items():
            if one is not base:
                effect = over.effect(one.repetitions, base.repetitions, months[name], months[baseline])
                summaries[name] = dataclasses.replace(one, effect=effect)
    return Evidence(run, tuple(summaries.values()), late_share, from_logs)


def _summary(name: str, made: Made, question: Question, ttl_s: float | None) -> VariantSummary:
    about, own = VariantDescription(name=name, title=name, bound=made.bound), figures(made)
    mean, month = over.warm_ms(own), over.month_usd(own, question, made.per_month_usd)
    count = sum(one.answers for one in own)
    warm = Warm(
        count=count,
        mean_ms=mean.estimate() if mean else withheld(np.nan),
        hit_ms=None,
        miss_ms=None,
        calls_per_1000=over.calls_per_1000(own),
        read_units_per_1000=None,
        cost=None,
        cost_total=None,
    )
    known: dict[str, Any] = {
        "about": about,
        "invocations": count,
        "ok": count,
        "failed_unprovoked": 0.0,
        "error_types": {},
        "starts": {},
        "repetitions": own,
        "warm": warm if count else None,
        "per_month_usd": made.per_month_usd,
        "month_usd": month.estimate() if month else None,
        "bound_s": bound_s(about, ttl_s),
        "bound_broken": False,
        "parts": (),
    }
    fields = {field.name: None for field in dataclasses.fields(VariantSummary)}
    return VariantSummary(**(fields | known | dict(made.changes)))
