"""A run's records as metrics and log events, at once and as the run goes on."""

import contextlib
import json
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.dashboard import Logs
from cloudwatch.errors import UnsupportedError
from cloudwatch.metric_math import Points
from cloudwatch.series import Dimensions, MetricStat
from facts.metrics import DOWNSTREAM_FAILURES
from facts.metrics import METRICS as EMITTED
from lab.dashboard.run_source import OF_FUNCTIONS, OF_LAMBDA, RunSource
from lab.records.files import run_files
from tests.unit.lab.dashboard.runs import BEGAN, append, record, write
from tests.unit.lab.dashboard.whole_runs import loaded

VARIANTS = ("no_cache", "ttl_cache")
ALIAS = (("FunctionName", "cache-lab-ttl_cache"), ("Resource", "cache-lab-ttl_cache:live"))


def by_variant(namespace: str, variant: str) -> Dimensions:
    return (("Variant", variant) if namespace == "CacheLab" else ("FunctionName", f"cache-lab-{variant}"),)


STATS = {
    MetricStat(namespace, name, by_variant(namespace, variant), statistic)
    for variant in VARIANTS
    for namespace, name, statistic in (
        ("AWS/Lambda", "Invocations", "Sum"),
        ("AWS/Lambda", "Duration", "p90"),
        ("AWS/Lambda", "ConcurrentExecutions", "Maximum"),
        ("CacheLab", "DownstreamErrors", "Sum"),
    )
}


def statistics(source: RunSource, end: float = 500.0, period: float = 10.0) -> Mapping[MetricStat, Points]:
    return source.statistics(STATS, start=BEGAN, end=BEGAN + end, period=period)


def points(source: RunSource, name: str, statistic: str, variant: str = "no_cache") -> dict[float, float]:
    """A metric's values by second, counted from `BEGAN`."""
    namespace = "AWS/Lambda" if name in OF_LAMBDA else "CacheLab"
    stat = MetricStat(namespace, name, by_variant(namespace, variant), statistic)
    found = source.statistics([stat], start=BEGAN, end=BEGAN + 100, period=1)[stat]
    return {at - BEGAN: value for at, value in found.items()}


def test_every_metric_that_the_functions_emit_is_known_but_the_one_that_only_an_alarm_watches() -> None:
    assert set(OF_FUNCTIONS) == {metric.name for metric in EMITTED if metric != DOWNSTREAM_FAILURES}


@pytest.mark.parametrize(
    ("stat", "reason"),
    [
        (MetricStat("AWS/EC2", "CPUUtilization", (), "Sum"), "AWS/EC2 CPUUtilization is not in a run's records"),
        (MetricStat("AWS/Lambda", "Duration", (("FunctionName", "shop"),), "Sum"), "are of no variant"),
        (MetricStat("AWS/Lambda", "Duration", (ALIAS[0], ("Resource", "x:7")), "Sum"), "are of no variant"),
        (MetricStat("CacheLab", "Hits", (), "Sum"), r"the dimensions \(none\) of Hits are of no variant"),
        (MetricStat("CacheLab", "Hits", (("Variant", "no_cache"),), "IQM"), "the statistic 'IQM'"),
    ],
)
def test_what_records_do_not_have_is_refused_by_name(tmp_path: Path, stat: MetricStat, reason: str) -> None:
    with loaded(write(tmp_path / "run", [])) as source:
        source.check_metric(MetricStat("AWS/Lambda", "Duration", ALIAS, "p99"))
        with pytest.raises(UnsupportedError, match=reason):
            source.check_metric(stat)


def test_a_log_group_of_another_function_is_refused(tmp_path: Path) -> None:
    with (
        loaded(write(tmp_path / "run", [])) as source,
        pytest.raises(UnsupportedError, match="the log group /aws/lambda/shop is of no variant"),
    ):
        source.query(Logs("table", ["/aws/lambda/shop"], "stats count(*)"), start=0, end=1)


def test_the_metrics_of_a_function_are_those_of_its_alias(tmp_path: Path) -> None:
    function = MetricStat("AWS/Lambda", "Invocations", ALIAS[:1], "Sum")
    alias = function._replace(dimensions=ALIAS)
    with loaded(write(tmp_path / "run", [record(0, "ttl_cache")])) as source:
        found = source.statistics([function, alias], start=BEGAN, end=BEGAN + 60, period=60)
    assert found[function] == found[alias] == {BEGAN: 1.0}


