"""Which cache to use for data that may be out of date by so much.

A variant is fit for an age if its design keeps to it; a run can only refute that. That nothing older was seen in some
seconds of measuring does not make an unbounded cache fit.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lab.analysis.model import Report, VariantSummary
from lab.analysis.statistics import Estimate, difference, verdict
from lab.analysis.wording import TIMES, figure, interval, listed, shown
from lab.records.run_file import VariantDescription

AGES_S: Final = (0.0, 10.0, 60.0, 300.0)
ASKED_S: Final = 60.0
"""The age that the report's advice is for."""
ALIKE: Final = 1.1
"""Up to this ratio costs are taken for alike, and downstream calls, even where they were shown to differ."""
GRACE: Final = 1.01
"""An answer is sent a little after its value's age was checked: what is seen may exceed the limit by this ratio."""


class Choice(NamedTuple):
    """For one age: what to choose.

    Attributes:
        at_most_s: how far out of date an answer may be, seconds; infinite: any age will do.
        chosen: None if no variant of the run is fit.
        alike: fit ones that were not shown to be slower, to cost more or to call more; the chosen one is simpler.
        slower: fit ones that were shown to.
        unfit: variants that are not fit, each with the reason.
    """

    at_most_s: float
    chosen: VariantSummary | None
    alike: tuple[VariantSummary, ...]
    slower: tuple[VariantSummary, ...]
    unfit: tuple[tuple[str, str], ...]


def bound_s(about: VariantDescription, ttl_s: float | None) -> float | None:
    """How far out of date a variant's answers can be by design, seconds; infinite: no bound; None: not known."""
    return None if about.bound is None else {"read": 0.0, "ttl": ttl_s, "hard_ttl": None, "none": math.inf}[about.bound]


def choices(report: Report) -> list[Choice]:
    """A choice for each age, the least first; the last is for data of any age."""
    ttl_s = report.file.settings.ttl_s
    ages = sorted({*AGES_S, *([ttl_s] if ttl_s and ttl_s > 0 else [])})
    return [_choice(report, age, ttl_s) for age in (*ages, math.inf)]


class Advice(NamedTuple):
    """What to use, and why: sentences."""

    claim: str
    reasons: str


def advice(report: Report) -> Advice | None:
    """What to use for data that may be ``ASKED_S`` seconds old, and why; None where nothing can be said."""
    ttl_s = report.file.settings.ttl_s
    choice = _choice(report, ASKED_S, ttl_s)
    chosen = choice.chosen
    if chosen is None or chosen.latency_ms is None:
        return None
    claim = f"For data that may be {ASKED_S:.0f} s out of date: {shown(chosen.variant, 30)}."
    return Advice(claim, " ".join(f"{sentence}." for sentence in _why(report, choice, chosen, ttl_s)))


def _choice(report: Report, at_most_s: float, ttl_s: float | None) -> Choice:
    unfit = {summary.variant: reason for summary in report.variants if (reason := _unfit(summary, at_most_s, ttl_s))}
    fit = [summary for summary in report.variants if summary.variant not in unfit]
    alike = _alike(fit)
    return Choice(
        at_most_s=at_most_s,
        chosen=alike[0] if alike else None,
        alike=tuple(alike[1:]),
        slower=tuple(summary for summary in fit if summary not in alike),
        unfit=tuple(unfit.items()),
    )


def _unfit(summary: VariantSummary, at_most_s: float, ttl_s: float | None) -> str | None:
    if summary.latency_ms is None:
        return "no latency was measured"
    bound = bound_s(summary.about, ttl_s)
    most = summary.staleness_s.max if summary.staleness_s else 0.0
    if at_most_s == math.inf:
        reason = None
    elif bound is None:
        reason = "how old its answers can be is not known"
    elif bound == math.inf:
        reason = "nothing limits how old its answers are"
    elif bound > at_most_s:
        reason = f"its TTL was {bound:g} s in this run"
    elif most > at_most_s * GRACE:
        reason = f"an answer was {figure(most)} s out of date, whatever its design says"
    else:
        reason = None
    return reason


def _alike(fit: Sequence[VariantSummary]) -> list[VariantSummary]:
    """Those not shown to be slower than another; of these, not to cost more; of these, not to call downstream more.

    A cost is as noisy as a latency: a short run has a few cold starts, each billed as many warm invocations, and one
    more of them would decide. So what counts is a difference of more than `ALIKE` with an interval that excludes 0 (see
    `lab.analysis.costing`). Where neither latency nor cost separates two, as on a saturated machine, downstream calls
    often do: they hardly depend on how fast the machine is. Where nothing does, the simpler variant is chosen.
    """
    fastest = [one for one in fit if not any(_shown_faster(other, one) for other in fit)]
    cheapest = [one for one in fastest if not any(_shown_costlier(one, other) for other in fastest)]
    return [one for one in cheapest if not any(_shown_to_call_more(one, other) for other in cheapest)]


