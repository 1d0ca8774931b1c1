"""What the stacks cost in a month without any traffic: counted by hand."""

import pytest

from facts import prices
from lab.deploy.templates import cost_items, standing_cost


def resource(kind: str, **properties: object) -> dict[str, object]:
    return {"Type": kind, "Properties": properties}


def test_the_cost_of_standing_idle() -> None:
    stat: dict[str, object] = {"MetricStat": {}}
    resources = {
        "plain": resource("AWS::CloudWatch::Alarm"),
        "math": resource("AWS::CloudWatch::Alarm", Metrics=[stat, stat, {"Expression": "a/b"}]),
        "kept": resource("AWS::Lambda::Function", MemorySize=512, SnapStart={"ApplyOn": "PublishedVersions"}),
        "not": resource("AWS::Lambda::Function", MemorySize=512),
        "handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        **{f"dashboard{number}": resource("AWS::CloudWatch::Dashboard") for number in range(5)},
    }
    templates = {"CacheLab-a": {"Resources": resources}}
    idle = 3 * prices.ALARM_MONTH.usd + 2 * prices.DASHBOARD_MONTH.usd + prices.snapshot_per_month(512)

    assert standing_cost(templates.values()) == pytest.approx(idle)
    assert [(item.name, item.quantity) for item in cost_items(templates.values())] == [
        ("dashboards", "5"),
        ("metrics of alarms", "3"),
        ("SnapStart's snapshot", "512 MB"),
    ]


def test_the_cost_of_provisioned_concurrency() -> None:
    alias = {"FunctionName": {"Ref": "F"}, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 3}}
    arm = resource("AWS::Lambda::Function", MemorySize=1024, Architectures=["arm64"])
    template = {"Resources": {"F": arm, "A": resource("AWS::Lambda::Alias", **alias)}}

    assert standing_cost([template]) == pytest.approx(3 * 2_592_000 * 0.0000033334)
    assert standing_cost([{"Resources": {"F": arm, "A": resource("AWS::Lambda::Alias")}}]) == 0