def coming(seed: int) -> list[dict[str, Any]]:
    """Records in the order of their completion: some took long, and began before what is there already."""
    chance = random.Random(seed)  # noqa: S311 -- nothing secret
    begun = [
        record(at, chance.choice(VARIANTS), duration_ms=chance.uniform(1, 9), received_at=BEGAN + at + spent)
        for at, spent in ((chance.uniform(0, 300), chance.choice([0.01, 2, 40])) for _ in range(400))
    ]
    return sorted(begun, key=lambda one: one["received_at"])


def test_what_is_read_as_the_run_goes_on_is_what_is_read_at_once(tmp_path: Path) -> None:
    records = coming(7)
    run = write(tmp_path / "run", [], finished=False)
    with run_files(run) as files, contextlib.closing(RunSource(files, [])) as source:
        for first in range(0, 400, 100):
            append(run, records[first : first + 100])
            assert source.read_on()
            assert not source.read_on()
            with loaded(run) as whole:
                assert statistics(source) == statistics(whole)
                assert source.state == whole.state
        assert source.state.records == 400
        assert not source.state.finished


def test_a_run_that_has_no_records_yet_is_empty(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [])
    with loaded(run) as source:
        assert (source.state.records, source.state.window, source.state.share) == (0, None, 1.0)


def test_another_file_in_its_place_is_read_from_the_beginning(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(0), record(1)])
    with loaded(run) as source:
        assert source.state.window == (BEGAN, BEGAN + 1)
        (run / "records.jsonl").write_text("")
        append(run, [record(9)])
        source.read_on()
        assert source.state.window == (BEGAN + 9, BEGAN + 9)
        assert points(source, "Invocations", "Sum") == {9: 1}


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(0)])
    with (run / "records.jsonl").open("a") as lines:
        lines.write('{"variant": "no_c\n[1]\n')
    append(run, [record(1)])
    with loaded(run) as source:
        assert (source.state.records, source.state.damaged) == (2, 2)


def test_concurrency_is_what_ran_when_each_began(tmp_path: Path) -> None:
    spans = [(0, 10), (1, 2), (1.5, 3), (2, 4), (12, 13)]
    run = write(tmp_path / "run", [record(at, received_at=BEGAN + end) for at, end in spans])
    append(run, [record(1.7, status="throttled"), record(1.8, status="lost"), record(1.9, "ttl_cache")])
    with loaded(run) as source:
        assert points(source, "ConcurrentExecutions", "Maximum") == {0: 1, 1: 3, 2: 3, 12: 1}
        assert points(source, "ConcurrentExecutions", "Minimum") == {0: 1, 1: 2, 2: 3, 12: 1}


@pytest.mark.parametrize(
    ("wire", "finished", "values"), [(0, True, {0: 0}), (0, False, {}), (1200, True, {}), (None, True, {})]
)
def test_records_of_before_downstream_errors_have_none_where_the_wire_saw_none(
    tmp_path: Path, wire: int | None, finished: bool, values: dict[float, float]
) -> None:
    counts = {"no_cache": {"downstream_calls": 1, "downstream_errors": wire}}
    run = write(tmp_path / "run", [record(0), record(5, cache=None, status="lost")], wire=counts, finished=finished)
    with loaded(run) as source:
        assert points(source, "DownstreamErrors", "Sum") == values
        missing = source.missing([MetricStat("CacheLab", "DownstreamErrors", (), "Sum")])
    assert missing.startswith("no record in this range has CacheLab DownstreamErrors.")
    assert missing.endswith(" On the wire, in the whole run: no_cache 1,200.") == bool(wire)


def test_the_run_that_is_going_on_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    run = write(
        tmp_path / "run", [record(0)], finished=False, run={"id": "x", "target": "local"}, local={"profile": "p"}
    )
    with loaded(run) as source:
        assert (source.name, source.where) == ("x", "local, downstream profile p")
        (run / "run.json").write_text("{")
        source.read_on()
        assert not source.state.finished
        (run / "run.json").write_text(json.dumps({"schema_version": 2, "finished": True}))
        source.read_on()
        assert source.state.finished


def test_nothing_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with loaded(write(tmp_path / "run", [record(0)])):
        assert list(tmp_path.glob("lab-dashboard-*"))
    assert list(tmp_path.glob("lab-dashboard-*")) == []
