"""The metrics of one variant, as dashboards draw them (always in the variant's colour) and alarms watch them.

``facts.metrics`` names what functions emit. Lambda's own metrics are those of the alias, which every caller invokes:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from facts import metrics, prices
from facts.names import Names
from functions.registry import Variant
from stacks.settings import ApplicationSettings

# The shortest that CloudWatch draws without high-resolution metrics: a run lasts a few minutes.
PERIOD = Duration.minutes(1)

Statistic: TypeAlias = Literal["Sum", "Average", "Maximum", "p50", "p90", "p99"]
MetricOf: TypeAlias = Callable[[Variant, Names], cloudwatch.IMetric]
"""Makes a variant's metric: what a widget draws for each variant."""

Place: TypeAlias = tuple[str, Mapping[str, str]]
"""The namespace and the dimensions of a metric."""


@dataclass(frozen=True)
class Series:
    """One metric of every variant by one statistic: a ``MetricOf`` that alarms can watch too."""

    name: str
    statistic: Statistic
    place: Callable[[Variant, Names], Place]

    # Several widgets draw the same metric, and each new one costs a round trip to the CDK's own process.
    @functools.cache  # noqa: B019 -- a series lives as long as the process
    def __call__(self, variant: Variant, names: Names) -> cloudwatch.IMetric:
        """Make the metric as a dashboard draws it."""
        return self._metric(variant, names, PERIOD, label=variant.title, color=variant.color)

    def watched(self, variant: Variant, names: Names, period: Duration) -> cloudwatch.IMetric:
        """Make the metric as an alarm watches it: without a label, for which the CDK would write metric math."""
        return self._metric(variant, names, period)

    def _metric(self, variant: Variant, names: Names, period: Duration, **drawn: str) -> cloudwatch.IMetric:
        namespace, dimensions = self.place(variant, names)
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=self.name,
            dimensions_map=dict(dimensions),
            statistic=self.statistic,
            period=period,
            label=drawn.get("label"),
            color=drawn.get("color"),
        )


def _of_lambda(name: str, statistic: Statistic) -> Series:
    def by_alias(variant: Variant, names: Names) -> Place:
        function, alias = names.function_name(variant.name), names.alias_resource(variant.name)
        return "AWS/Lambda", {"FunctionName": function, "Resource": alias}

    return Series(name, statistic, by_alias)


def _of_function(definition: metrics.MetricDefinition, statistic: Statistic) -> Series:
    return Series(
        definition.name, statistic, lambda variant, names: (names.namespace, {metrics.DIMENSION: variant.name})
    )


def _by_math(expression: str, **operands: MetricOf) -> MetricOf:
    """Metric math over the variant's metrics. ``expression`` names the operands in braces."""

    @functools.cache
    def metric(variant: Variant, names: Names) -> cloudwatch.IMetric:
        # Identifiers are unique in a widget, not in an expression: the variant's name separates them.
        identifiers = {name: f"{name}_{variant.name}" for name in operands}
        return cloudwatch.MathExpression(
            expression=expression.format(**identifiers),
            using_metrics={identifiers[name]: operand(variant, names) for name, operand in operands.items()},
            period=PERIOD,
            label=variant.title,
            color=variant.color,
        )

    return metric


def duration(statistic: Statistic) -> Series:
    """How long the handler ran, in milliseconds, without init and restore."""
    return _of_lambda("Duration", statistic)


def downstream_latency(statistic: Statistic) -> Series:
    """How long an invocation that went downstream waited there, in milliseconds."""
    return _of_function(metrics.DOWNSTREAM_LATENCY, statistic)


def value_age(statistic: Statistic) -> Series:
    """How long ago the answer's value was read downstream, in milliseconds."""
    return _of_function(metrics.VALUE_AGE, statistic)


INVOCATIONS = _of_lambda("Invocations", "Sum")
ERRORS = _of_lambda("Errors", "Sum")
THROTTLES = _of_lambda("Throttles", "Sum")
# Lambda has it by function, not by alias.
CONCURRENCY = Series(
    "ConcurrentExecutions",
    "Maximum",
    lambda variant, names: ("AWS/Lambda", {"FunctionName": names.function_name(variant.name)}),
)
COLD_STARTS = _of_function(metrics.COLD_STARTS, "Sum")
STALE_SERVED = _of_function(metrics.STALE_SERVED, "Sum")
DOWNSTREAM_CALLS = _of_function(metrics.DOWNSTREAM_CALLS, "Sum")
DOWNSTREAM_ERRORS = _of_function(metrics.DOWNSTREAM_ERRORS, "Sum")
DOWNSTREAM_FAILURES = _of_function(metrics.DOWNSTREAM_FAILURES, "Sum")
# PERIOD, and not 60: CloudWatch lengthens the period with the time that is shown.
DOWNSTREAM_CALLS_PER_SECOND = _by_math("{calls} / PERIOD({calls})", calls=DOWNSTREAM_CALLS)
DOWNSTREAM_CALLS_PER_1000 = _by_math("1000 * {calls} / {invocations}", calls=DOWNSTREAM_CALLS, invocations=INVOCATIONS)
HIT_RATIO = _by_math(
    "100 * ({hits} + {stale}) / {invocations}",
    hits=_of_function(metrics.HITS, "Sum"),
    stale=STALE_SERVED,
    invocations=INVOCATIONS,
)
STALE_RATIO = _by_math("100 * {stale} / {invocations}", stale=STALE_SERVED, invocations=INVOCATIONS)


@functools.cache
def cost_per_million(settings: ApplicationSettings) -> MetricOf:
    """What a million invocations cost over time, US dollars, without init and restores, which no metric has.

    Lambda has no metric of the billed duration either; its log has it: see ``log_queries.cost``. Each call counts as
    one read: batches, which cost more of DynamoDB's read units, are read at init and after restores only.
    What runs on provisioned concurrency has a price of its own.
    """
    on_demand = _cost(settings, prices.LAMBDA_GB_SECOND)
    ready = _cost(settings, prices.PROVISIONED_DURATION_GB_SECOND)
    return lambda variant, names: (ready if settings.keeps_ready(variant) else on_demand)(variant, names)


def _cost(settings: ApplicationSettings, gb_second: Mapping[str, prices.Price]) -> MetricOf:
    requests = 1e6 * prices.LAMBDA_REQUEST.usd
    compute = 1e6 / 1000 * settings.memory_mb / 1024 * gb_second[settings.architecture].usd
    reads = 1e6 * prices.READ[settings.source].usd
    return _by_math(
        f"{requests:.10g} + {compute:.10f} * {{duration}} + {reads:.10g} * {{calls}} / {{invocations}}",
        duration=duration("Average"),
        calls=DOWNSTREAM_CALLS,
        invocations=INVOCATIONS,
    )
