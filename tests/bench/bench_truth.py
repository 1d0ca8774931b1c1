"""Whether conclusions hold when a run is repeated: ``make bench-truth`` writes docs/results/truth.md and truth.json.

Each part can be done by itself and is continued where it was stopped: ``make bench-truth PART=hits``. What was measured
is kept in build/truth; remove a part's folder there to measure it again. The page is written from what is there.
"""

import argparse
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lab.drive.machine import describe_machine
from tests.bench import bench_truth_coverage, bench_truth_kills, bench_truth_power, bench_truth_theory
from tests.bench.bench_truth_parts import Part, Row, Table, say
from tests.bench.bench_truth_runs import Best, Equal, Ttl

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / "build" / "truth"
RESULT: Final = ROOT / "docs" / "results" / "truth.md"
PARTS: Final[dict[str, Part]] = {
    "coverage": bench_truth_coverage,
    "hits": bench_truth_theory,
    "kills": bench_truth_kills,
    "equal": Equal(),
    "ttl": Ttl(),
    "power": bench_truth_power,
    "best": Best(),
}
"""In the order of measuring: `ttl` and `power` use the quiet runs of `equal`. The page shows their docstrings."""


def page(rows: list[Row], tables: list[Table]) -> str:
    """The result as Markdown."""
    machine = describe_machine()
    lines = [
        "# Do conclusions hold when the run is repeated?",
        "",
        "Made by `make bench-truth`; do not edit. "
        f"{machine['cpu_model']}, {machine['cpus']} processors, {machine['memory_gb']:g} GB, {machine['os']}, "
        f"Python {machine['python']}. Raw figures: [truth.json](truth.json).",
        "",
        _line(("what", "bar", "found", "met")),
        _line(["---"] * 4),
        *(_line((row.claim, row.bar, row.found, "yes" if row.met else "**no**")) for row in rows),
    ]
    for table in tables:
        lines += ["", f"## {table.title}", "", table.about, ""]
        lines += [_line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows)]
    lines += ["", "## How each part is measured"]
    for name, part in PARTS.items():
        lines += ["", f"### `make bench-truth PART={name}`", "", inspect.cleandoc(part.__doc__ or "")]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure the parts that are asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="parts to measure; none: all")
    parser.add_argument("--small", action="store_true", help="only enough to see that it works; writes no page")
    given = parser.parse_args()
    folder = KEPT.with_name("truth-small") if given.small else KEPT
    for name in given.part or PARTS:
        PARTS[name].measure(folder / name, small=given.small)
    results = {name: part.rows(folder / name) for name, part in PARTS.items()}
    rows = [row for result in results.values() for row in result.rows]
    for row in rows:
        say(f"{'met' if row.met else 'NOT met'}: {row.claim}: {row.found}")
    if not given.small:
        RESULT.write_text(page(rows, [table for result in results.values() for table in result.tables]))
        raw = {"machine": describe_machine(), **{name: result.raw for name, result in results.items()}}
        RESULT.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
