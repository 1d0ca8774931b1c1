"""How a run went on: what the pictures over time show, thinned so that they do not grow with the run.

Nothing is averaged away unseen: a bin of time keeps its median, 90th percentile and maximum, all measured, and what is
left out is counted.
"""

from typing import Final

import numpy as np

from lab.analysis import statistics as stats
from lab.analysis.columns import Bools, Floats, VariantColumns
from lab.analysis.model import Beginning, EnvironmentLife, LatencyBin, Start

LATENCY_BINS: Final = 60
MOST_BEGINNINGS: Final = 40
MOST_ENVIRONMENTS: Final = 8
READ_BINS: Final = 100


def latency_course(
    records: VariantColumns, latency: Floats, planned: Floats, window: tuple[float, float]
) -> tuple[LatencyBin, ...]:
    """The latency of answered invocations by time of their planned start; bins without any are left out."""
    began, ended = window
    known = records.ok & ~np.isnan(latency) & ~np.isnan(planned)
    # In order of time, so that a bin is a slice.
    at, values = planned[known] - began, latency[known]
    span = ended - began
    if not at.size or span <= 0:
        return ()
    edges = np.linspace(0, span, LATENCY_BINS + 1)
    cuts = np.searchsorted(at, edges[1:-1])
    bins = zip(np.split(values, cuts), (edges[:-1] + edges[1:]) / 2, strict=True)
    return tuple(_bin(float(middle), np.sort(slice_)) for slice_, middle in bins if slice_.size)


def _bin(middle: float, ordered: Floats) -> LatencyBin:
    return LatencyBin(
        at=middle,
        answered=ordered.size,
        p50=stats.nearest_rank(ordered, 0.5),
        p90=stats.nearest_rank(ordered, 0.9),
        max=float(ordered[-1]),
    )


def beginnings(
    records: VariantColumns, latency: Floats, planned: Floats, window: tuple[float, float]
) -> tuple[Beginning, ...]:
    """The answered invocations that waited for an environment; of too many to draw, some at even steps."""
    waited: Bools = records.ok & (records.start != Start.WARM.code) & ~np.isnan(latency) & ~np.isnan(planned)
    places = np.flatnonzero(waited)
    if places.size > MOST_BEGINNINGS:
        places = places[np.linspace(0, places.size - 1, MOST_BEGINNINGS).astype(int)]
    return tuple(
        Beginning(float(planned[place] - window[0]), float(latency[place]), Start.coded(int(records.start[place])))
        for place in places
    )


def lives(records: VariantColumns) -> tuple[EnvironmentLife, ...]:
    """The first environments of a variant, and when each read downstream."""
    found = records.lives(MOST_ENVIRONMENTS)
    reads = records.reads([life.environment for life in found], READ_BINS)
    return tuple(
        EnvironmentLife(
            began=life.began,
            ended=life.ended,
            invocations=life.invocations,
            start=life.start,
            start_ms=life.start_ms,
            reads=life.reads,
            read_at=tuple(at for name, at, _ in reads if name == life.environment),
        )
        for life in found
    )
