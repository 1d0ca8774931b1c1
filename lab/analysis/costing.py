"""What a variant's invocations cost, by their parts."""

from typing import NamedTuple

import numpy as np

from facts.prices import Cost, cost_per_million
from lab.analysis.columns import Bools, Floats
from lab.analysis.scope import Scope

MILLION = 1e6


class Priced(NamedTuple):
    """What decides the prices: ``arm64`` or ``x86_64``, the source that is read, and the memory setting, MB.

    ``provisioned``: whether they ran in environments that Lambda keeps ready.
    """

    architecture: str | None
    source: str | None
    memory_mb: float | None
    provisioned: bool = False


def cost_of(scope: Scope, priced: Priced, among: Bools, restores: float) -> Cost | None:
    """The cost of a million such invocations that ran, failed ones as AWS bills them; None where a part is not known.

    Args:
        scope: the records of the variant.
        priced: what decides the prices.
        among: which of them.
        restores: how many restores each had: 0 for warm ones.
    """
    chosen = among & scope.in_use
    billed, reads = scope.records.measured("billed_ms")[chosen], billed_reads(scope)
    if reads is None or np.isnan(billed).all():
        return None
    return _cost(priced, float(np.nanmean(billed)), restores, float(reads[chosen].mean()))


def usd_by_repetition(scope: Scope, priced: Priced, among: Bools, restored: Bools) -> Floats | None:
    """What such invocations cost in each repetition, US dollars; None where a part is not known.

    An invocation whose billed duration is not known counts as the mean of its repetition.
    """
    billed, reads, one = scope.records.measured("billed_ms"), billed_reads(scope), _cost(priced, 1.0, 1.0, 1.0)
    if reads is None or one is None:
        return None
    known, count = scope.counts(among & ~np.isnan(billed)), scope.counts(among)
    if ((known == 0) & (count > 0)).any():
        return None
    billed_ms = scope.sums(np.nan_to_num(billed), among) * count / np.maximum(known, 1)
    parts = (one.requests * count, one.compute * billed_ms, one.downstream * scope.sums(reads, among))
    return (sum(parts) + one.restores * scope.sums(restored, among)) / MILLION


def billed_reads(scope: Scope) -> Floats | None:
    """What the source bills for each: DynamoDB's read units, else downstream calls; None if nothing was reported.

    Records made before the units were counted have calls only. An invocation that reported none counts as 0.
    """
    calls, units = scope.records.measured("calls"), scope.records.measured("read_units")
    reads = np.where(np.isnan(units), calls, units)
    return None if np.isnan(reads[scope.records.ran]).all() else np.nan_to_num(reads)


def blended(warm: Cost, start: Cost, cold_share: float) -> Cost:
    """The cost of a million invocations of which a share starts an environment."""
    kept = 1 - cold_share
    return Cost(
        requests=kept * warm.requests + cold_share * start.requests,
        compute=kept * warm.compute + cold_share * start.compute,
        restores=kept * warm.restores + cold_share * start.restores,
        downstream=kept * warm.downstream + cold_share * start.downstream,
    )


def _cost(priced: Priced, billed_ms: float, restores: float, reads: float) -> Cost | None:
    if priced.memory_mb is None:
        return None
    return cost_per_million(
        architecture=str(priced.architecture),
        source=str(priced.source),
        memory_mb=priced.memory_mb,
        billed_ms=billed_ms,
        restores=restores,
        reads=reads,
        provisioned=priced.provisioned,
    )
