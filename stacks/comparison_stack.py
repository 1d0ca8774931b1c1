"""The stack that puts the variants side by side."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from functions.registry import VARIANTS
from stacks import names
from stacks import variant_metrics as metrics
from stacks.widgets import COUNT, GRID, MILLISECONDS, PERCENT, in_total, over_time, text

HOW_TO_READ = f"""\
## Which cache, and what does it cost?
Each variant has one colour everywhere. Compare them with **{VARIANTS[0].title}**, the baseline.
Read from the top: how long a call takes, what it costs downstream, how old its answer is.
Latency is Lambda's Duration, the handler's run time: a cold start's init and a snapshot's restore come on top.
A line ends where there was no invocation. With fewer than a hundred a minute, a p99 is one slow call.

| variant | what it does | stale data | choose it when |
|---|---|---|---|
"""


class ComparisonStack(Stack):
    """The dashboard. It names metrics and refers to no other stack: it deploys before or after the variants."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(
            scope,
            names.COMPARISON_STACK,
            description="Lambda Cache Lab: the dashboard that compares the variants.",
            tags={"project": names.PROJECT},
        )
        dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=names.DASHBOARD,
            default_interval=Duration.hours(1),
            widgets=[
                [text(_how_to_read(), height=6)],
                _totals(),
                _latency(),
                _downstream(),
                _cache(),
                _health(),
            ],
        )
        CfnOutput(self, "DashboardName", value=dashboard.dashboard_name)


def _how_to_read() -> str:
    rows = (
        f"| **{variant.title}** | {variant.summary} | {variant.staleness} | {variant.choose_when} |"
        for variant in VARIANTS
    )
    return HOW_TO_READ + "\n".join(rows)


def _totals() -> list[cloudwatch.IWidget]:
    third = GRID // 3
    return [
        in_total("Latency p50, ms", metrics.duration("p50"), width=third),
        in_total("Downstream calls per 1,000 invocations", metrics.DOWNSTREAM_CALLS_PER_1000, width=third),
        in_total("Hit ratio, %", metrics.HIT_RATIO, width=third),
    ]


def _latency() -> list[cloudwatch.IWidget]:
    quarter = GRID // 4
    return [
        over_time("Latency p50", metrics.duration("p50"), axis=MILLISECONDS, width=quarter),
        over_time("Latency p90", metrics.duration("p90"), axis=MILLISECONDS, width=quarter),
        over_time("Latency p99", metrics.duration("p99"), axis=MILLISECONDS, width=quarter),
        over_time("Latency maximum", metrics.duration("Maximum"), axis=MILLISECONDS, width=quarter),
    ]


def _downstream() -> list[cloudwatch.IWidget]:
    quarter = GRID // 4
    return [
        over_time("Downstream calls a minute", metrics.DOWNSTREAM_CALLS, axis=COUNT, width=quarter),
        over_time(
            "Downstream calls per 1,000 invocations",
            metrics.DOWNSTREAM_CALLS_PER_1000,
            axis=COUNT,
            width=quarter,
        ),
        over_time("Downstream latency p50", metrics.downstream_latency("p50"), axis=MILLISECONDS, width=quarter),
        over_time("Downstream errors a minute", metrics.DOWNSTREAM_ERRORS, axis=COUNT, width=quarter),
    ]


def _cache() -> list[cloudwatch.IWidget]:
    third = GRID // 3
    return [
        over_time("Hit ratio", metrics.HIT_RATIO, axis=PERCENT, width=third),
        over_time("Value age p50", metrics.value_age("p50"), axis=MILLISECONDS, width=third),
        over_time("Value age maximum", metrics.value_age("Maximum"), axis=MILLISECONDS, width=third),
    ]


def _health() -> list[cloudwatch.IWidget]:
    quarter = GRID // 4
    return [
        over_time("Invocations a minute", metrics.INVOCATIONS, axis=COUNT, width=quarter),
        over_time("Cold starts a minute", metrics.COLD_STARTS, axis=COUNT, width=quarter),
        over_time("Errors a minute", metrics.ERRORS, axis=COUNT, width=quarter),
        over_time("Throttles a minute", metrics.THROTTLES, axis=COUNT, width=quarter),
    ]
