"""Generates the reference pages and the generated parts of README.md: `make docs`.

They follow from the code: the registry of variants, the command line, the settings, the facts and the committed run. A
part of README.md stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``. A test checks that every page and part is
what this program writes.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from docs import running_cost  # noqa: E402 - the path comes first
from docs.markdown import table  # noqa: E402
from facts.metrics import DIMENSION, METRICS  # noqa: E402
from facts.names import Names  # noqa: E402
from facts.warnings import WarningCode  # noqa: E402
from functions.registry import VARIANTS  # noqa: E402
from lab.analysis.summary import summarise  # noqa: E402
from lab.cli.errors import PROGRAM  # noqa: E402
from lab.cli.program import commands  # noqa: E402
from lab.records.fields import FieldRow  # noqa: E402
from lab.records.record import record_rows  # noqa: E402
from lab.records.run_file import run_file_rows  # noqa: E402
from lab.report.as_markdown import render_choice, render_markdown  # noqa: E402
from stacks.settings import settings_table  # noqa: E402

README: Final = ROOT / "README.md"
TRUTH: Final = ROOT / "docs" / "results" / "truth.json"
DEMO: Final = ROOT / "docs" / "results" / "demo"
REFERENCE: Final = ROOT / "docs" / "reference"
WIDTH: Final = 110


def variants() -> str:
    """What each variant does, its price in stale data, and when to choose it."""
    rows = [
        [f"[`{one.name}`](functions/{one.name}/handler.py)", one.summary, one.staleness, one.choose_when]
        for one in VARIANTS
    ]
    return table(["variant", "what it does", "stale data", "choose it when"], rows)


def commands_page() -> str:
    """The help of every command."""
    width: dict[str, Any] = {"terminal_width": WIDTH, "max_content_width": WIDTH, "show_default": True}
    context = click.Context(commands, info_name=PROGRAM, **width)
    parts = [f"```text\n{commands.get_help(context).strip()}\n```"]
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context, **width)
        parts.append(f"## lab {name}\n\n```text\n{command.get_help(inner).strip()}\n```")
    return "\n\n".join(
        [
            "# Commands",
            "`lab` is the same as `python -m lab`. `--help` prints each of these. Exit codes: 0 done, 1 a finding or a"
            " failure, 2 wrong use, 130 interrupted.",
            *parts,
        ]
    )


def settings_page() -> str:
    """The settings of the application."""
    return "\n\n".join(
        [
            "# Settings of the application",
            "Give each as `-c name=value` to `lab run`, `lab deploy` or the CDK CLI, or as `context` in `cdk.json`. The"
            " application refuses an unknown name and a value that is not allowed, with one line.",
            settings_table(),
        ]
    )


def metrics_page() -> str:
    """The metrics that functions emit."""
    rows = [[f"`{one.name}`", one.unit, one.meaning] for one in METRICS]
    return "\n\n".join(
        [
            "# Metrics",
            f"Each invocation of a variant prints one line in CloudWatch's embedded metric format (EMF), with the"
            f" namespace `{Names().namespace}` (with `-c instance=NAME`, `{Names('NAME').namespace}`) and the one"
            f" dimension `{DIMENSION}`. Environment id and request id are properties of the line, not dimensions.",
            table(["metric", "unit", "value"], rows),
            "Lambda's own metrics (`AWS/Lambda`: `Invocations`, `Errors`, `Throttles`, `Duration`,"
            " `ConcurrentExecutions`) have the dimension `FunctionName`, and `Resource` for the alias.",
        ]
    )


def records_page() -> str:
    """The fields of a record."""
    return "\n\n".join(
        [
            "# records.jsonl",
            "One JSON object per line and invocation, appended as the invocation completes. A killed run keeps all"
            " complete lines. A value that was not measured is null, never 0. Readers accept every older version, and"
            " ignore fields that they do not know.",
            _fields(record_rows()),
        ]
    )


def run_json_page() -> str:
    """The fields of run.json, and the other files of a run's folder."""
    return "\n\n".join(
        [
            "# The folder of a run",
            "| file | content |\n|---|---|\n"
            "| `run.json` | what the run was: the fields below. It is written when the run begins and replaced when it"
            " ends |\n"
            "| `records.jsonl` | [one record per invocation](records.md) |\n"
            "| `dashboards.json` | the dashboards as they were deployed: a list of `name` and `body`, the comparison"
            " first. It may be absent |",
            "`lab report`, `lab compare` and `lab dashboard` need this folder only. In S3, a fleet's run has"
            " `run.json`, `dashboards.json` and `records/*.jsonl` below its prefix.",
            "## run.json",
            _fields(run_file_rows()),
        ]
    )


