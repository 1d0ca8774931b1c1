import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cloudwatch.dashboard import parse_dashboard
from facts import prices
from facts.variables import DEFAULT_TTL_S
from functions.registry import VARIANTS, Variant
from tests.snapshot.synthesis import NAMES, Assembly, dashboard_body
from tests.unit.lab.dashboard.runs import record, write
from tests.unit.lab.dashboard.whole_runs import COST, cost_rows, whole_run

COMPARISON = "CacheLab-comparison"
STACKS = {COMPARISON: VARIANTS} | {f"CacheLab-{found.name.replace('_', '-')}": (found,) for found in VARIANTS}
SECTIONS = [
    "Latency",
    "Downstream calls",
    "Hit ratio and stale serves",
    "Age and staleness",
    "Cold starts",
    "Errors and throttles",
    "Concurrency",
    "Cost per million invocations",
]
RECORDS = [
    record(0, init_ms=400.5, billed_ms=411.0, cold_start=True, reads=1),
    record(1, billed_ms=13.0, reads=1),
    record(2, "tmp_cache", status="function_error", cache=None, billed_ms=620.0, downstream_calls=3),
    record(3, "snapstart", restore_ms=32.25, billed_ms=38.0, cold_start=True, restored=True, init_downstream_calls=2),
    record(4, "snapstart"),
    record(5, "snapstart", duration_ms=7.0, billed_ms=7.0),
]


class Line(NamedTuple):
    """One entry of a widget's metrics: a metric, or an expression over others of the same widget."""

    metric: list[str]
    options: dict[str, Any]


