"""Whether alarms go off when they should, and which metrics there are.

Metrics are those that AWS documents for the services in use, and those that the functions emit:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from collections.abc import Iterator, Mapping, Set

from cloudwatch.dashboard import STATISTIC
from facts import metrics as emitted
from stacks.checks.assembly import Assembly, Finding

LONGEST_ALARM_S = 86_400
"""Period times evaluation periods, for periods below an hour."""

LAMBDA_BY_ALIAS = frozenset({
    "Invocations", "Errors", "DeadLetterErrors", "DestinationDeliveryFailures", "Throttles",
    "RecursiveInvocationsDropped", "ProvisionedConcurrencyInvocations", "ProvisionedConcurrencySpilloverInvocations",
    "ProvisionedConcurrentExecutions", "ProvisionedConcurrencyUtilization", "Duration",
    "PostRuntimeExtensionsDuration", "AsyncEventsReceived", "AsyncEventAge", "AsyncEventsDropped",
})  # fmt: skip
LAMBDA_BY_FUNCTION = LAMBDA_BY_ALIAS | {"ConcurrentExecutions", "SignatureValidationErrors"}
LAMBDA_BY_ACCOUNT = LAMBDA_BY_FUNCTION | {"UnreservedConcurrentExecutions", "ClaimedAccountConcurrency"}
LAMBDA: Mapping[frozenset[str], Set[str]] = {
    frozenset(): LAMBDA_BY_ACCOUNT,
    frozenset({"FunctionName"}): LAMBDA_BY_FUNCTION,
    frozenset({"FunctionName", "Resource"}): LAMBDA_BY_ALIAS,
    frozenset({"FunctionName", "Resource", "ExecutedVersion"}): LAMBDA_BY_ALIAS,
}
DYNAMODB: Mapping[frozenset[str], Set[str]] = {
    frozenset({"TableName"}): {
        "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents",
    },
    frozenset({"TableName", "Operation"}): {
        "SuccessfulRequestLatency", "ThrottledRequests", "ReturnedItemCount", "SystemErrors",
    },
}  # fmt: skip
FUNCTIONS: Mapping[frozenset[str], Set[str]] = {
    frozenset({emitted.DIMENSION}): {metric.name for metric in emitted.METRICS}
}
LESS_IS_BETTER = {"Duration", "Errors", "Throttles", "DownstreamErrors", "DownstreamFailures", "DownstreamLatency"}
NAMESPACES = {"AWS/Lambda": LAMBDA, "AWS/DynamoDB": DYNAMODB}


def check(assembly: Assembly) -> Iterator[Finding]:
    """Whether every alarm watches something that exists, and can go off."""
    functions = [found.properties for found in assembly.resources("AWS::Lambda::Function")]
    timeouts = {found.get("FunctionName"): found.get("Timeout", 3) for found in functions}
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        of = alarm.properties
        if "Metrics" in of:
            yield alarm.finding("alarm-plain", "watches metric math; a plain metric is watched everywhere")
            continue
        dimensions = {found["Name"]: found["Value"] for found in of.get("Dimensions", [])}
        if reason := why_absent(assembly, of["Namespace"], of["MetricName"], dimensions):
            yield alarm.finding("alarm-metric", reason)
        statistic = of.get("Statistic") or of.get("ExtendedStatistic") or ""
        if not STATISTIC.fullmatch(statistic):
            yield alarm.finding("alarm-statistic", f"{statistic!r} is not a statistic")
        period, periods = of["Period"], of["EvaluationPeriods"]
        if period % 60:
            yield alarm.finding("alarm-period", f"a period of {period} s; these metrics have one value a minute")
        timeout_ms = 1000 * timeouts.get(dimensions.get("FunctionName", ""), 900)
        if of["MetricName"] == "Duration" and of["Threshold"] > timeout_ms:
            yield alarm.finding("alarm-threshold", f"{of['Threshold']} ms is longer than the function's timeout")
        if period * periods > LONGEST_ALARM_S:
            yield alarm.finding("alarm-period", f"{periods} periods of {period} s are more than a day")
        if of.get("TreatMissingData") == "breaching":
            yield alarm.finding(
                "alarm-missing-data", "goes off whenever nobody invokes the function: there is no data then"
            )
        if of["ComparisonOperator"].startswith("Less") and of["MetricName"] in LESS_IS_BETTER:
            yield alarm.finding("alarm-comparison", f"goes off when there is little {of['MetricName']}")
        wanted = of.get("DatapointsToAlarm", periods)
        if wanted > periods:
            yield alarm.finding("alarm-datapoints", f"{wanted} datapoints of {periods} can never be")


def why_absent(assembly: Assembly, namespace: str, name: str, dimensions: Mapping[str, str]) -> str | None:
    """Why there is no such metric; None if there is."""
    by_dimensions = FUNCTIONS if namespace in assembly.namespaces else NAMESPACES.get(namespace)
    if by_dimensions is None:
        return f"nothing here writes to the namespace {namespace}"
    known = by_dimensions.get(frozenset(dimensions))
    if known is None:
        return f"{namespace} has no metrics by {', '.join(dimensions) or 'no dimension'}"
    if name not in known:
        return f"{namespace} has no metric {name} by {', '.join(dimensions) or 'no dimension'}"
    there = {
        "FunctionName": assembly.names("AWS::Lambda::Function", "FunctionName"),
        "Resource": assembly.aliases,
        "TableName": assembly.names("AWS::DynamoDB::Table", "TableName"),
        emitted.DIMENSION: assembly.variants,
    }
    for dimension, value in dimensions.items():
        if dimension in there and value not in there[dimension]:
            return f"no stack makes the {dimension} {value}"
    return None
