import json
import subprocess
import sys
from pathlib import Path

from facts import metrics
from instrumentation.emf import emf_line

LAYER = Path(metrics.__file__).parents[1]


def test_every_metric_of_the_file_is_listed_once() -> None:
    defined = [value for value in vars(metrics).values() if isinstance(value, metrics.MetricDefinition)]
    assert sorted(defined) == sorted(metrics.METRICS)
    assert len({metric.name for metric in metrics.METRICS}) == len(metrics.METRICS)


def test_the_names_are_those_of_the_contract() -> None:
    assert (metrics.NAMESPACE, metrics.DIMENSION) == ("CacheLab", "Variant")
    assert {metric.name for metric in metrics.METRICS} == {
        "Hits", "Misses", "StaleServed", "DownstreamCalls", "DownstreamErrors", "DownstreamLatency", "ValueAge",
        "ColdStarts",
    }  # fmt: skip
    assert {metric.name for metric in metrics.METRICS if metric.unit == "Milliseconds"} == {
        "DownstreamLatency",
        "ValueAge",
    }


def test_to_import_the_metrics_is_to_import_nothing_else() -> None:
    program = "import sys; import facts.metrics; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(LAYER)}, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "facts.metrics" in loaded
    assert not {"boto3", "botocore", "cachetools", "instrumentation.handler"} & set(loaded)


def test_an_emf_line_is_what_the_specification_asks_for() -> None:
    line = emf_line(
        variant="ttl_cache",
        values={metrics.HITS: 1, metrics.VALUE_AGE: 812.4},
        properties={"environment_id": "e", "request_id": "r\n"},
        timestamp=1_790_000_000.1234,
    )
    assert "\n" not in line
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_790_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "CacheLab",
                    "Dimensions": [["Variant"]],
                    "Metrics": [{"Name": "Hits", "Unit": "Count"}, {"Name": "ValueAge", "Unit": "Milliseconds"}],
                }
            ],
        },
        "Variant": "ttl_cache",
        "Hits": 1,
        "ValueAge": 812.4,
        "environment_id": "e",
        "request_id": "r\n",
    }
