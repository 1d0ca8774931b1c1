"""Whether conclusions hold when a run is repeated: ``make bench-truth`` writes docs/results/truth.md and truth.json.

Each part can be done by itself and is continued where it was stopped: ``make bench-truth PART=hits``. What was measured
is kept in build/truth; remove a part's folder there to measure it again. The page is written from what is there.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from lab.drive.machine import describe_machine
from tests.bench import bench_truth_kills, bench_truth_theory
from tests.bench.bench_truth_parts import Part, Row, say

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / "build" / "truth"
RESULT: Final = ROOT / "docs" / "results" / "truth.md"
PARTS: Final[dict[str, Part]] = {"hits": bench_truth_theory, "kills": bench_truth_kills}


def page(rows: list[Row]) -> str:
    """The result as Markdown."""
    machine = describe_machine()
    lines = [
        "# Do conclusions hold when the run is repeated?",
        "",
        "Made by `make bench-truth`; do not edit. "
        f"{machine['cpu_model']}, {machine['cpus']} processors, {machine['memory_gb']:g} GB, {machine['os']}, "
        f"Python {machine['python']}. [How each is measured](../explanation/method.md). "
        "Raw figures: [truth.json](truth.json).",
        "",
        "| what | bar | found | met |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.claim} | {row.bar} | {row.found} | {'yes' if row.met else '**no**'} |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the parts that are asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="parts to measure; none: all")
    parser.add_argument("--small", action="store_true", help="only enough to see that it works; writes no page")
    given = parser.parse_args()
    folder = KEPT.with_name("truth-small") if given.small else KEPT
    for name in given.part or PARTS:
        PARTS[name].measure(folder / name, small=given.small)
    rows: list[Row] = []
    raw: dict[str, Any] = {"machine": describe_machine()}
    for name, part in PARTS.items():
        found, figures = part.rows(folder / name)
        rows += found
        raw[name] = figures
    for row in rows:
        say(f"{'met' if row.met else 'NOT met'}: {row.claim}: {row.found}")
    if not given.small:
        RESULT.write_text(page(rows))
        RESULT.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
