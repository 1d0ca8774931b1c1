"""The metrics that exist: those that AWS documents of the services in use, and those that the functions emit.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

from collections.abc import Mapping, Set

from facts import metrics as emitted
from stacks.checks.assembly import Assembly

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
NAMESPACES = {"AWS/Lambda": LAMBDA, "AWS/DynamoDB": DYNAMODB, emitted.NAMESPACE: FUNCTIONS}


def why_absent(assembly: Assembly, namespace: str, name: str, dimensions: Mapping[str, str]) -> str | None:
    """Why there is no such metric, or None if there is."""
    by_dimensions = NAMESPACES.get(namespace)
    if by_dimensions is None:
        return f"nothing here writes to the namespace {namespace}"
    known = by_dimensions.get(frozenset(dimensions))
    if known is None:
        return f"{namespace} has no metrics by {', '.join(dimensions) or 'no dimension'}"
    if name not in known:
        return f"{namespace} has no metric {name} by {', '.join(dimensions) or 'no dimension'}"
    there = {
        "FunctionName": assembly.function_names,
        "Resource": assembly.aliases,
        "TableName": assembly.table_names,
        emitted.DIMENSION: assembly.variants,
    }
    for dimension, value in dimensions.items():
        if dimension in there and value not in there[dimension]:
            return f"no stack makes the {dimension} {value}"
    return None