class Dashboard(NamedTuple):
    """A dashboard's widgets, and the variants that it should show."""

    variants: tuple[Variant, ...]
    widgets: list[dict[str, Any]]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of the widgets of a type, by view and title."""
        found = [widget["properties"] for widget in self.widgets if widget["type"] == kind]
        return {f"{properties.get('view')}: {properties.get('title')}": properties for properties in found}

    def drawn(self) -> dict[str, list[Line]]:
        """The entries of each widget that draws metrics."""
        return {
            title: [Line([part for part in entry if isinstance(part, str)], entry[-1]) for entry in found["metrics"]]
            for title, found in self.of("metric").items()
        }


@pytest.fixture(scope="module", params=STACKS)
def dashboard(request: pytest.FixtureRequest, assembly: Assembly) -> Dashboard:
    body = dashboard_body(assembly.templates[request.param])
    return Dashboard(STACKS[request.param], body["widgets"])


def test_the_sections_stand_in_the_order_in_which_a_reader_asks(dashboard: Dashboard) -> None:
    texts = [found["properties"]["markdown"] for found in dashboard.widgets if found["type"] == "text"]
    headings = [text.splitlines() for text in texts[1:]]
    assert [heading for heading, _ in headings] == [f"## {section}" for section in SECTIONS]
    assert all(len(how_to_read) > 40 for _, how_to_read in headings)


def test_every_widget_draws_each_variant_once_in_its_colour_the_baseline_first(dashboard: Dashboard) -> None:
    for title, lines in dashboard.drawn().items():
        visible = [line.options for line in lines if line.options.get("visible", True)]
        assert [options["color"] for options in visible] == [found.color for found in dashboard.variants], title
        assert [options["label"] for options in visible] == [found.title for found in dashboard.variants], title


def test_a_variants_own_dashboard_names_no_other_variant(dashboard: Dashboard) -> None:
    if len(dashboard.variants) == 1:
        (own,) = dashboard.variants
        named = set(re.findall(r"cache-lab-(\w+)", str([found["properties"] for found in dashboard.widgets])))
        assert named == {own.name}


def test_an_expression_names_metrics_of_its_widget_and_its_variant(dashboard: Dashboard) -> None:
    expressions = 0
    for title, lines in dashboard.drawn().items():
        colors = {line.options["id"]: line.options["color"] for line in lines if "id" in line.options}
        for line in lines:
            if not line.metric:
                operands = re.findall(r"[a-z]\w*", line.options["expression"])
                assert operands, title
                assert {colors[operand] for operand in operands} == {line.options["color"]}, title
                expressions += 1
    assert expressions


@pytest.mark.parametrize("statistic", ["p50", "p90", "p99", "Maximum"])
def test_latency_is_there_by_percentile(statistic: str, dashboard: Dashboard) -> None:
    assert any(
        line.metric[:2] == ["AWS/Lambda", "Duration"] and line.options["stat"] == statistic
        for title, lines in dashboard.drawn().items()
        if title.startswith("timeSeries")
        for line in lines
    )


@pytest.mark.parametrize(
    "name",
    [
        "DownstreamCalls",
        "DownstreamErrors",
        "DownstreamLatency",
        "ColdStarts",
        "ValueAge",
        "Hits",
        "StaleServed",
        "Errors",
        "Throttles",
        "ConcurrentExecutions",
    ],
)
def test_what_the_caches_cost_is_there(name: str, dashboard: Dashboard) -> None:
    assert any(line.metric[1:2] == [name] for lines in dashboard.drawn().values() for line in lines)


def test_the_age_is_drawn_beside_the_ttl(dashboard: Dashboard) -> None:
    found = dashboard.of("metric")["timeSeries: Value age maximum"]
    assert found["annotations"]["horizontal"] == [
        {"value": 1000 * DEFAULT_TTL_S, "label": f"TTL, {DEFAULT_TTL_S:g} s", "yAxis": "left"}
    ]


def test_a_log_query_asks_the_log_groups_of_its_variants(dashboard: Dashboard) -> None:
    queries = dashboard.of("log")
    assert len(queries) == 3
    for found in queries.values():
        groups = re.findall(r"SOURCE '/aws/lambda/cache-lab-(\w+)'", found["query"])
        assert groups == [variant.name for variant in dashboard.variants]


def test_log_queries_name_the_fields_of_the_log_format(assembly: Assembly, everything_on: Assembly) -> None:
    texts, documents = (
        " ".join(
            found["properties"]["query"]
            for found in dashboard_body(made.templates[COMPARISON])["widgets"]
            if found["type"] == "log"
        )
        for made in (assembly, everything_on)
    )
    assert '@type = "REPORT"' in texts
    assert "record.metrics" not in texts
    assert 'type = "platform.report"' in documents
    assert "@duration" not in documents


def test_the_restores_of_a_report_line_are_found(assembly: Assembly) -> None:
    # The query's regular expression, as Logs Insights and Python both read it but for the name of the group.
    queries = dashboard_body(assembly.templates[COMPARISON])["widgets"]
    text = next(found["properties"]["query"] for found in queries if found["type"] == "log")
    (pattern,) = re.findall(r"parse @message /(.*?)/", text)
    report = (
        "REPORT RequestId: 1\tDuration: 2.46 ms\tBilled Duration: 63 ms\tMemory Size: 512 MB\tMax Memory Used: 95 MB\t"
        "Restore Duration: 59.30 ms\tBilled Restore Duration: 60 ms\t\n"
    )
    found = re.search(pattern.replace("(?<", "(?P<"), report)
    assert found is not None
    assert found["restoreMs"] == "59.30"


@pytest.mark.parametrize(("name", "provisioned"), [("no_cache", True), ("snapstart", False)])
def test_provisioned_concurrency_has_its_own_price_in_the_graph_of_cost(
    everything_on: Assembly, name: str, provisioned: bool
) -> None:
    (variant,) = (each for each in VARIANTS if each.name == name)
    body = dashboard_body(everything_on.templates[NAMES.stack_name(name)])
    graph = Dashboard((variant,), body["widgets"]).drawn()
    (total,) = [
        line for line in graph["timeSeries: Cost per million over time, without init and restores"] if not line.metric
    ]
    # 20 ms and one downstream call an invocation, as the report reckons them.
    operands = {f"duration_{name}": 20.0, f"calls_{name}": 1e6, f"invocations_{name}": 1e6}
    value = eval(total.options["expression"], {}, operands)  # noqa: S307 -- our own text, of numbers and operators
    expected = prices.cost_per_million(
        architecture="x86_64",
        source="s3",
        memory_mb=512,
        billed_ms=20.0,
        restores=0.0,
        reads=1.0,
        provisioned=provisioned,
    )
    assert expected is not None
    assert value == pytest.approx(expected.total, rel=1e-6)


def test_both_log_formats_have_the_same_cost_and_the_same_durations(
    assembly: Assembly, everything_on: Assembly, tmp_path: Path
) -> None:
    durations = []
    for made, architecture, source in ((assembly, "arm64", "dynamodb"), (everything_on, "x86_64", "s3")):
        body = json.dumps(dashboard_body(made.templates[COMPARISON]))
        content: dict[str, Any] = {"run": {"source": source}, "settings": {"architecture": architecture}}
        if made is everything_on:
            kept = {variant.name: 2 for variant in VARIANTS if not variant.snap_start}
            content["settings"]["provisioned_concurrency"] = kept
        content["variants"] = [{"name": variant.name} for variant in VARIANTS]
        run = write(tmp_path / architecture, RECORDS, **content)

        tables = whole_run(run, parse_dashboard(COMPARISON, body))

        assert tables[COST]["rows"] == cost_rows(run)
        durations.append([found for title, found in tables.items() if "uration" in title and found["kind"] == "table"])
    assert durations[0] == durations[1]
    assert [row[:4] for row in durations[0][0]["rows"]] == [
        ["no_cache", "0", "0", "1"],
        ["no_cache", "1", "0", "1"],
        ["tmp_cache", "0", "0", "1"],
        ["snapstart", "0", "0", "2"],
        ["snapstart", "0", "1", "1"],
    ]


def test_reads_of_dynamodb_cost_by_their_read_units(assembly: Assembly, tmp_path: Path) -> None:
    """One call for 50 items, and another for one."""
    batch = record(0, "snapstart", init_downstream_calls=1, read_units=50.0)
    one = record(1, "snapstart", reads=1, read_units=1.0)
    variants = [{"name": variant.name} for variant in VARIANTS]
    run = write(tmp_path, [batch, one], run={"source": "dynamodb"}, variants=variants)

    tables = whole_run(run, parse_dashboard(COMPARISON, json.dumps(dashboard_body(assembly.templates[COMPARISON]))))

    (row,) = tables[COST]["rows"]
    assert row[4] == f"{51 / 2 * 1e6 * prices.READ['dynamodb'].usd:.3f}"


def test_titles_stay_true_when_cloudwatch_picks_another_period(dashboard: Dashboard) -> None:
    """By default a dashboard's `periodOverride` is `auto`: CloudWatch then chooses the period."""
    for title, lines in dashboard.drawn().items():
        assert not re.search(r"minute|hour|per period", title)
        if "second" in title:
            assert all("PERIOD(" in line.options["expression"] for line in lines if not line.metric), title
    counts = ["Cold starts", "Errors", "Throttles", "Downstream errors", "Invocations"]
    graphs = dashboard.of("metric")
    assert {graphs[f"timeSeries: {title}"]["yAxis"]["left"]["label"] for title in counts} == {"count per period"}


def test_the_comparison_says_when_to_choose_which(assembly: Assembly) -> None:
    first = dashboard_body(assembly.templates[COMPARISON])["widgets"][0]
    for variant in VARIANTS:
        assert variant.title in first["properties"]["markdown"]
        assert variant.choose_when in first["properties"]["markdown"]
