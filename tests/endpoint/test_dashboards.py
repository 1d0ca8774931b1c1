"""Any dashboard that is deployed to the endpoint is drawn from what the endpoint has collected."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from cloudwatch.ranges import range_of
from facts.names import Names
from lab.dashboard.endpoint_source import EndpointSource
from lab.dashboard.widgets import widget_data
from lab.engine.settings import Transport
from lab.errors import LabError
from tests.engine.endpoint import Endpoint

WORKS = """
def handler(event, context):
    if event.get("fail"): raise RuntimeError("no luck")
"""


@pytest.fixture(scope="module")
def endpoint(endpoints: Callable[[Transport], Endpoint]) -> Endpoint:
    return endpoints(Transport.SOCKET)


def put(endpoint: Endpoint, name: str, *widgets: dict[str, Any]) -> None:
    endpoint.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": widgets}))


def metrics(*entries: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"region": "us-east-1", "metrics": list(entries), **properties}}


def test_a_dashboard_of_ones_own_is_drawn(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WORKS)
    for number in range(7):
        endpoint.invoke(name, {"fail": number < 2})
    log = {
        "region": "us-east-1",
        "query": f"SOURCE '/aws/lambda/{name}' | filter @type = 'REPORT' | stats count(*) as n",
    }
    put(
        endpoint,
        "shop",
        metrics(
            ["AWS/Lambda", "Invocations", "FunctionName", name, {"id": "all", "visible": False}],
            [".", "Errors", ".", ".", {"id": "failed", "visible": False}],
            [{"expression": "100 * failed / all", "label": "failed, %"}],
            view="singleValue",
            setPeriodToTimeRange=True,
            stat="Sum",
        ),
        metrics(["AWS/Lambda", "Duration", "FunctionName", name, {"stat": "p99", "period": 60}]),
        {"type": "log", "properties": log},
        metrics(["Shop", "Orders"]),
        metrics(["Shop", "Orders"], view="pie"),
        {"type": "log", "properties": log | {"query": f"SOURCE '/aws/lambda/{name}' | dedup @message"}},
    )
    source = EndpointSource(endpoint.url, Names())
    now = time.time()
    shown = range_of(now - 300, now, None, 60, whole_minutes=True)

    numbers, graph, table, nothing, pie, query = widget_data(source.dashboards["shop"], source, shown)

    assert numbers["values"] == [pytest.approx(100 * 2 / 7)]
    assert any(graph["series"][0])
    assert (table["columns"], table["rows"]) == (["n"], [["7"]])
    assert nothing["why"] == "No data: the endpoint has no value of Shop Orders in this range."
    assert pie["why"] == "widget 5 is not drawn: the view 'pie' is not known here, only timeSeries and singleValue."
    assert query["why"].startswith("widget 6 is not drawn: ")
    assert "dedup" in query["why"]


def test_a_dashboard_that_is_deployed_later_is_found(endpoint: Endpoint) -> None:
    put(endpoint, "first", {"type": "text", "properties": {"markdown": "1"}})
    source = EndpointSource(endpoint.url, Names())
    put(endpoint, "second", {"type": "text", "properties": {"markdown": "2"}})
    assert "second" not in source.dashboards
    source.read_on()
    assert {"first", "second"} <= source.dashboards.keys()
    assert source.state.problem == ""


def test_with_an_instance_only_the_dashboards_that_draw_its_metrics_are_shown(endpoint: Endpoint) -> None:
    names = ("CacheLab-anna-x-us-east-1", "CacheLab-anna-comparison-us-east-1", "CacheLab-anna-b-x-us-east-1")
    for name, namespace in zip(names, ("CacheLab/anna", "CacheLab/anna", "CacheLab/anna-b"), strict=True):
        put(endpoint, name, metrics([namespace, "Hits", "Variant", "no_cache"]))

    assert list(EndpointSource(endpoint.url, Names("anna")).dashboards) == [names[1], names[0]]
    assert set(names) <= EndpointSource(endpoint.url, Names()).dashboards.keys()
    with pytest.raises(LabError, match=r"no dashboard of instance ben at .*`lab deploy --target local --instance ben`"):
        EndpointSource(endpoint.url, Names("ben"))


def test_an_endpoint_that_does_not_answer_is_said_to() -> None:
    with pytest.raises(LabError, match=r"no local endpoint answers at http://127\.0\.0\.1:1; start one"):
        EndpointSource("http://127.0.0.1:1", Names())
