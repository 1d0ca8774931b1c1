"""The metrics that a run's records tell, as SQL over the table of records.

Lambda's own (`AWS/Lambda`) and those that the functions emit (`CacheLab`), defined as the one measures and the other
emit them: "Types of metrics for Lambda functions" in the Lambda Developer Guide, and ``facts.metrics``. An
invocation that failed has its downstream calls and errors where its log was seen; it was no hit, no miss and no stale
serve.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudwatch.refusal import RefusedError
from facts import metrics as emitted
from facts.names import alias_resource, function_name, variant_of

LAMBDA: Final = "AWS/Lambda"
INVOKED: Final = "status IN ('ok', 'function_error')"
"""Lambda ran it. A throttled request was never run; of a lost one nobody knows."""

CONCURRENCY: Final = "ConcurrentExecutions"
_ANSWERED: Final = "cache IS NOT NULL"
_EMITTED: Final = f"({_ANSWERED} OR (status = 'function_error' AND downstream_calls IS NOT NULL))"
"""Its EMF line is known, from its answer or from its log."""
# Records of before there was the field do not tell of downstream errors. But where the wire saw none in the whole run,
# no invocation had one: ``$clean`` are these variants.
_NO_ERROR: Final = f"CASE WHEN variant IN $clean AND {_ANSWERED} THEN 0::DOUBLE END"


def _count(condition: str, among: str) -> str:
    return f"CASE WHEN {among} THEN ({condition})::INTEGER::DOUBLE END"


EXPRESSIONS: Final[Mapping[tuple[str, str], str]] = {
    (LAMBDA, "Invocations"): _count("true", INVOKED),
    (LAMBDA, "Errors"): _count("status = 'function_error'", INVOKED),
    (LAMBDA, "Throttles"): _count("status = 'throttled'", f"{INVOKED} OR status = 'throttled'"),
    (LAMBDA, "Duration"): f"CASE WHEN {INVOKED} THEN duration_ms END",
    (LAMBDA, CONCURRENCY): "running",
    (emitted.NAMESPACE, emitted.HITS.name): _count("coalesce(cache, '') = 'hit'", _EMITTED),
    (emitted.NAMESPACE, emitted.MISSES.name): _count("coalesce(cache, '') = 'miss'", _EMITTED),
    (emitted.NAMESPACE, emitted.STALE_SERVED.name): _count("coalesce(cache, '') = 'stale'", _EMITTED),
    (emitted.NAMESPACE, emitted.DOWNSTREAM_CALLS.name): "downstream_calls + coalesce(init_downstream_calls, 0)",
    (emitted.NAMESPACE, emitted.DOWNSTREAM_ERRORS.name): f"coalesce(downstream_errors, {_NO_ERROR})",
    (emitted.NAMESPACE, emitted.DOWNSTREAM_LATENCY.name): "CASE WHEN downstream_calls > 0 THEN downstream_ms END",
    (emitted.NAMESPACE, emitted.VALUE_AGE.name): "age_ms",
    (emitted.NAMESPACE, emitted.COLD_STARTS.name): _count("cold_start AND NOT restored", _ANSWERED),
}

_SIMPLE: Final = {
    "SampleCount": "nullif(count({0}), 0)::DOUBLE",
    "Average": "avg({0})",
    "Sum": "sum({0})",
    "Minimum": "min({0})",
    "Maximum": "max({0})",
}
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


class Metric(NamedTuple):
    """One statistic of one metric of one variant.

    Attributes:
        namespace: of CloudWatch.
        name: the metric's.
        variant: which function it is of.
        statistic: as CloudWatch names it.
    """

    namespace: str
    name: str
    variant: str
    statistic: str


def metric_of(path: Sequence[Any], statistic: Any) -> Metric:
    """The metric that a dashboard names: namespace, name, and names and values of its dimensions.

    Raises:
        RefusedError: records do not tell it.
    """
    if not all(isinstance(part, str) for part in path) or len(path) < 2 or len(path) % 2:
        raise RefusedError("a metric is not namespace, name and pairs of dimension and value")
    namespace, name, *rest = path
    if any(part in ("", ".", "...") for part in path):
        raise RefusedError("a metric is written in shorthand")
    if (namespace, name) not in EXPRESSIONS:
        raise RefusedError(f"the metric {namespace} {name} is not in a run's records")
    variant = _variant(namespace, dict(zip(rest[::2], rest[1::2], strict=True)))
    if variant is None:
        raise RefusedError(f"the dimensions {' '.join(rest)} of {name} lead to no variant of the lab")
    aggregate(str(statistic), "x")
    return Metric(namespace, name, variant, str(statistic))


def _variant(namespace: str, dimensions: Mapping[str, str]) -> str | None:
    if namespace == emitted.NAMESPACE:
        return dimensions.get(emitted.DIMENSION) if len(dimensions) == 1 else None
    variant = variant_of(dimensions.get("FunctionName", ""))
    if variant is None:
        return None
    wanted = {"FunctionName": function_name(variant)}
    return variant if dimensions in (wanted, wanted | {"Resource": alias_resource(variant)}) else None


def aggregate(statistic: str, expression: str) -> str:
    """The SQL of a statistic.

    Raises:
        RefusedError: there is no such statistic, or not here.
    """
    if statistic in _SIMPLE:
        return _SIMPLE[statistic].format(expression)
    match = _PERCENTILE.fullmatch(statistic)
    if match is None:
        raise RefusedError(f"the statistic {statistic!r} is not known here")
    return quantile(expression, float(match[1]))


def quantile(expression: str, percent: float) -> str:
    """The SQL of a percentile: the value at the nearest rank, as in `lab.analysis.statistics`."""
    # Rounded, for 99.9 / 100 is a last bit above 0.999, and the rank of the next value.
    return f"quantile_disc({expression}, {round(percent / 100, 12)!r})"
