"""Which cache to use, or why a run cannot say: the one place that recommends.

A variant qualifies for a limit if its design keeps to it; a run can only refute that. Of those that qualify, the best
has the lowest mean latency of warm answers. Another is worse if it is shown to be later than the best and by more than
`MARGIN`. Of those that are not worse, the cheapest at the volume that is asked for is chosen. Others that cost up to
`ALIKE` times as much are taken as equally cheap, and the first of these in the order of the registry is chosen.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lab.analysis import figures as over
from lab.analysis.model import Advice, Excluded, Question, VariantSummary
from lab.analysis.statistics import Estimate
from lab.analysis.wording import figure, interval, listed, percent, shown
from lab.records.run_file import MOST_BAD, RunFile, VariantDescription

AGES_S: Final = (0.0, 10.0, 60.0, 300.0, math.inf)
"""Limits for which every report has a choice, beside the TTL."""
MARGIN: Final = 0.1
"""Share of the baseline's warm mean up to which a difference in latency does not matter."""
ALIKE: Final = 1.1
"""Up to this ratio costs are taken as equal."""
EXPENSIVE: Final = 1.5
"""From this ratio to a cheaper one that qualifies, or to the baseline, the sentence states the cost."""
LEAST_REPETITIONS: Final = 3
"""With two, Student's t has one degree of freedom: an interval is ten times as wide as with five, and one of the two
cannot be left out to see whether they agree."""
LEAST_ANSWERS: Final = 100
MOST_FAILED: Final = 0.01
MOST_LATE: Final = 0.01
CANNOT_SAY: Final = "This run cannot say which cache to use"


class Evidence(NamedTuple):
    """What advice is founded on.

    Attributes:
        run: what ``run.json`` says.
        variants: every variant of the run, in the order of the registry.
        late_share: share of the measured requests that were sent late.
        from_logs: whether the records were made from logs.
    """

    run: RunFile
    variants: Sequence[VariantSummary]
    late_share: float
    from_logs: bool

    @property
    def baseline(self) -> VariantSummary | None:
        """The summary of the baseline."""
        return next((one for one in self.variants if one.variant == self.run.baseline), None)


class _Ranking(NamedTuple):
    """The variants that qualify, compared.

    Attributes:
        best: the one with the lowest warm mean.
        chosen: the one to use.
        even: the others that are not worse than the best.
        worse: those that are.
    """

    best: VariantSummary
    chosen: VariantSummary
    even: tuple[VariantSummary, ...]
    worse: tuple[VariantSummary, ...]


def bound_s(about: VariantDescription, ttl_s: float | None) -> float | None:
    """How far out of date a variant's answers can be by design, seconds; infinite: no bound; None: not known."""
    return None if about.bound is None else {"read": 0.0, "ttl": ttl_s, "hard_ttl": None, "none": math.inf}[about.bound]


def ages_s(run: RunFile) -> list[float]:
    """The limits for which a report has a choice, the least first."""
    ttl_s = run.settings.ttl_s
    return sorted({*AGES_S, *([ttl_s] if ttl_s and ttl_s > 0 else [])})


def advise(evidence: Evidence, question: Question) -> Advice:
    """What to use, or why the run cannot say."""
    doubts = [*_doubts(evidence)]
    if doubts:
        return _no_advice(question, doubts)
    excluded = [one for summary in evidence.variants if (one := _unfit(summary, question.max_staleness_s))]
    unfit = {one.variant for one in excluded}
    fit = [summary for summary in evidence.variants if summary.variant not in unfit]
    if not fit:
        limit = _limit(question.max_staleness_s)
        return Advice(
            question=question,
            variant=None,
            sentence=f"No variant of this run qualifies for data {limit}.",
            reasons=("The design of each variant allows older answers, is not known, or did not hold in this run.",),
            excluded=tuple(excluded),
        )
    unpriced = [one.variant for one in fit if one.month_usd is None]
    if unpriced:
        return _no_advice(question, [f"the cost of {_few(unpriced)} is not known"])
    ranking = _ranked(evidence, fit, question)
    flipped = _flipped(evidence, fit, question, ranking.chosen)
    if flipped:
        return _no_advice(question, [f"its repetitions disagree ({_few([ranking.chosen.variant, *flipped])})"])
    return Advice(
        question=question,
        variant=ranking.chosen.variant,
        sentence=_sentence(evidence, fit, ranking.chosen, question),
        reasons=tuple(_reasons(evidence, ranking, question)),
        alternatives=tuple(one.variant for one in ranking.even),
        excluded=(*excluded, *(_excluded(one, ranking) for one in ranking.worse)),
    )


