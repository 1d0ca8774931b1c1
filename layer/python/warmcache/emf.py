"""CloudWatch's embedded metric format: metrics as one line of JSON on standard output, which Lambda logs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import math
from collections.abc import Mapping
from typing import NamedTuple


class Value(NamedTuple):
    """A metric's value and its CloudWatch unit, as ``Count`` or ``Milliseconds``."""

    value: float
    unit: str = "Count"


def emf_line(
    namespace: str,
    *,
    dimensions: Mapping[str, str],
    metrics: Mapping[str, Value],
    properties: Mapping[str, str | float],
    timestamp: float,
) -> str:
    """Return one line, without a line break.

    Args:
        namespace: the CloudWatch namespace of all the metrics.
        dimensions: their one set of dimensions.
        metrics: by name. One that is left out is absent, which is not the same as 0.
        properties: fields to find the line by in the logs. They make no metric, so they cost nothing.
        timestamp: Unix seconds.

    A value that is NaN or infinite is left out: JSON has no such number, and a line that is not JSON has no metrics.
    """
    usable = {name: metric for name, metric in metrics.items() if math.isfinite(metric.value)}
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": metric.unit} for name, metric in usable.items()],
    }
    return json.dumps(
        {
            "_aws": {"Timestamp": int(timestamp * 1000), "CloudWatchMetrics": [directive]},
            **dimensions,
            **{name: metric.value for name, metric in usable.items()},
            **{name: value for name, value in properties.items() if isinstance(value, str) or math.isfinite(value)},
        },
        allow_nan=False,
        separators=(",", ":"),
    )
