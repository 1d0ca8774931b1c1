"""What a variant's invocations cost, with the interval that they allow."""

from typing import NamedTuple

import numpy as np

from facts.prices import Cost, cost_per_million
from lab.analysis import statistics as stats
from lab.analysis.columns import VariantColumns
from lab.analysis.model import Start
from lab.analysis.statistics import Estimate


class Priced(NamedTuple):
    """What decides the prices: ``arm64`` or ``x86_64``, the source that is read, and the memory setting, MB."""

    architecture: str | None
    source: str | None
    memory_mb: float | None


def costed(records: VariantColumns, priced: Priced) -> tuple[Cost | None, Estimate | None]:
    """The cost of a million invocations that ran, failed ones as AWS bills them, by part; and the sum's interval.

    The interval is that of the mean of what each invocation cost: cold starts are few and dear, so in a short run it is
    wide. None, None where a part is not known.
    """
    calls, billed = records.measured("calls"), records.measured("billed_ms")
    restored = records.start == Start.RESTORED.code
    known = records.ran & ~np.isnan(billed)
    if not known.any() or np.isnan(calls[records.ran]).all():
        return None, None
    calls = np.nan_to_num(calls)
    means = (float(part.mean()) for part in (billed[known], restored[records.ran], calls[records.ran]))
    cost, one = _priced(priced, *means), _priced(priced, 1.0, 1.0, 1.0)
    if cost is None or one is None:
        return None, None
    each = one.requests + one.compute * np.nan_to_num(billed) + one.restores * restored + one.downstream * calls
    mean = stats.mean(stats.Sample(each[known], records.grouped(known)))
    # Each is charged as a request at least.
    low = max(cost.requests, cost.total - (mean.value - mean.low))
    return cost, Estimate(cost.total, low, cost.total + (mean.high - mean.value))


def _priced(priced: Priced, billed_ms: float, restores: float, downstream_calls: float) -> Cost | None:
    if priced.memory_mb is None:
        return None
    return cost_per_million(
        architecture=str(priced.architecture),
        source=str(priced.source),
        memory_mb=priced.memory_mb,
        billed_ms=billed_ms,
        restores=restores,
        reads=downstream_calls,
    )