def _no_advice(question: Question, doubts: Sequence[str]) -> Advice:
    reasons = tuple(f"{doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
    return Advice(question=question, variant=None, sentence=f"{CANNOT_SAY}: {doubts[0]}.", reasons=reasons)


def _doubts(evidence: Evidence) -> Iterator[str]:
    """Why the run can support no advice, whatever the question; each at most 16 words."""
    if not any(one.ok for one in evidence.variants):
        yield "no invocation was answered"
        return
    if evidence.from_logs:
        yield "it was made from logs, in which variants had different loads"
        return
    yield from _failing(evidence)
    yield from _disturbed(evidence)
    baseline = evidence.baseline
    if baseline is None or baseline.warm is None:
        yield f"the baseline {shown(evidence.run.baseline, 30)} was not measured"
    fewest = min(evidence.variants, key=_answers)
    if _answers(fewest) < LEAST_ANSWERS:
        name = shown(fewest.variant, 30)
        yield f"only {_answers(fewest)} warm answers came from {name}, and {LEAST_ANSWERS} are needed"
    else:
        yield from _unpaired(evidence.variants)
    yield from _too_few_repetitions(evidence.run)


def _unpaired(variants: Sequence[VariantSummary]) -> Iterator[str]:
    """A variant without warm answers in a repetition, where it cannot be paired with the others."""
    lacking = max(variants, key=_without_answers)
    count = _without_answers(lacking)
    if count:
        name = shown(lacking.variant, 30)
        yield f"no warm answer came from {name} in {count} of {len(lacking.repetitions)} repetitions"


def _without_answers(summary: VariantSummary) -> int:
    return sum(not one.answers for one in summary.repetitions)


def _failing(evidence: Evidence) -> Iterator[str]:
    failing = max(evidence.variants, key=lambda one: one.failed_unprovoked)
    if failing.failed_unprovoked > MOST_FAILED:
        name, failed = shown(failing.variant, 30), percent(failing.failed_unprovoked)
        yield f"{failed} of the invocations of {name} failed, were throttled or were lost"


def _disturbed(evidence: Evidence) -> Iterator[str]:
    bad = [one for one in evidence.run.repetitions if one.problem is not None]
    if len(bad) > MOST_BAD:
        yield f"{len(bad)} repetitions were disturbed"
    elif was_saturated(evidence.run):
        yield "the machine could not keep up with the load"
    if evidence.late_share > MOST_LATE:
        yield f"{percent(evidence.late_share)} of its requests were sent late"


def was_saturated(run: RunFile) -> bool:
    """Whether the machine was too busy in a run that has no repetitions, which are judged one by one."""
    cpu = run.cpu
    return not run.repetitions and cpu is not None and cpu.full_seconds > 0.25 * cpu.seconds


def _too_few_repetitions(run: RunFile) -> Iterator[str]:
    if not run.repetitions:
        yield "it has no repetitions, so it cannot show what chance does"
        return
    used = sum(one.complete and one.problem is None for one in run.repetitions)
    if used < LEAST_REPETITIONS:
        noun = "repetition is" if used == 1 else "repetitions are"
        yield f"{used} {noun} usable, and {LEAST_REPETITIONS} are needed"


def _answers(summary: VariantSummary) -> int:
    return summary.warm.count if summary.warm else 0


def _unfit(summary: VariantSummary, limit_s: float) -> Excluded | None:
    """Why a variant does not qualify for a limit, if it does not."""
    bound, name = summary.bound_s, summary.variant
    if limit_s == math.inf:
        return None
    if bound is None:
        return Excluded(name, "how old its answers can be is not known")
    if bound == math.inf:
        return Excluded(name, "nothing limits how old its answers are", "give its entries a TTL")
    if bound > limit_s:
        return Excluded(name, f"its TTL is {bound:g} s", f"lower the TTL to {limit_s:g} s" if limit_s else "")
    if summary.bound_broken:
        reason = f"an answer was {figure(summary.stalest_s)} s out of date, and its design allows {bound:g} s"
        return Excluded(name, reason, "find out why: see the warning bound_broken")
    return None


def _ranked(
    evidence: Evidence, fit: Sequence[VariantSummary], question: Question, left_out: int | None = None
) -> _Ranking:
    """The variants that qualify, compared.

    Args:
        evidence: the run.
        fit: they.
        question: what it is for.
        left_out: the place of a repetition to leave out. Intervals keep the width that all repetitions give them.
    """
    kept = {
        one.variant: [each for place, each in enumerate(one.repetitions) if place != left_out]
        for one in evidence.variants
    }
    mean = {name: found.value if (found := over.warm_ms(each)) else math.inf for name, each in kept.items()}
    best = min(fit, key=lambda one: mean[one.variant])
    margin = MARGIN * mean[evidence.run.baseline]
    worse = []
    for one in fit:
        value = mean[one.variant] - mean[best.variant]
        later = _later(one, best, len(fit) - 1)
        if value > margin and value > later.high - later.value:
            worse.append(one)
    even = [one for one in fit if one not in worse]
    costs = {one.variant: _month(kept[one.variant], one, question) for one in even}
    cheapest = min(costs.values())
    chosen = next(one for one in even if costs[one.variant] <= cheapest * ALIKE)
    return _Ranking(best, chosen, tuple(one for one in even if one is not chosen), tuple(worse))


def _later(one: VariantSummary, best: VariantSummary, comparisons: int) -> Estimate:
    """How much later a variant's warm answers come than those of the best, ms, paired within repetitions.

    Bonferroni's correction for the number of variants that are compared to the best.
    """
    found = over.later_ms(one.repetitions, best.repetitions)
    return found.estimate(comparisons) if found else Estimate(0.0, -math.inf, math.inf)


def _month(figures: over.Figures, summary: VariantSummary, question: Question) -> float:
    found = over.month_usd(figures, question, summary.per_month_usd)
    return found.value if found else math.inf


def _flipped(
    evidence: Evidence, fit: Sequence[VariantSummary], question: Question, chosen: VariantSummary
) -> list[str]:
    """What else would be chosen if one repetition were left out."""
    others = []
    for place in range(len(chosen.repetitions)):
        found = _ranked(evidence, fit, question, left_out=place).chosen
        if found is not chosen and found.variant not in others:
            others.append(found.variant)
    return others


def _sentence(evidence: Evidence, fit: Sequence[VariantSummary], chosen: VariantSummary, question: Question) -> str:
    name = shown(chosen.variant, 30)
    cost = _cost_clause(evidence, fit, chosen)
    if chosen is evidence.baseline:
        judged = "worth it" if len(fit) > 1 else "allowed"
        return f"Use {name}: no cache in this run is {judged} for data {_limit(question.max_staleness_s)}{cost}."
    gains = " and ".join(_gains(chosen))
    why = f"it {gains}" if gains else "no other is clearly faster or cheaper"
    return f"Use {name}: {why}, {_kept(chosen.bound_s)}{cost}."


def _gains(chosen: VariantSummary) -> Iterator[str]:
    """What the run shows of a variant against the baseline: nothing where an interval contains 0."""
    saved = chosen.effect.saved_ms if chosen.effect else None
    if saved and saved.low * saved.high > 0:
        yield f"answers {figure(abs(saved.value))} ms {'sooner' if saved.value > 0 else 'later'}"
    reads = chosen.effect.saved_calls if chosen.effect else None
    if reads and abs(reads.value) >= 0.005 and (not reads.bounded or reads.low * reads.high > 0):
        whole = 100 if reads.value == 1 else min(99.0, abs(reads.value) * 100)
        yield f"reads {whole:.0f} % less" if reads.value > 0 else f"reads {-reads.value * 100:.0f} % more"


def _kept(bound: float | None) -> str:
    if bound is None or bound == math.inf:
        return f"with data of {'unknown' if bound is None else 'unlimited'} age"
    return "with data read for each request" if bound == 0 else f"with data at most {bound:g} s old"


def _limit(limit_s: float) -> str:
    if limit_s == math.inf:
        return "of any age"
    return f"at most {limit_s:g} s old" if limit_s else "that must be current"


def _cost_clause(evidence: Evidence, fit: Sequence[VariantSummary], chosen: VariantSummary) -> str:
    """That the chosen one is expensive, if it is."""
    baseline = evidence.baseline
    others = [one.month_usd.value for one in (*fit, *([baseline] if baseline else [])) if one.month_usd]
    cheapest = min(others, default=0.0)
    if chosen.month_usd is None or chosen.month_usd.value <= EXPENSIVE * cheapest:
        return ""
    times = f"{chosen.month_usd.value / cheapest:.1f} times" if cheapest > 0 else "many times"
    return f", at {times} the lowest cost"


def _reasons(evidence: Evidence, ranking: _Ranking, question: Question) -> Iterator[str]:
    chosen, baseline = ranking.chosen, evidence.baseline
    name = shown(chosen.variant, 30)
    if chosen.warm and baseline and baseline.warm and chosen.effect and chosen.effect.saved_ms:
        saved = chosen.effect.saved_ms
        yield (
            f"The mean of the warm answers is {figure(chosen.warm.mean_ms.value)} ms; {shown(baseline.variant, 30)} "
            f"has {figure(baseline.warm.mean_ms.value)} ms (difference: {figure(saved.value)} ms, 95 % CI "
            f"{interval(saved)})."
        )
    priced = [one for one in (chosen, baseline) if one and one.month_usd]
    if priced:
        costs = ", ".join(f"{shown(one.variant, 30)} ${figure(one.month_usd.value)}" for one in priced if one.month_usd)
        yield (
            f"Cost of a month with {question.volume:,.0f} invocations, of which {percent(question.cold_share)} start "
            f"an environment: {costs}."
        )
    yield from _others(ranking, name, evidence)
    yield from _longer_ttl(evidence, chosen, question.max_staleness_s)


def _others(ranking: _Ranking, name: str, evidence: Evidence) -> Iterator[str]:
    baseline = evidence.baseline
    margin = MARGIN * baseline.warm.mean_ms.value if baseline and baseline.warm else 0.0
    comparisons = len(ranking.even) + len(ranking.worse)
    group = [one for one in (ranking.chosen, *ranking.even) if one is not ranking.best]
    good = [one.variant for one in group if _later(one, ranking.best, comparisons).high <= margin]
    open_ = [one.variant for one in group if one.variant not in good]
    best = shown(ranking.best.variant, 30)
    if good:
        yield f"As good as {best}, which has the lowest mean: {listed(good)}."
    if open_:
        yield f"Not distinguishable from {best}, which has the lowest mean: {listed(open_)}."
    if ranking.even:
        yield f"Among these, {name} is the cheapest, or the first of those with a similar cost."


def _longer_ttl(evidence: Evidence, chosen: VariantSummary, limit_s: float) -> Iterator[str]:
    ttl_s = evidence.run.settings.ttl_s
    if chosen.about.bound != "ttl" or ttl_s is None or not ttl_s < limit_s < math.inf:
        return
    instance = evidence.run.run.instance
    setting = f"-c ttl_s={limit_s:g}"
    named = "" if instance is None else f" --instance {shown(instance, 16)}"
    # Each repetition then measures for two TTLs.
    length = f"--duration {2 * limit_s * len(chosen.repetitions):.0f}"
    command = f"`lab run{named} {setting} {length}`"
    if evidence.run.run.target == "aws":
        aws = f"--target aws{named}"
        command = f"`lab deploy {aws} {setting}` and then `lab run {aws} --fresh-environments {length}`"
    yield (
        f"A TTL of {limit_s:g} s meets the limit too, with fewer reads. This run did not measure it; {command} does."
    )


def _excluded(one: VariantSummary, ranking: _Ranking) -> Excluded:
    comparisons = len(ranking.even) + len(ranking.worse)
    later, best = _later(one, ranking.best, comparisons), shown(ranking.best.variant, 30)
    return Excluded(
        one.variant,
        f"its warm answers come {figure(later.value)} ms later than those of {best} (95 % CI, corrected for"
        f" the number of variants: {interval(later)})",
    )


def _few(names: Sequence[str]) -> str:
    """Names in few words."""
    return listed(names) if len(names) < 4 else f"{len(names)} variants"
