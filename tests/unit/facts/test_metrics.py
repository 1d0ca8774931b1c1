"""The metrics are those of the contract."""

from facts import metrics
from facts.names import Names


def test_every_metric_of_the_file_is_listed_once() -> None:
    defined = [value for value in vars(metrics).values() if isinstance(value, metrics.MetricDefinition)]
    assert sorted(defined) == sorted(metrics.METRICS)
    assert len({metric.name for metric in metrics.METRICS}) == len(metrics.METRICS)


def test_the_names_are_those_of_the_contract() -> None:
    assert (Names().namespace, metrics.DIMENSION) == ("CacheLab", "Variant")
    assert {metric.name for metric in metrics.METRICS} == {
        "Hits", "Misses", "StaleServed", "DownstreamCalls", "DownstreamErrors", "DownstreamFailures",
        "DownstreamLatency", "ValueAge", "ColdStarts",
    }  # fmt: skip
    assert {metric.name for metric in metrics.METRICS if metric.unit == "Milliseconds"} == {
        "DownstreamLatency",
        "ValueAge",
    }
