"""What the lab costs while it is deployed, from the committed templates and the price file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lab import prices

TEMPLATES = Path(__file__).resolve().parents[1] / "tests" / "snapshot" / "__snapshots__" / "test_templates"
KEYS = 50
"""The items of a run by its defaults: each is a secret with the source secretsmanager."""
LOG_BYTES = 1000
"""Assumed for an invocation: an EMF line, START, END and REPORT."""


class _Part(NamedTuple):
    name: str
    how_many: str
    usd: float
    note: str


def table(metrics: int) -> str:
    """The monthly cost as Markdown.

    Args:
        metrics: how many metrics each variant sends.
    """
    parts = list(_parts())
    sent = metrics * len(_functions())
    lines = [f"| {part.name} | {part.how_many} | {part.usd:.2f} | {part.note} |" for part in parts]
    whole = sum(part.usd for part in parts)
    logs_gb = LOG_BYTES / 1e3
    taken_in, kept = logs_gb * prices.LOG_GB.usd, logs_gb * prices.LOG_GB_MONTH.usd
    return "\n".join(
        [
            "| deployed and idle | how many | $ a month | |",
            "|---|---|---:|---|",
            *lines,
            f"| **sum** | | **{whole:.2f}** | for a whole month; `lab destroy` ends it |",
            "",
            f"Measuring adds {sent} custom metrics, charged for the hours in which the functions run: at most"
            f" ${sent * prices.METRIC_MONTH.usd:.2f} a month. And for a million invocations about {logs_gb:g} GB of"
            f" logs (assumed: {LOG_BYTES:,} bytes"
            f" each): ${taken_in:.2f} to take them in, ${kept:.2f} for each month they are kept; and what the report's"
            f" cost table says. With `--source secretsmanager` {KEYS} secrets add ${KEYS * prices.SECRET_MONTH.usd:.2f}"
            f" a month. List prices of {prices.REGION}, read {prices.READ_ON} ([`prices.toml`](prices.toml)),"
            " without the free tier other than the three dashboards, without tax. Not in it: the bucket and the ECR"
            " repository of `cdk bootstrap`, items and their writes, Logs Insights queries.",
        ]
    )


def _parts() -> Iterator[_Part]:
    resources = _resources()
    dashboards = sum(resource["Type"] == "AWS::CloudWatch::Dashboard" for resource in resources)
    charged = max(0, dashboards - prices.FREE_DASHBOARDS)
    alarmed = sum(_alarm_metrics(resource["Properties"]) for resource in resources if _is_alarm(resource))
    kept_mb = sum(function["MemorySize"] for function in _functions() if "SnapStart" in function)
    yield _Part(
        "dashboards",
        str(dashboards),
        charged * prices.DASHBOARD_MONTH.usd,
        f"an account's first {prices.FREE_DASHBOARDS} are free",
    )
    yield _Part("metrics of alarms", str(alarmed), alarmed * prices.ALARM_MONTH.usd, "")
    yield _Part("SnapStart's snapshot", f"{kept_mb} MB", prices.snapshot_per_month(kept_mb), "for one version, 30 days")


def _resources() -> list[dict[str, Any]]:
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(TEMPLATES.glob("*.json"))]
    return [resource for template in templates for resource in template["Resources"].values()]


def _functions() -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in _resources() if resource["Type"] == "AWS::Lambda::Function"]


def _is_alarm(resource: dict[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::CloudWatch::Alarm")


def _alarm_metrics(alarm: dict[str, Any]) -> int:
    """How many metrics an alarm is charged for: those it reads."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", ())) or 1
