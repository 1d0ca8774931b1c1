"""What the lab costs while it is deployed, from the templates with default settings and the price file."""

import functools
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app import make_app
from facts import prices
from lab.deploy.standing_cost import cost_items, secrets_per_month
from lab.deploy.templates import key_count, variant_functions

LOG_BYTES = 1000
"""Assumed for an invocation: an EMF line, START, END and REPORT."""


def table(metrics: int) -> str:
    """The monthly cost as Markdown.

    Args:
        metrics: how many metrics each variant sends.
    """
    templates = synthesized()
    items = cost_items(templates)
    keys = key_count(templates)
    sent = metrics * len(variant_functions(templates))
    lines = [f"| {item.name} | {item.quantity} | {item.usd:.2f} | {item.note} |" for item in items]
    whole = sum(item.usd for item in items)
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
            f" cost table says. With `--source secretsmanager` {keys} secrets add ${secrets_per_month(keys):.2f}"
            f" a month. List prices of {prices.REGION}, read {prices.READ_ON}"
            " ([`facts/prices.toml`](facts/prices.toml)),"
            " without the free tier other than the three dashboards, without tax. Not in it: the bucket and the ECR"
            " repository of `cdk bootstrap`, items and their writes, Logs Insights queries.",
        ]
    )


@functools.cache
def synthesized() -> list[dict[str, Any]]:
    """The templates of the application with its default settings."""
    with TemporaryDirectory() as folder:
        make_app(outdir=Path(folder)).synth()
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.template.json"))]