def _shown_costlier(one: VariantSummary, than: VariantSummary) -> bool:
    return _shown_more(one.cost_total, than.cost_total)


def _shown_to_call_more(one: VariantSummary, than: VariantSummary) -> bool:
    return _shown_more(one.downstream_calls_per_1000, than.downstream_calls_per_1000)


def _shown_more(one: Estimate | None, than: Estimate | None) -> bool:
    if one is None or than is None:
        return False
    return difference(one, than).low > 0 and one.value > than.value * ALIKE


def _shown_faster(one: VariantSummary, than: VariantSummary) -> bool:
    if one.latency_ms is None or than.latency_ms is None:
        return False
    return verdict(one.latency_ms.p50, than.latency_ms.p50) == "faster"


def _why(report: Report, choice: Choice, chosen: VariantSummary, ttl_s: float | None) -> Iterator[str]:
    yield from _gain(report, chosen)
    yield from _others(report, choice, chosen)
    yield _kept(chosen, ttl_s)
    unbounded = [name for name, _ in choice.unfit if bound_s(report.file.variant(name), ttl_s) == math.inf]
    if unbounded:
        yield f"Not {listed(unbounded)}: nothing limits the age of such answers"
    if ttl_s is not None and bound_s(chosen.about, ttl_s) == ttl_s and ttl_s < choice.at_most_s:
        yield (
            f"A TTL of {choice.at_most_s:g} s meets the limit too, with fewer reads. This run did not measure it; "
            f"{_with_ttl(report.target, choice.at_most_s)} does"
        )


def _with_ttl(target: str, ttl_s: float) -> str:
    setting = f"-c ttl_s={ttl_s:g}"
    if target == "aws":
        return f"`lab deploy --target aws {setting}` and then `lab run --target aws`"
    return f"`lab run {setting}`"


def _others(report: Report, choice: Choice, chosen: VariantSummary) -> Iterator[str]:
    """Why not another that was not shown to be slower: it costs more, calls more, or is less simple."""
    name = shown(chosen.variant, 30)
    if choice.alike:
        yield (
            f"This run does not distinguish {listed([one.variant for one in choice.alike])} from it; "
            f"{name} is the simplest"
        )
    equal = [one for one in choice.slower if not _shown_faster(chosen, one)]
    costlier = [one for one in equal if _shown_costlier(one, chosen)]
    if costlier and chosen.cost:
        costs = ", ".join(f"{shown(one.variant, 30)} ${one.cost.total:.2f}" for one in costlier if one.cost)
        costs += f" a million against ${chosen.cost.total:.2f}"
        yield f"Not shown to be faster than {name}, and more expensive: {costs}{_though(report, costlier, chosen)}"
    busier = [one for one in equal if one not in costlier and _shown_to_call_more(one, chosen)]
    if busier:
        names = listed([one.variant for one in busier]) + _though(report, busier, chosen)
        yield f"Not shown to be faster or cheaper than {name}, and with more downstream calls: {names}"


def _though(report: Report, others: Sequence[VariantSummary], chosen: VariantSummary) -> str:
    """That others, not the chosen one, were faster than the baseline: else the headline would seem to say otherwise."""
    faster = [one.variant for one in others if _is_faster(one)]
    return f", though {listed(faster)} was faster than {report.baseline}" if faster and not _is_faster(chosen) else ""


def _is_faster(summary: VariantSummary) -> bool:
    return summary.comparison is not None and summary.comparison.shown == "faster"


def _gain(report: Report, chosen: VariantSummary) -> Iterator[str]:
    baseline = report.find(report.baseline)
    if chosen.latency_ms is None or chosen.comparison is None or baseline is None or baseline.latency_ms is None:
        return
    ratio, shown_as = chosen.comparison.latency, chosen.comparison.shown
    calls, least = chosen.downstream_calls_per_1000, baseline.downstream_calls_per_1000
    yield (
        f"Its median is {figure(chosen.latency_ms.p50.value)} ms; {report.baseline} has"
        f" {figure(baseline.latency_ms.p50.value)} ms ({figure(ratio.value)}{TIMES}, 95 % CI {interval(ratio)}:"
        f" {shown_as})"
        + (
            f". It made {figure(calls.value)} downstream calls per 1,000 invocations, not {figure(least.value)}"
            if calls and least
            else ""
        )
    )


def _kept(chosen: VariantSummary, ttl_s: float | None) -> str:
    bound = bound_s(chosen.about, ttl_s)
    design = "Every answer is read for its request" if bound == 0 else f"By design no answer is older than {bound:g} s"
    if chosen.staleness_s is None:
        return design
    return f"{design}; the stalest one in this run was {figure(chosen.staleness_s.max)} s out of date"
