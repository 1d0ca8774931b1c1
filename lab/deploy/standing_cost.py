"""What the deployed application costs in a month without any traffic, counted in its templates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from facts import prices
from lab.deploy.templates import FUNCTION, Template, properties


class Part(NamedTuple):
    """One thing that is paid for while the stacks stand.

    Attributes:
        name: what it is.
        how_many: of them, with the unit where there is one.
        usd: US dollars a month, at list prices.
        note: what else is to be known of it.
    """

    name: str
    how_many: str
    usd: float
    note: str = ""


def standing_parts(templates: Iterable[Template]) -> list[Part]:
    """The parts of the cost: dashboards and alarms, and of the functions what Lambda keeps ready, where it does."""
    templates = list(templates)
    return [*_watching(templates), *_kept_ready(templates)]


def standing_cost(templates: Iterable[Template]) -> float:
    """The sum of the parts, US dollars a month."""
    return sum(part.usd for part in standing_parts(templates))


def secrets_per_month(keys: int) -> float:
    """What so many items cost in a month as secrets, US dollars. They are in no template."""
    return keys * prices.SECRET_MONTH.usd


def _watching(templates: Iterable[Template]) -> Iterator[Part]:
    dashboards = len(list(properties("AWS::CloudWatch::Dashboard", templates)))
    yield Part(
        "dashboards",
        str(dashboards),
        max(0, dashboards - prices.FREE_DASHBOARDS) * prices.DASHBOARD_MONTH.usd,
        f"an account's first {prices.FREE_DASHBOARDS} are free",
    )
    metrics = sum(map(_metrics_of_alarm, properties("AWS::CloudWatch::Alarm", templates)))
    yield Part("metrics of alarms", str(metrics), metrics * prices.ALARM_MONTH.usd)


def _kept_ready(templates: Iterable[Template]) -> Iterator[Part]:
    functions = properties(FUNCTION, templates)
    snapshot_mb = sum(function["MemorySize"] for function in functions if "SnapStart" in function)
    if snapshot_mb:
        usd = prices.snapshot_per_month(snapshot_mb)
        yield Part("SnapStart's snapshot", f"{snapshot_mb} MB", usd, "for one version, 30 days")
    provisioned = [each for template in templates for each in _provisioned(template["Resources"])]
    if provisioned:
        environments = sum(count for count, _ in provisioned)
        usd = sum(count * each_usd for count, each_usd in provisioned)
        yield Part("provisioned concurrency", str(environments), usd)


def _provisioned(resources: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """How many environments each alias keeps ready, and what one costs in a month; it names its function by `Ref`."""
    for alias in properties("AWS::Lambda::Alias", [{"Resources": resources}]):
        config = alias.get("ProvisionedConcurrencyConfig")
        if config is not None:
            function = resources[alias["FunctionName"]["Ref"]]["Properties"]
            architecture = function.get("Architectures", ["x86_64"])[0]
            usd = prices.provisioned_per_month(architecture, function["MemorySize"])
            yield config["ProvisionedConcurrentExecutions"], usd


def _metrics_of_alarm(alarm: Mapping[str, Any]) -> int:
    """How many metrics an alarm is charged for: those it reads."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", ())) or 1
