"""What the application's synthesized templates say: its number of items, and its monthly cost without any traffic."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from facts import prices, variables

Template: TypeAlias = Mapping[str, Any]

FUNCTION = "AWS::Lambda::Function"


def properties(kind: str, templates: Iterable[Template]) -> Iterator[Mapping[str, Any]]:
    """The properties of every resource of a type, such as ``AWS::Lambda::Function``."""
    for template in templates:
        for resource in template["Resources"].values():
            if resource["Type"] == kind:
                yield resource.get("Properties", {})


def variant_functions(templates: Iterable[Template]) -> list[Mapping[str, Any]]:
    """The properties of the variants' functions."""
    functions = properties(FUNCTION, templates)
    return [each for each in functions if variables.VARIANT in each.get("Environment", {}).get("Variables", {})]


def key_count(templates: Iterable[Template]) -> int:
    """The number of items that the functions are configured for: the setting ``keys``, or its default."""
    (count,) = {int(each["Environment"]["Variables"][variables.KEYS]) for each in variant_functions(templates)}
    return count


class CostItem(NamedTuple):
    """One thing that costs money while the stacks exist: US dollars per month, at list prices."""

    name: str
    quantity: str
    usd: float
    note: str = ""


def cost_items(templates: Iterable[Template]) -> list[CostItem]:
    """The cost of dashboards, alarms, and what Lambda keeps ready for the functions."""
    templates = list(templates)
    return [*_monitoring(templates), *_kept_ready(templates)]


def standing_cost(templates: Iterable[Template]) -> float:
    """The sum of the items, US dollars per month."""
    return sum(item.usd for item in cost_items(templates))


def secrets_per_month(keys: int) -> float:
    """The cost of this many items as secrets, US dollars per month. They are in no template."""
    return keys * prices.SECRET_MONTH.usd


def _monitoring(templates: Iterable[Template]) -> Iterator[CostItem]:
    dashboards = len(list(properties("AWS::CloudWatch::Dashboard", templates)))
    yield CostItem(
        "dashboards",
        str(dashboards),
        max(0, dashboards - prices.FREE_DASHBOARDS) * prices.DASHBOARD_MONTH.usd,
        f"an account's first {prices.FREE_DASHBOARDS} are free",
    )
    metrics = sum(map(_metrics_of_alarm, properties("AWS::CloudWatch::Alarm", templates)))
    yield CostItem("metrics of alarms", str(metrics), metrics * prices.ALARM_MONTH.usd)


def _kept_ready(templates: Iterable[Template]) -> Iterator[CostItem]:
    functions = properties(FUNCTION, templates)
    snapshot_mb = sum(function["MemorySize"] for function in functions if "SnapStart" in function)
    if snapshot_mb:
        usd = prices.snapshot_per_month(snapshot_mb)
        yield CostItem("SnapStart's snapshot", f"{snapshot_mb} MB", usd, "for one version, 30 days")
    provisioned = [each for template in templates for each in _provisioned(template["Resources"])]
    if provisioned:
        environments = sum(count for count, _ in provisioned)
        usd = sum(count * each_usd for count, each_usd in provisioned)
        yield CostItem("provisioned concurrency", str(environments), usd)


def _provisioned(resources: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """For each alias: how many environments it keeps ready, and the monthly cost of one."""
    for alias in properties("AWS::Lambda::Alias", [{"Resources": resources}]):
        config = alias.get("ProvisionedConcurrencyConfig")
        if config is not None:
            function = resources[alias["FunctionName"]["Ref"]]["Properties"]
            architecture = function.get("Architectures", ["x86_64"])[0]
            usd = prices.provisioned_per_month(architecture, function["MemorySize"])
            yield config["ProvisionedConcurrentExecutions"], usd


def _metrics_of_alarm(alarm: Mapping[str, Any]) -> int:
    """How many metrics an alarm reads: each is charged for."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", ())) or 1
