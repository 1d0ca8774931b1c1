"""The sections of a dashboard, in the order in which a reader asks."""

from aws_cdk import aws_cloudwatch as cloudwatch

from facts import prices
from stacks import log_queries
from stacks import variant_metrics as metrics
from stacks.dashboard import Graph, LogTable, Section, Total
from stacks.settings import ApplicationSettings

MILLISECONDS = cloudwatch.YAxisProps(label="ms", min=0, show_units=False)
PERCENT = cloudwatch.YAxisProps(label="%", min=0, max=100, show_units=False)
COUNT = cloudwatch.YAxisProps(label="count", min=0, show_units=False)
# CloudWatch lengthens the period with the time that is shown, so no title can name it.
PER_PERIOD = cloudwatch.YAxisProps(label="count per period", min=0, show_units=False)
DOLLARS = cloudwatch.YAxisProps(label="USD", min=0, show_units=False)


def sections(settings: ApplicationSettings) -> list[Section]:
    """Return all sections, from the top: the answer at a glance, then each measure."""
    ttl = cloudwatch.HorizontalAnnotation(value=round(settings.ttl_s * 1000), label=f"TTL, {settings.ttl_s:.9g} s")
    return [
        Section(
            "",
            "",
            [
                [
                    Total("Duration p50, ms", metrics.duration("p50")),
                    Total("Downstream calls per 1,000 invocations", metrics.DOWNSTREAM_CALLS_PER_1000),
                    Total("Hit ratio, %", metrics.HIT_RATIO),
                ],
                [LogTable("Cost of a million invocations, $", log_queries.cost(settings))],
            ],
        ),
        Section(
            "Latency",
            "Lower is better. Duration is the handler's run time alone; the latency of a run's report counts from "
            "the planned start of a request to its answer. The table adds init or restore, and has cold starts "
            "(coldStart 1), restores (restored 1) and warm invocations apart. With under a hundred invocations in "
            "a period, a p99 is one slow call.",
            [
                [
                    Graph("Duration p50", metrics.duration("p50"), MILLISECONDS),
                    Graph("Duration p90", metrics.duration("p90"), MILLISECONDS),
                    Graph("Duration p99", metrics.duration("p99"), MILLISECONDS),
                    Graph("Duration maximum", metrics.duration("Maximum"), MILLISECONDS),
                ],
                [LogTable("Duration with init or restore, by start, ms", log_queries.duration_by_start(settings))],
            ],
        ),
        Section(
            "Downstream calls",
            "Lower is better. Each attempt counts, retries and those of init or a restore too. Per 1,000 "
            "invocations the baseline has 1,000; what is missing from that, the cache has saved.",
            [
                [
                    Graph("Downstream calls a second", metrics.DOWNSTREAM_CALLS_PER_SECOND, COUNT),
                    Graph("Downstream calls per 1,000 invocations", metrics.DOWNSTREAM_CALLS_PER_1000, COUNT),
                    Graph("Downstream latency p50", metrics.downstream_latency("p50"), MILLISECONDS),
                ]
            ],
        ),
        Section(
            "Hit ratio and stale serves",
            "Of 100 invocations, those that the cache answered; and those among them whose value was past its "
            "bound, served since the source gave no newer one.",
            [[Graph("Hit ratio", metrics.HIT_RATIO, PERCENT), Graph("Stale serves", metrics.STALE_RATIO, PERCENT)]],
        ),
        Section(
            "Age and staleness",
            "The time since an answer's value was read downstream. An answer can be no staler than it is old; "
            "how stale it was, only the writer of the items knows: see the run's report.",
            [
                [
                    Graph("Value age p50", metrics.value_age("p50"), MILLISECONDS),
                    Graph("Value age p99", metrics.value_age("p99"), MILLISECONDS),
                    Graph("Value age maximum", metrics.value_age("Maximum"), MILLISECONDS, level=ttl),
                ]
            ],
        ),
        Section(
            "Cold starts",
            "The graph counts environments that were initialized for a request. Those restored from a snapshot "
            "are in the table alone, which has Lambda's own figures from the log, in ms; billed is what an "
            "invocation is charged for, init and restore with it.",
            [
                [
                    Graph("Cold starts", metrics.COLD_STARTS, PER_PERIOD),
                    LogTable("Init, restore and billed durations, ms", log_queries.starts(settings)),
                ]
            ],
        ),
        Section(
            "Errors and throttles",
            "All should be 0. A throttled request was never run, so it is in no other figure. A downstream error "
            "that a retry or an old value made good is no error of the function.",
            [
                [
                    Graph("Errors", metrics.ERRORS, PER_PERIOD),
                    Graph("Throttles", metrics.THROTTLES, PER_PERIOD),
                    Graph("Downstream errors", metrics.DOWNSTREAM_ERRORS, PER_PERIOD),
                ]
            ],
        ),
        Section(
            "Concurrency",
            "The most environments that were busy at once, beside the invocations that kept them so. At the same "
            "rate, a shorter call needs fewer: each fills a cache of its own.",
            [
                [
                    Graph("Concurrent executions, maximum", metrics.CONCURRENCY, COUNT),
                    Graph("Invocations", metrics.INVOCATIONS, PER_PERIOD),
                ]
            ],
        ),
        Section(
            "Cost per million invocations",
            f"List prices of us-east-1 on {prices.READ_ON}, no free tier. The table at the top has all that was "
            "billed, with as many starts as there were; the run's report counts a stated share of starts. The graph "
            "has requests, Duration and downstream calls, but no init and no restore. In neither: kept snapshots, "
            "provisioned concurrency, logs, metrics, storage.",
            [
                [
                    Graph(
                        "Cost per million over time, without init and restores",
                        metrics.cost_per_million(settings),
                        DOLLARS,
                    )
                ]
            ],
        ),
    ]