def _fields(rows: Iterable[FieldRow]) -> str:
    return table(
        ["field", "type", "unit", "meaning"], [[f"`{row.name}`", row.type, row.unit, row.meaning] for row in rows]
    )


def running_cost_page() -> str:
    """What the deployed lab costs in a month."""
    return "\n\n".join(["# What the deployed lab costs", running_cost.page(metrics=len(METRICS))])


def warnings_page() -> str:
    """The codes of warnings."""
    rows = [[f"`{code}`", code.meaning] for code in WarningCode]
    return "\n\n".join(
        [
            "# Warnings",
            "Each warning of a report has a code, a message and a next step. The codes do not change.",
            table(["code", "meaning"], rows),
        ]
    )


def report_page() -> str:
    """The report of the committed run."""
    return f"# Report of the committed run\n\n{render_markdown(summarise(DEMO))}"


def answer() -> str:
    """What the committed run says, in brief, and whether equal runs say the same."""
    return f"{render_choice(summarise(DEMO))}\n\n{agreement(json.loads(TRUTH.read_text())['equal']['advice'])}"


def agreement(advice: Mapping[str, str | None]) -> str:
    """How often equal runs gave the same advice: one sentence.

    Args:
        advice: the variant that each run named, or None, by the name of the run, which ends with its kind.
    """
    named = sorted({variant for variant in advice.values() if variant is not None})
    quiet, busy = ([one for run, one in advice.items() if run.endswith(kind)] for kind in ("quiet", "burdened"))
    counts = " and ".join(
        f"`{variant}` was named in {quiet.count(variant)} of {len(quiet)} equal runs on a quiet machine, and in"
        f" {busy.count(variant)} of {len(busy)} beside two busy programs"
        for variant in named
    )
    refused = sum(one is None for one in advice.values())
    return (
        f"**Does the next run say the same?** {counts or 'No run named a variant'}. Runs that refused to say:"
        f" {refused}."
        " [What was tried, with all figures](docs/results/truth.md)."
    )


def picture() -> str:
    """One picture of the committed run."""
    alt = "Mean latency of warm answers against the cost of a month, for each variant, with intervals"
    return "\n".join(
        [
            "<picture>",
            '  <source media="(prefers-color-scheme: dark)" srcset="docs/results/demo/choice-dark.svg">',
            f'  <img alt="{alt}" src="docs/results/demo/choice-light.svg">',
            "</picture>",
        ]
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    "answer": answer,
    "picture": picture,
    "variants": variants,
    "running-cost": running_cost.sentence,
}
"""The generated parts of README.md."""

PAGES: Final[dict[Path, Callable[[], str]]] = {
    REFERENCE / "commands.md": commands_page,
    REFERENCE / "settings.md": settings_page,
    REFERENCE / "metrics.md": metrics_page,
    REFERENCE / "records.md": records_page,
    REFERENCE / "run-json.md": run_json_page,
    REFERENCE / "running-cost.md": running_cost_page,
    REFERENCE / "warnings.md": warnings_page,
    DEMO / "report.md": report_page,
}
"""The generated pages."""


def filled(text: str) -> str:
    """The text of README.md with every part generated again.

    Raises:
        ValueError: the marks of a part are missing.
    """
    for name, make in PARTS.items():
        marks = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not marks.search(text):
            raise ValueError(f"README.md has no <!-- {name} --> … <!-- /{name} -->")
        content = make()
        text = marks.sub(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)  # type: ignore[misc]
    return text


def written() -> dict[Path, str]:
    """Every generated file and its text."""
    pages = {path: make().rstrip() + "\n" for path, make in PAGES.items()}
    return {README: filled(README.read_text(encoding="utf-8")), **pages}


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
