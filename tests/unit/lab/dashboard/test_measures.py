import duckdb
import numpy as np
import pytest

from cloudwatch.refusal import RefusedError
from facts.metrics import METRICS
from lab.analysis import statistics as stats
from lab.dashboard.measures import EXPRESSIONS, Metric, aggregate, metric_of

ALIAS = ["FunctionName", "cache-lab-ttl_cache", "Resource", "cache-lab-ttl_cache:live"]


def test_every_metric_that_the_functions_emit_is_known() -> None:
    assert {("CacheLab", metric.name) for metric in METRICS} <= set(EXPRESSIONS)


@pytest.mark.parametrize("percent", [0.1, 1, 7, 50, 57, 90, 99, 99.9, 100])
def test_a_percentile_is_the_reports_nearest_rank_to_the_last_bit(percent: float) -> None:
    random = np.random.default_rng(7)
    for count in (1, 2, 3, 10, 99, 100, 101, 1000, 1001):
        values = np.round(random.lognormal(1, 1, count), 2)
        text = aggregate(f"p{percent:g}", "value")
        table = duckdb.sql("SELECT unnest(?) AS value", params=[values.tolist()])
        assert table is not None
        found = table.aggregate(text).fetchall()
        assert found[0][0] == stats.nearest_rank(np.sort(values), percent / 100), (count, percent)


def test_a_metric_leads_to_its_variant() -> None:
    assert metric_of(["AWS/Lambda", "Duration", *ALIAS], "p99") == Metric("AWS/Lambda", "Duration", "ttl_cache", "p99")
    assert metric_of(["AWS/Lambda", "Errors", *ALIAS[:2]], "Sum").variant == "ttl_cache"
    assert metric_of(["CacheLab", "Hits", "Variant", "snapstart"], "Sum").variant == "snapstart"


@pytest.mark.parametrize(
    ("path", "statistic", "reason"),
    [
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i"], "Sum", "AWS/EC2 CPUUtilization is not in a run's records"),
        (["AWS/Lambda", "Duration", "FunctionName", "shop"], "Sum", "lead to no variant"),
        (["AWS/Lambda", "Duration", *ALIAS[:3], "cache-lab-ttl_cache:7"], "Sum", "lead to no variant"),
        (["CacheLab", "Hits"], "Sum", "lead to no variant"),
        (["CacheLab", "Hits", "Variant", "."], "Sum", "shorthand"),
        (["CacheLab"], "Sum", "not namespace, name and pairs"),
        (["CacheLab", "Hits", "Variant", "no_cache"], "IQM", "the statistic 'IQM' is not known"),
        (["CacheLab", "Hits", "Variant", "no_cache"], "p101", "the statistic 'p101' is not known"),
        (["CacheLab", "Hits", "Variant", "no_cache"], "tm90", "the statistic 'tm90' is not known"),
    ],
)
def test_what_records_do_not_tell_is_refused_by_name(path: list[str], statistic: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        metric_of(path, statistic)
