"""The metrics of one variant, as the dashboards ask CloudWatch for them: always in the variant's colour.

What functions emit is named by ``warmcache.metrics`` alone. What Lambda measures is asked for by alias, since
that is how every caller invokes: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from collections.abc import Callable, Mapping
from typing import Literal

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.registry import Variant
from stacks import names
from warmcache import metrics

# The shortest that CloudWatch draws without high-resolution metrics: a run lasts a few minutes.
PERIOD = Duration.minutes(1)

Statistic = Literal["Sum", "Average", "Maximum", "p50", "p90", "p99"]
LambdaMetric = Literal["Invocations", "Errors", "Throttles", "Duration"]
MetricOf = Callable[[Variant], cloudwatch.IMetric]
"""A metric yet to be asked for: what a widget draws once for each variant."""


def of_lambda(name: LambdaMetric, statistic: Statistic) -> MetricOf:
    """What Lambda itself measures of the variant's alias."""

    def metric(variant: Variant) -> cloudwatch.IMetric:
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=name,
            dimensions_map={
                "FunctionName": names.function_name(variant.name),
                "Resource": names.alias_resource(variant.name),
            },
            statistic=statistic,
            period=PERIOD,
            label=variant.title,
            color=variant.color,
        )

    return metric


def of_function(definition: metrics.MetricDefinition, statistic: Statistic) -> MetricOf:
    """What the variant's function says of itself."""

    def metric(variant: Variant) -> cloudwatch.IMetric:
        return cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name=definition.name,
            dimensions_map={metrics.DIMENSION: variant.name},
            statistic=statistic,
            period=PERIOD,
            label=variant.title,
            color=variant.color,
        )

    return metric


def by_math(expression: str, operands: Mapping[str, MetricOf]) -> MetricOf:
    """Metric math over the variant's metrics. ``expression`` names the operands in braces."""

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


INVOCATIONS = of_lambda("Invocations", "Sum")
ERRORS = of_lambda("Errors", "Sum")
THROTTLES = of_lambda("Throttles", "Sum")
COLD_STARTS = of_function(metrics.COLD_STARTS, "Sum")
DOWNSTREAM_CALLS = of_function(metrics.DOWNSTREAM_CALLS, "Sum")
DOWNSTREAM_ERRORS = of_function(metrics.DOWNSTREAM_ERRORS, "Sum")
DOWNSTREAM_CALLS_PER_1000 = by_math(
    "1000 * {calls} / {invocations}", {"calls": DOWNSTREAM_CALLS, "invocations": INVOCATIONS}
)
HIT_RATIO = by_math(
    "100 * ({hits} + {stale}) / {invocations}",
    {
        "hits": of_function(metrics.HITS, "Sum"),
        "stale": of_function(metrics.STALE_SERVED, "Sum"),
        "invocations": INVOCATIONS,
    },
)


def duration(statistic: Statistic) -> MetricOf:
    """How long the handler ran, in milliseconds; neither init nor restore is part of it."""
    return of_lambda("Duration", statistic)


def downstream_latency(statistic: Statistic) -> MetricOf:
    """How long an invocation that went downstream waited there, in milliseconds."""
    return of_function(metrics.DOWNSTREAM_LATENCY, statistic)


def value_age(statistic: Statistic) -> MetricOf:
    """How long ago the answer's value was read downstream, in milliseconds."""
    return of_function(metrics.VALUE_AGE, statistic)
