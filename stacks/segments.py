"""The sections of a dashboard, in the order in which a reader asks: each a heading and rows of widgets."""

from collections.abc import Callable

from aws_cdk import aws_cloudwatch as cloudwatch

from facts import prices
from stacks import log_queries
from stacks import variant_metrics as metrics
from stacks.widgets import COUNT, DOLLARS, GRID, MILLISECONDS, PERCENT, Shown, heading

Row = list[cloudwatch.IWidget]
Segment = Callable[[Shown], list[Row]]

HALF, THIRD, QUARTER = GRID // 2, GRID // 3, GRID // 4


def totals(shown: Shown) -> list[Row]:
    """The answer at a glance: one number a variant, and its cost, over all the time shown."""
    return [
        [
            shown.in_total("Duration p50, ms", metrics.duration("p50"), width=THIRD),
            shown.in_total("Downstream calls per 1,000 invocations", metrics.DOWNSTREAM_CALLS_PER_1000, width=THIRD),
            shown.in_total("Hit ratio, %", metrics.HIT_RATIO, width=THIRD),
        ],
        [shown.from_logs("Cost of a million invocations, $", log_queries.cost(shown.settings), width=GRID)],
    ]


def latency(shown: Shown) -> list[Row]:
    """How long a call takes; cold starts apart."""
    return [
        [
            heading(
                "Latency",
                "Lower is better. Duration is the handler's run time alone; the latency of a run's report counts from "
                "the planned start of a request to its answer. The table adds init or restore, and has cold starts "
                "(coldStart 1), restores (restored 1) and warm invocations apart. Under a hundred invocations a minute "
                "a p99 is one slow call.",
            )
        ],
        [
            shown.over_time("Duration p50", metrics.duration("p50"), axis=MILLISECONDS, width=QUARTER),
            shown.over_time("Duration p90", metrics.duration("p90"), axis=MILLISECONDS, width=QUARTER),
            shown.over_time("Duration p99", metrics.duration("p99"), axis=MILLISECONDS, width=QUARTER),
            shown.over_time("Duration maximum", metrics.duration("Maximum"), axis=MILLISECONDS, width=QUARTER),
        ],
        [
            shown.from_logs(
                "Duration with init or restore, by start, ms",
                log_queries.duration_by_start(shown.settings),
                width=GRID,
            )
        ],
    ]


def downstream(shown: Shown) -> list[Row]:
    """What the source has to bear."""
    return [
        [
            heading(
                "Downstream calls",
                "Lower is better. Each attempt counts, retries and those of init or a restore too. Per 1,000 "
                "invocations the baseline has 1,000; what is missing from that, the cache has saved.",
            )
        ],
        [
            shown.over_time("Downstream calls a second", metrics.DOWNSTREAM_CALLS_PER_SECOND, axis=COUNT, width=THIRD),
            shown.over_time(
                "Downstream calls per 1,000 invocations", metrics.DOWNSTREAM_CALLS_PER_1000, axis=COUNT, width=THIRD
            ),
            shown.over_time(
                "Downstream latency p50", metrics.downstream_latency("p50"), axis=MILLISECONDS, width=THIRD
            ),
        ],
    ]


def hits(shown: Shown) -> list[Row]:
    """How often the cache answers."""
    return [
        [
            heading(
                "Hit ratio and stale serves",
                "Of 100 invocations, those that the cache answered; and those among them whose value was past its "
                "bound, served since the source gave no newer one.",
            )
        ],
        [
            shown.over_time("Hit ratio", metrics.HIT_RATIO, axis=PERCENT, width=HALF),
            shown.over_time("Stale serves", metrics.STALE_RATIO, axis=PERCENT, width=HALF),
        ],
    ]


def age(shown: Shown) -> list[Row]:
    """How old the answers are."""
    ttl = cloudwatch.HorizontalAnnotation(value=shown.settings.ttl_s * 1000, label=f"TTL, {shown.settings.ttl_s} s")
    return [
        [
            heading(
                "Age and staleness",
                "The time since an answer's value was read downstream. An answer can be no staler than it is old; "
                "how stale it was, only the writer of the items knows: see the run's report.",
            )
        ],
        [
            shown.over_time("Value age p50", metrics.value_age("p50"), axis=MILLISECONDS, width=THIRD),
            shown.over_time("Value age p99", metrics.value_age("p99"), axis=MILLISECONDS, width=THIRD),
            shown.over_time(
                "Value age maximum", metrics.value_age("Maximum"), axis=MILLISECONDS, width=THIRD, level=ttl
            ),
        ],
    ]


def cold_starts(shown: Shown) -> list[Row]:
    """How often an environment starts, and how long that takes."""
    return [
        [
            heading(
                "Cold starts",
                "The graph counts environments that were initialized for a request. Those restored from a snapshot "
                "are in the table alone, which has Lambda's own figures from the log, in ms; billed is what an "
                "invocation is charged for, init and restore with it.",
            )
        ],
        [
            shown.over_time("Cold starts a minute", metrics.COLD_STARTS, axis=COUNT, width=THIRD),
            shown.from_logs(
                "Init, restore and billed durations, ms", log_queries.starts(shown.settings), width=2 * THIRD
            ),
        ],
    ]


def errors(shown: Shown) -> list[Row]:
    """What went wrong."""
    return [
        [
            heading(
                "Errors and throttles",
                "All should be 0. A throttled request was never run, so it is in no other figure. A downstream error "
                "that a retry or an old value made good is no error of the function.",
            )
        ],
        [
            shown.over_time("Errors a minute", metrics.ERRORS, axis=COUNT, width=THIRD),
            shown.over_time("Throttles a minute", metrics.THROTTLES, axis=COUNT, width=THIRD),
            shown.over_time("Downstream errors a minute", metrics.DOWNSTREAM_ERRORS, axis=COUNT, width=THIRD),
        ],
    ]


def concurrency(shown: Shown) -> list[Row]:
    """How much runs at once."""
    return [
        [
            heading(
                "Concurrency",
                "The most environments that were busy at once, beside the invocations that kept them so. At the same "
                "rate, a shorter call needs fewer: each fills a cache of its own.",
            )
        ],
        [
            shown.over_time("Concurrent executions, maximum", metrics.CONCURRENCY, axis=COUNT, width=HALF),
            shown.over_time("Invocations a minute", metrics.INVOCATIONS, axis=COUNT, width=HALF),
        ],
    ]


def cost(shown: Shown) -> list[Row]:
    """What it costs."""
    return [
        [
            heading(
                "Cost per million invocations",
                f"List prices of us-east-1 on {prices.READ_ON}, no free tier. The table at the top is of what was "
                "billed, init and restores included, as in the run's report. The graph is not: it has requests, "
                "Duration and downstream calls, but no init and no restore. In neither: kept snapshots, provisioned "
                "concurrency, logs, metrics, storage.",
            )
        ],
        [
            shown.over_time(
                "Cost per million over time, without init and restores",
                metrics.cost_per_million(shown.settings),
                axis=DOLLARS,
                width=GRID,
            )
        ],
    ]


SEGMENTS: tuple[Segment, ...] = (
    totals,
    latency,
    downstream,
    hits,
    age,
    cold_starts,
    errors,
    concurrency,
    cost,
)
"""All of them, from the top."""
