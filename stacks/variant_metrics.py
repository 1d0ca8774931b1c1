"""The metrics of one variant, as dashboards draw them (always in the variant's colour) and alarms watch them.

What functions emit is named by ``facts.metrics`` alone. What Lambda measures is asked for by alias, since
that is how every caller invokes: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from facts import metrics, names, prices
from functions.registry import Variant
from stacks.settings import ApplicationSettings

# The shortest that CloudWatch draws without high-resolution metrics: a run lasts a few minutes.
PERIOD = Duration.minutes(1)

Statistic = Literal["Sum", "Average", "Maximum", "p50", "p90", "p99"]
Dimensions = Callable[[Variant], Mapping[str, str]]
MetricOf = Callable[[Variant], cloudwatch.IMetric]
"""A metric yet to be asked for: what a widget draws once for each variant."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One metric of every variant by one statistic: a ``MetricOf`` that alarms can watch too."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: Statistic

    # Several widgets draw the same metric, and each that is made costs a round trip to the CDK's own process.
    @functools.cache  # noqa: B019 -- a series lives as long as the process
    def __call__(self, variant: Variant) -> cloudwatch.IMetric:
        """As a dashboard draws it."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=self.name,
            dimensions_map=self.dimensions(variant),
            statistic=self.statistic,
            period=PERIOD,
            label=variant.title,
            color=variant.color,
        )

    def watched(self, variant: Variant, period: Duration) -> cloudwatch.IMetric:
        """As an alarm watches it: without a label, for which the CDK would write metric math."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=self.name,
            dimensions_map=self.dimensions(variant),
            statistic=self.statistic,
            period=period,
        )


def _by_alias(variant: Variant) -> Mapping[str, str]:
    return {"FunctionName": names.function_name(variant.name), "Resource": names.alias_resource(variant.name)}


def _by_function(variant: Variant) -> Mapping[str, str]:
    return {"FunctionName": names.function_name(variant.name)}


def _by_variant(variant: Variant) -> Mapping[str, str]:
    return {metrics.DIMENSION: variant.name}


def _of_lambda(name: str, statistic: Statistic, dimensions: Dimensions = _by_alias) -> Series:
    return Series(namespace="AWS/Lambda", name=name, dimensions=dimensions, statistic=statistic)


def _of_function(definition: metrics.MetricDefinition, statistic: Statistic) -> Series:
    return Series(namespace=metrics.NAMESPACE, name=definition.name, dimensions=_by_variant, statistic=statistic)


def _by_math(expression: str, operands: Mapping[str, MetricOf]) -> MetricOf:
    """Metric math over the variant's metrics. ``expression`` names the operands in braces."""

    @functools.cache
    def metric(variant: Variant) -> cloudwatch.IMetric:
        # Identifiers are one a widget, not one an expression: the variant's name keeps them apart.
        identifiers = {name: f"{name}_{variant.name}" for name in operands}
        return cloudwatch.MathExpression(
            expression=expression.format(**identifiers),
            using_metrics={identifiers[name]: operand(variant) for name, operand in operands.items()},
            period=PERIOD,
            label=variant.title,
            color=variant.color,
        )

    return metric


INVOCATIONS = _of_lambda("Invocations", "Sum")
ERRORS = _of_lambda("Errors", "Sum")
THROTTLES = _of_lambda("Throttles", "Sum")
# Lambda has it by function, not by alias.
CONCURRENCY = _of_lambda("ConcurrentExecutions", "Maximum", _by_function)
COLD_STARTS = _of_function(metrics.COLD_STARTS, "Sum")
STALE_SERVED = _of_function(metrics.STALE_SERVED, "Sum")
DOWNSTREAM_CALLS = _of_function(metrics.DOWNSTREAM_CALLS, "Sum")
DOWNSTREAM_ERRORS = _of_function(metrics.DOWNSTREAM_ERRORS, "Sum")
# PERIOD, and not 60: CloudWatch lengthens the period with the time that is shown.
DOWNSTREAM_CALLS_PER_SECOND = _by_math("{calls} / PERIOD({calls})", {"calls": DOWNSTREAM_CALLS})
DOWNSTREAM_CALLS_PER_1000 = _by_math(
    "1000 * {calls} / {invocations}", {"calls": DOWNSTREAM_CALLS, "invocations": INVOCATIONS}
)
HIT_RATIO = _by_math(
    "100 * ({hits} + {stale}) / {invocations}",
    {"hits": _of_function(metrics.HITS, "Sum"), "stale": STALE_SERVED, "invocations": INVOCATIONS},
)
STALE_RATIO = _by_math("100 * {stale} / {invocations}", {"stale": STALE_SERVED, "invocations": INVOCATIONS})


def duration(statistic: Statistic) -> Series:
    """How long the handler ran, in milliseconds; neither init nor restore is part of it."""
    return _of_lambda("Duration", statistic)


def downstream_latency(statistic: Statistic) -> Series:
    """How long an invocation that went downstream waited there, in milliseconds."""
    return _of_function(metrics.DOWNSTREAM_LATENCY, statistic)


def value_age(statistic: Statistic) -> Series:
    """How long ago the answer's value was read downstream, in milliseconds."""
    return _of_function(metrics.VALUE_AGE, statistic)


@functools.cache
def cost_per_million(settings: ApplicationSettings) -> MetricOf:
    """What a million invocations cost over time, US dollars, but for init and restores, which no metric tells.

    Lambda has no metric of the billed duration either. What was billed is in its log: see ``log_queries.cost``.
    """
    requests = 1e6 * prices.LAMBDA_REQUEST.usd
    compute = 1e6 / 1000 * settings.memory_mb / 1024 * prices.LAMBDA_GB_SECOND[settings.architecture].usd
    reads = 1e6 * prices.READ[settings.source].usd
    return _by_math(
        f"{requests:.10g} + {compute:.10f} * {{duration}} + {reads:.10g} * {{calls}} / {{invocations}}",
        {"duration": duration("Average"), "calls": DOWNSTREAM_CALLS, "invocations": INVOCATIONS},
    )
