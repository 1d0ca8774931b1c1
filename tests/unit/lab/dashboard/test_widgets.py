"""What widgets show: as the report has it, and by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.dashboard import Dashboard, parse_dashboard
from cloudwatch.ranges import Range
from lab.analysis.model import Report, Start
from lab.analysis.summary import summarise
from lab.analysis.wording import figure
from lab.dashboard.widgets import check_drawable, widget_data
from lab.records.dashboards_file import DashboardBody
from tests.unit.lab.dashboard.runs import BEGAN, record, write
from tests.unit.lab.dashboard.whole_runs import COST, cost_rows, loaded, whole_run
from tests.unit.lab.report.simulated import NAMES

BY_START = "Duration with init or restore, by start, ms"
STARTS = "Init, restore and billed durations, ms"


@pytest.fixture(scope="module")
def drawn_run(shown_run: Path, comparison: Dashboard) -> dict[str, Any]:
    return whole_run(shown_run, comparison)


@pytest.fixture(scope="module")
def report(shown_run: Path) -> Report:
    return summarise(shown_run)


def test_every_widget_of_every_dashboard_of_the_application_has_data(
    shown_run: Path, application_dashboards: Sequence[DashboardBody]
) -> None:
    dashboards = [parse_dashboard(*body) for body in application_dashboards]
    assert dashboards[0].name == "CacheLab-comparison-us-east-1"
    assert len(dashboards) == len(NAMES) + 1
    for dashboard in dashboards:
        assert dashboard.faults == []
        for widget in dashboard.widgets:
            check_drawable(widget)
        kinds = {title: result["kind"] for title, result in whole_run(shown_run, dashboard).items()}
        assert set(kinds.values()) == {"text", "graph", "numbers", "table"}, kinds


def test_totals_are_the_reports(
    drawn_run: dict[str, Any], report: Report, shown_run: Path, comparison: Dashboard
) -> None:
    # Two widgets have this title: the first one has the totals.
    in_total = whole_run(shown_run, comparison._replace(widgets=comparison.widgets[:5]))
    assert [variant.variant for variant in report.variants] == list(NAMES)
    durations = [one.duration_ms.p50.value for one in report.variants if one.duration_ms]
    calls = [one.downstream_calls_per_1000.value for one in report.variants if one.downstream_calls_per_1000]
    hits = [one.hit_ratio for one in report.variants]

    assert drawn_run["Duration p50, ms"]["values"] == durations
    assert drawn_run["Duration p50, ms"]["texts"] == [figure(value) for value in durations]
    assert in_total["Downstream calls per 1,000 invocations"]["values"] == pytest.approx(calls, rel=1e-12)
    assert drawn_run["Hit ratio, %"]["values"] == pytest.approx([100 * (hit or 0) for hit in hits], rel=1e-12)


def test_the_table_of_starts_is_the_reports(drawn_run: dict[str, Any], report: Report) -> None:
    rows = {row[0]: row[1:] for row in drawn_run[STARTS]["rows"]}
    for one in report.variants:
        init, restore = one.init_ms, one.restore_ms
        # The last column is the mean of all that was billed; the report keeps starts apart.
        assert rows[one.variant][:-1] == [
            str(init.count if init else 0),
            figure(init.p50.value if init else None),
            figure(init.max if init else None),
            str(restore.count if restore else 0),
            figure(restore.p50.value if restore else None),
            figure(restore.max if restore else None),
        ]


def test_warm_invocations_cold_starts_and_restores_are_apart_as_in_the_report(
    drawn_run: dict[str, Any], report: Report
) -> None:
    flags = {Start.WARM: ("0", "0"), Start.COLD: ("1", "0"), Start.RESTORED: ("0", "1")}
    expected = {
        (one.variant, *flags[start]): str(found.count)
        for one in report.variants
        for start, found in one.starts.items()
        if found.count
    }
    assert {tuple(row[:3]): row[3] for row in drawn_run[BY_START]["rows"]} == expected


def test_tables_have_the_baseline_first_and_warm_before_cold(drawn_run: dict[str, Any]) -> None:
    names = list(NAMES)
    assert [row[0] for row in drawn_run[STARTS]["rows"]] == names
    assert [row[0] for row in drawn_run[COST]["rows"]] == names
    by_start = [row[:2] for row in drawn_run[BY_START]["rows"]]
    assert by_start == [[name, start] for name in names for start in ("0", "0" if name == "snapstart" else "1")]


def test_the_cost_is_that_of_the_list_prices_to_the_last_digit(drawn_run: dict[str, Any], shown_run: Path) -> None:
    table = drawn_run[COST]
    assert table["columns"] == ["variant", "requests", "compute", "restores", "downstreamReads", "total"]
    assert table["rows"] == cost_rows(shown_run)
    assert len(table["rows"]) == len(NAMES)


FAILED: dict[str, Any] = {"status": "function_error", "cache": None, "age_ms": None}
OUTAGE = [
    record(0, cache="miss", downstream_calls=1, init_ms=400.25, billed_ms=421.0, cold_start=True, invocation=1),
    record(1),
    record(2, downstream_calls=3, billed_ms=617.0, **FAILED),
    record(3, billed_ms=10_000.0, **FAILED | {"downstream_calls": None}),  # it was ended, and logged nothing
    record(4, status="throttled", cache=None, downstream_calls=None, duration_ms=None, billed_ms=None),
    record(5, status="lost", cache=None, downstream_calls=None, duration_ms=None, billed_ms=None),
    record(6, cache="stale", downstream_calls=3, downstream_errors=3, billed_ms=604.0),
    record(7, "snapstart", restore_ms=32.25, billed_ms=38.0, cold_start=True, restored=True, init_downstream_calls=2),
    record(8, "snapstart", restore_ms=40.5, billed_ms=650.0, init_downstream_calls=3, **FAILED),
    record(9, "ttl_cache", downstream_calls=3, billed_ms=611.0, **FAILED),
]
RUN = {
    "run": {"id": "outage", "source": "dynamodb"},
    "settings": {"architecture": "x86_64"},
    "variants": [{"name": name} for name in NAMES],
}


def test_the_figures_of_an_outage_are_the_reports_over_all_that_ran(tmp_path: Path, comparison: Dashboard) -> None:
    run = write(tmp_path / "run", [one | {"planned_at": one["sent_at"], "memory_mb": 256} for one in OUTAGE], **RUN)
    report = summarise(run)
    found = whole_run(run, comparison._replace(widgets=comparison.widgets[:5]))
    calls, hits = (
        dict(zip(NAMES, found[title]["values"], strict=True))
        for title in ("Downstream calls per 1,000 invocations", "Hit ratio, %")
    )

    for one in report.variants:
        assert one.downstream_calls_per_1000 is not None
        assert calls[one.variant] == pytest.approx(one.downstream_calls_per_1000.value, rel=1e-12)
        assert hits[one.variant] == pytest.approx(100 * (one.hit_ratio or 0), rel=1e-12)
    # Five ran. The one that was ended logged nothing; the calls of the other failure count.
    assert (calls["no_cache"], hits["no_cache"]) == (1000 * 7 / 5, 100 * 2 / 5)
    assert (calls["ttl_cache"], hits["ttl_cache"]) == (3000, 0)
    assert found[COST]["rows"] == cost_rows(run)
    assert [row[0] for row in found[COST]["rows"]] == ["no_cache", "ttl_cache", "snapstart"]


def test_a_cost_between_two_last_digits_is_rounded_as_by_python(tmp_path: Path, comparison: Dashboard) -> None:
    # 11 calls of 10 invocations at 0.125 are 0.1375.
    records = [record(at, cache="miss", downstream_calls=1 + (at == 5), memory_mb=256) for at in range(10)]
    run = write(tmp_path / "run", records, **RUN)
    assert whole_run(run, comparison)[COST]["rows"] == cost_rows(run)


def test_sums_over_time_are_the_reports_counts(drawn_run: dict[str, Any], report: Report) -> None:
    for place, one in enumerate(report.variants):
        per_second = drawn_run["Downstream calls a second"]["series"][place]
        assert sum(value or 0 for value in per_second) == one.downstream_calls
        starts = drawn_run["Cold starts"]["series"][place]
        assert sum(value or 0 for value in starts) == one.cold_starts


def drawn(tmp_path: Path, records: list[dict[str, Any]], metrics: list[Any], period: int = 60) -> Any:
    """What a graph of these metrics shows of three minutes from `BEGAN`."""
    properties = {"view": "timeSeries", "title": "t", "metrics": metrics, "region": "us-east-1"}
    body = json.dumps({"widgets": [{"type": "metric", "properties": properties}]})
    with loaded(write(tmp_path / "run", records)) as source:
        return widget_data(parse_dashboard("d", body), source, Range(BEGAN, BEGAN + 180, period, 60))[0]


def of(namespace: str, name: str, stat: str, variant: str = "no_cache", **options: Any) -> list[Any]:
    dimension = ["Variant", variant] if namespace == "CacheLab" else ["FunctionName", f"cache-lab-{variant}"]
    return [namespace, name, *dimension, {"stat": stat, "period": 60} | options]


RECORDS = [
    record(
        0, duration_ms=1.0, cache="miss", downstream_calls=1, init_downstream_calls=2, downstream_ms=8.0, age_ms=9.0
    ),
    record(59.9, duration_ms=3.0, cache="stale", cold_start=True),
    record(60, duration_ms=5.0, cold_start=True, restored=True),
    record(61, status="throttled", cache=None, duration_ms=None, downstream_calls=None, age_ms=None),
    record(62, status="lost", cache=None, duration_ms=None, downstream_calls=None, age_ms=None),
    record(63, status="function_error", cache=None, duration_ms=7.0, downstream_calls=None, age_ms=None),
    record(64, "ttl_cache", duration_ms=100.0),
]


@pytest.mark.parametrize(
    ("namespace", "name", "stat", "values"),
    [
        ("AWS/Lambda", "Invocations", "Sum", [2, 2, None]),
        ("AWS/Lambda", "Errors", "Sum", [0, 1, None]),
        ("AWS/Lambda", "Errors", "Average", [0, 0.5, None]),
        ("AWS/Lambda", "Throttles", "Sum", [0, 1, None]),
        ("AWS/Lambda", "Duration", "Average", [2, 6, None]),
        ("AWS/Lambda", "Duration", "Minimum", [1, 5, None]),
        ("AWS/Lambda", "Duration", "p50", [1, 5, None]),
        ("AWS/Lambda", "Duration", "p90", [3, 7, None]),
        ("AWS/Lambda", "Duration", "SampleCount", [2, 2, None]),
        ("AWS/Lambda", "ConcurrentExecutions", "Maximum", [1, 1, None]),
        ("CacheLab", "Hits", "Sum", [0, 1, None]),
        ("CacheLab", "Misses", "Sum", [1, 0, None]),
        ("CacheLab", "StaleServed", "Sum", [1, 0, None]),
        ("CacheLab", "DownstreamCalls", "Sum", [3, 0, None]),
        ("CacheLab", "DownstreamLatency", "Maximum", [8, None, None]),
        ("CacheLab", "ValueAge", "Maximum", [100, 100, None]),
        ("CacheLab", "ColdStarts", "Sum", [1, 0, None]),
    ],
)
def test_a_statistic_by_period_as_computed_by_hand(
    tmp_path: Path, namespace: str, name: str, stat: str, values: list[Any]
) -> None:
    assert drawn(tmp_path, RECORDS, [of(namespace, name, stat)])["series"] == [values]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("1000 * calls / all", [1500, 0, None]),
        ("calls / PERIOD(calls)", [0.05, 0, None]),
        ("100 * (hits + stale) / all", [50, 50, None]),
        ("hits / stale", [0, None, None]),
    ],
)
def test_metric_math_by_period_as_computed_by_hand(tmp_path: Path, expression: str, values: list[Any]) -> None:
    metrics = [
        [{"expression": expression, "label": "e", "period": 60}],
        of("CacheLab", "DownstreamCalls", "Sum", id="calls", visible=False),
        of("CacheLab", "Hits", "Sum", id="hits", visible=False),
        of("CacheLab", "StaleServed", "Sum", id="stale", visible=False),
        of("AWS/Lambda", "Invocations", "Sum", id="all", visible=False),
    ]
    assert drawn(tmp_path, RECORDS, metrics)["series"] == [values]


def test_a_finer_period_has_its_own_points_and_period(tmp_path: Path) -> None:
    metrics = [
        [{"expression": "n / PERIOD(n)", "period": 60}],
        of("AWS/Lambda", "Invocations", "Sum", id="n", visible=False),
    ]
    result = drawn(tmp_path, RECORDS, metrics, period=30)
    assert result["series"] == [[1 / 30, 1 / 30, 2 / 30, None, None, None]]
    assert result["sums"] is False


def test_a_metric_without_data_says_so(tmp_path: Path) -> None:
    result = drawn(tmp_path, RECORDS, [of("CacheLab", "Hits", "Sum", "snapstart")])
    assert result == {"kind": "nothing", "why": "No data: no record in this range has CacheLab Hits."}


def test_metric_math_that_is_not_known_is_refused_in_its_widget(tmp_path: Path) -> None:
    metrics = [[{"expression": "FILL(n, 0)"}], of("AWS/Lambda", "Invocations", "Sum", id="n")]
    result = drawn(tmp_path, RECORDS, metrics)
    assert result == {
        "kind": "refused",
        "why": "widget 1 “t” is not drawn: the function FILL is not supported here.",
    }


def test_downstream_errors_are_those_of_answers_and_of_failures(tmp_path: Path) -> None:
    failed: dict[str, Any] = {"status": "function_error", "error_type": "DownstreamError", "cache": None}
    records = [
        record(0, downstream_errors=2),
        record(30, downstream_errors=0),
        record(61, downstream_errors=3, **failed),
        record(62, **failed),  # its log was not seen
        record(125, downstream_errors=0),
    ]
    sums = drawn(tmp_path, records, [of("CacheLab", "DownstreamErrors", "Sum")])
    assert sums == {"kind": "graph", "series": [[2, 3, 0]], "sums": True}


@pytest.mark.parametrize(
    ("widget", "reason"),
    [
        ({"type": "explorer"}, "it has the type 'explorer', which is none of metric, text and log"),
        ({"view": "pie"}, "the view 'pie' is not known here, only timeSeries and singleValue"),
        ({"view": "singleValue"}, "a number is drawn for the whole range only, with setPeriodToTimeRange"),
        ({"stacked": True}, "the property 'stacked' is not known here"),
        ({"metrics": [["AWS/EC2", "CPUUtilization"]]}, "the metric AWS/EC2 CPUUtilization is not in a run's records"),
        ({"metrics": [["CacheLab", "Hits", "Variant", "no_cache", {"stat": "IQM"}]]}, "the statistic 'IQM'"),
        ({"metrics": [[{"expression": "a + 1", "id": "b"}], [{"expression": "b", "id": "a"}]]}, "refer to each other"),
        ({"type": "log", "view": "bar", "query": "SOURCE 'x' | stats count(*)"}, "the view 'bar' is not known here"),
        ({"type": "log", "query": "SOURCE '/aws/lambda/cache-lab-a' | dedup x"}, "dedup"),
    ],
)
def test_what_is_not_supported_is_refused_by_name_and_the_rest_is_drawn(
    tmp_path: Path, widget: dict[str, Any], reason: str
) -> None:
    kind = widget.get("type", "metric")
    metrics = {"metrics": [of("AWS/Lambda", "Invocations", "Sum")]} if kind == "metric" else {}
    properties = {"region": "us-east-1", **metrics, **{key: value for key, value in widget.items() if key != "type"}}
    text = {"type": "text", "properties": {"markdown": "x"}}
    body = {"widgets": [{"type": kind, "properties": properties}, text]}
    with loaded(write(tmp_path / "run", RECORDS)) as source:
        refused, drawn_text = widget_data(
            parse_dashboard("d", json.dumps(body)), source, Range(BEGAN, BEGAN + 60, 60, 60)
        )
    assert refused["kind"] == "refused"
    assert refused["why"].startswith("widget 1 is not drawn: ")
    assert reason in refused["why"]
    assert drawn_text == {"kind": "text"}


def test_an_expression_may_use_one_that_stands_after_it(tmp_path: Path) -> None:
    metrics = [
        [{"expression": "twice + 1", "id": "more"}],
        [{"expression": "2 * n", "id": "twice", "visible": False}],
        of("AWS/Lambda", "Invocations", "Sum", id="n", visible=False),
    ]
    assert drawn(tmp_path, RECORDS, metrics)["series"] == [[5, 5, None]]
