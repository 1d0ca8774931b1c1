"""CloudWatch's embedded metric format: metrics as one line of JSON on standard output, which Lambda logs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping

from facts.metrics import DIMENSION, NAMESPACE, MetricDefinition


def emf_line(
    *,
    variant: str,
    values: Mapping[MetricDefinition, float],
    properties: Mapping[str, str],
    timestamp: float,
) -> str:
    """The line for one invocation, without its end.

    Args:
        variant: the value of the one dimension.
        values: a metric not in it is absent from the line, which is not the same as 0.
        properties: what to find the line by in the logs. They make no metric, so cost nothing an environment.
        timestamp: Unix seconds.
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in values],
    }
    return json.dumps(
        {
            "_aws": {"Timestamp": int(timestamp * 1000), "CloudWatchMetrics": [directive]},
            DIMENSION: variant,
            **{metric.name: value for metric, value in values.items()},
            **properties,
        },
        separators=(",", ":"),
    )
