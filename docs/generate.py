"""Writes the generated parts of the README: what the registry, the command line and the committed results say.

And ``docs/settings.md``: the settings of the CDK application.

A generated part stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``. ``make docs`` writes them, and a test checks
that they are what is written.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
DEMO = ROOT / "docs" / "results" / "demo"

sys.path.insert(0, str(ROOT))

sys.path.insert(1, str(ROOT / "layer" / "python"))

from docs.running_cost import table  # noqa: E402 - the path comes first
from facts.metrics import METRICS  # noqa: E402
from functions.registry import VARIANTS  # noqa: E402
from stacks.settings import settings_table  # noqa: E402

SETTINGS_TEXT = """\
# Settings of the application

Each is given as `-c name=value` to the CDK CLI, or as `context` in `cdk.json`. A name that is no setting, or a value
that is not allowed, is refused with one line. Written by `make docs` from `stacks/settings.py`.

{table}
"""


def variants() -> str:
    """The table of variants: the pattern, its price in stale data, when to choose it."""
    rows = [
        f"| [`{v.name}`](functions/{v.name}/handler.py) | {v.summary} | {v.staleness} | {v.choose_when} |"
        for v in VARIANTS
    ]
    return "\n".join(["| variant | what it does | stale data | choose it when |", "|---|---|---|---|", *rows])


def results() -> str:
    """The comparison of the committed run, as ``lab report --format markdown`` has it."""
    return _lab("report", str(DEMO), "--format", "markdown").strip()


def commands() -> str:
    """The help of the command line and of `run`."""
    parts = [_lab("--help"), _lab("run", "--help")]
    return "\n\n".join(f"```text\n{part.strip()}\n```" for part in parts)


def running_cost() -> str:
    """What the lab costs a month while it is deployed."""
    return table(metrics=len(METRICS))


PARTS: dict[str, Callable[[], str]] = {
    "variants": variants,
    "results": results,
    "commands": commands,
    "running-cost": running_cost,
}


def filled(text: str) -> str:
    """The text with every generated part written anew.

    Raises:
        ValueError: a part's marks are missing.
    """
    for name, make in PARTS.items():
        marks = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not marks.search(text):
            raise ValueError(f"README.md has no <!-- {name} --> … <!-- /{name} -->")
        content = make()
        text = marks.sub(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)  # type: ignore[misc]
    return text


def _lab(*arguments: str) -> str:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


if __name__ == "__main__":
    SETTINGS.write_text(SETTINGS_TEXT.format(table=settings_table()), encoding="utf-8")
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
