"""What the deployed lab costs a month: counted in templates, by hand."""

import re

import pytest

from docs import running_cost
from tests.snapshot.synthesis import Assembly


def _function(**properties: object) -> dict[str, object]:
    variables = {"CACHE_LAB_VARIANT": "v", "CACHE_LAB_KEYS": "20"}
    return {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}, **properties}}


def test_the_first_three_dashboards_are_free_and_alarms_are_charged_by_metric(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = {"Id": "m", "MetricStat": {}}
    resources = {
        **{f"D{n}": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}} for n in range(5)},
        "Simple": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
        "Math": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [query, query, {"Expression": "m/n"}]}},
        "Plain": _function(MemorySize=512),
        "Snap": _function(MemorySize=1024, SnapStart={}),
    }
    monkeypatch.setattr(running_cost, "synthesized", lambda: [{"Resources": resources}])
    text = running_cost.page(metrics=8)
    rows = dict(re.findall(r"^\| ([^|]+) \| [^|]* \| ([\d.]+) \|", text, re.MULTILINE))

    assert rows["dashboards"] == "6.00"
    assert rows["metrics of alarms"] == "0.30"
    assert rows["SnapStart's snapshot"] == "3.90"
    assert "| **sum** | | **10.20** |" in text
    assert "16 custom metrics, charged for the hours in which the functions run: at most $4.80 a month" in text
    assert "20 secrets: $8.00 a month" in text


def test_the_application_has_something_to_pay_for(assembly: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_cost, "synthesized", lambda: list(assembly.templates.values()))
    assert "| dashboards | 0 |" not in running_cost.page(metrics=8)
