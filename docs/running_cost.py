"""What the lab costs while it is deployed, from the templates with default settings and the price file."""

import functools
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app import make_app
from facts import prices
from lab.deploy.templates import cost_items, key_count, secrets_per_month, standing_cost, variant_functions

LOG_BYTES = 1000
"""Assumed for an invocation: an EMF line, START, END and REPORT."""


def page(metrics: int) -> str:
    """What the deployed lab costs in a month, as Markdown.

    Args:
        metrics: how many metrics each variant emits.
    """
    templates = synthesized()
    keys = key_count(templates)
    emitted = metrics * len(variant_functions(templates))
    logs_gb = LOG_BYTES / 1e3
    lines = [f"| {item.name} | {item.quantity} | {item.usd:.2f} | {item.note} |" for item in cost_items(templates)]
    return "\n".join(
        [
            "| deployed and idle | how many | $ a month | |",
            "|---|---|---:|---|",
            *lines,
            f"| **sum** | | **{standing_cost(templates):.2f}** | for a whole month; `lab destroy` ends it |",
            "",
            "A run adds:",
            "",
            f"- {emitted} custom metrics, charged for the hours in which the functions run: at most"
            f" ${emitted * prices.METRIC_MONTH.usd:.2f} a month.",
            f"- About {logs_gb:g} GB of logs for a million invocations (assumed: {LOG_BYTES:,} bytes each):"
            f" ${logs_gb * prices.LOG_GB.usd:.2f} for ingestion, and ${logs_gb * prices.LOG_GB_MONTH.usd:.2f} for each"
            " month of storage.",
            "- The invocations and reads, which the cost table of every report shows.",
            f"- With `--source secretsmanager`, {keys} secrets: ${secrets_per_month(keys):.2f} a month.",
            "",
            f"These are list prices of {prices.REGION}, read {prices.READ_ON}"
            " ([`facts/prices.toml`](../../facts/prices.toml)), without tax and without the free tier, except the"
            " first three dashboards. Not included: the bucket and the ECR repository of `cdk bootstrap`, items and"
            " their writes, and Logs Insights queries.",
        ]
    )


def sentence() -> str:
    """What the deployed lab costs in a month, in one sentence for README.md."""
    return (
        f"While it is deployed and idle, the lab costs ${standing_cost(synthesized()):.2f} a month at list prices"
        " ([details](docs/reference/running-cost.md)). Destroy it when you are done."
    )


@functools.cache
def synthesized() -> list[dict[str, Any]]:
    """The templates of the application with its default settings."""
    with TemporaryDirectory() as folder:
        make_app(outdir=Path(folder)).synth()
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.template.json"))]
