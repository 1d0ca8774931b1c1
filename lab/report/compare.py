"""The comparison of two runs: what changed, what the pair could have shown, and whether anything got worse."""

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from facts.warnings import WarningCode
from lab.analysis.advice import was_saturated
from lab.analysis.model import Report, VariantSummary
from lab.analysis.statistics import Estimate
from lab.analysis.summary import summarise
from lab.analysis.table import Table
from lab.analysis.two_runs import (
    LEAST_REPETITIONS,
    MARGIN,
    POWER,
    SHARED,
    Cell,
    Metric,
    compare,
    typical_power,
    unanswered,
)  # fmt: skip
from lab.analysis.wording import NOT_MEASURED, figure, interval, listed, shown, signed, where
from lab.errors import UsageError
from lab.records.json_values import Json
from lab.records.run_file import MOST_BAD
from lab.report.as_markdown import bullets, escaper, markdown_table
from lab.report.as_text import WIDTH, TextPage

SCHEMA_VERSION: Final = 1
DEFAULT_FAIL_ABOVE: Final = MARGIN * 100

CompareFormat = Literal["text", "json", "markdown"]


class Pair(NamedTuple):
    """Two runs that were compared.

    Attributes:
        names: where each is.
        fail_above: a change for the worse above so many percent is a regression; any that is shown, for failures.
    """

    names: tuple[str, str]
    before: Report
    after: Report
    cells: tuple[Cell, ...]
    fail_above: float

    @property
    def regressions(self) -> list[str]:
        """Every regression, in a phrase."""
        return [
            *(_changed(cell) for cell in self.cells if cell.is_worse and self._counts(cell)),
            *(_lost(one, count) for one, count in unanswered(self.before, self.after)),
        ]

    def _counts(self, cell: Cell) -> bool:
        return cell.metric is Metric.FAILED or abs(cell.share) * 100 > self.fail_above


def compare_runs(a: Path | str, b: Path | str, fail_above: float = DEFAULT_FAIL_ABOVE) -> Pair:
    """Run ``b`` against run ``a``: each a folder, or ``s3://bucket/prefix``.

    Raises:
        UsageError: there is no run, the targets differ, or one of the runs cannot be judged.
        LabError: a run cannot be read.
    """
    before, after = summarise(a), summarise(b)
    if before.target != after.target:
        raise UsageError(
            f"{a} is of target {shown(before.target)}, {b} of {shown(after.target)}: numbers of different targets are "
            "not compared; give two runs of one target"
        )
    for name, report in ((a, before), (b, after)):
        _check_judgeable(str(name), report)
    return Pair((str(a), str(b)), before, after, compare(before, after), fail_above)


def _check_judgeable(name: str, report: Report) -> None:
    """Raise `UsageError` if a run is no evidence: without repetitions, disturbed, or late."""
    bad = sum(one.problem is not None for one in report.file.repetitions)
    used = sum(one.complete and one.problem is None for one in report.file.repetitions)
    codes = {warning.code for warning in report.warnings}
    name = shown(name, 200)
    if report.from_logs or report.file.run.repetitions is None:
        raise UsageError(
            f"{name} has no repetitions and cannot be judged; compare runs of `lab run` with --repeat 2 or more"
        )
    if bad > MOST_BAD or was_saturated(report.file):
        problems = [shown(one.problem, 100) for one in report.file.repetitions if one.problem is not None]
        why = "; ".join(dict.fromkeys(problems)) or "the processors were full"
        raise UsageError(f"{name} cannot be judged: the machine was saturated ({why}); run it again on a quiet machine")
    if WarningCode.GENERATOR_LATE in codes:
        raise UsageError(f"{name} cannot be judged: invocations were sent late; run it again with a lower --rate")
    if used < LEAST_REPETITIONS:
        raise UsageError(
            f"{name} cannot be judged: it has {used} usable repetition{'' if used == 1 else 's'}, and"
            f" {LEAST_REPETITIONS} are needed; run it again to its end"
        )


def render_comparison(pair: Pair, fmt: CompareFormat, width: int = WIDTH) -> str:
    """The comparison in a format; text has at most so many columns."""
    if fmt == "json":
        return json.dumps(_to_json(pair), indent=2, allow_nan=False) + "\n"
    return _as_markdown(pair) if fmt == "markdown" else _as_text(pair, width)


def _as_text(pair: Pair, width: int) -> str:
    page = TextPage(width)
    page.paragraph(_finding(pair))
    page.paragraph(_power(pair))
    for title, lines in _lists(pair):
        page.heading(title)
        page.list(lines)
    for table in _tables(pair):
        page.table(table)
    page.paragraph(" ".join(_notes()))
    return page.text()


def _as_markdown(pair: Pair) -> str:
    escape = escaper(pair.after)
    parts = [f"**{escape(_finding(pair))}**", escape(_power(pair))]
    parts += [f"{escape(title)}:\n\n{bullets(lines, escape)}" for title, lines in _lists(pair)]
    parts += [markdown_table(table, escape) for table in _tables(pair)]
    return "\n\n".join([*parts, escape(" ".join(_notes()))]) + "\n"


def _finding(pair: Pair) -> str:
    """What the pair shows, in one sentence."""
    if pair.regressions:
        return f"B is worse than A: {'; '.join(pair.regressions)}."
    different = [cell for cell in pair.cells if cell.is_different]
    if different:
        return f"B differs from A, and no regression above {pair.fail_above:g} % is shown: " + (
            "; ".join(_changed(cell) for cell in different) + "."
        )
    return "No difference between the runs is shown."


def _changed(cell: Cell) -> str:
    name, value = shown(cell.variant, 24), cell.change.value
    if cell.metric is Metric.SAVED:
        verb = "less" if value < 0 else "more"
        return f"{name} saves {figure(abs(value))} ms {verb} ({_round_percent(abs(cell.share))} of the baseline)"
    if cell.metric is Metric.FAILED:
        return f"{name} failed {value:+.1f} percentage points"
    return (
        f"{name} makes {_percent(cell)} downstream calls ({figure(cell.a.value)} to {figure(cell.b.value)} per 1,000)"
    )


def _percent(cell: Cell) -> str:
    return f"{cell.share * 100:+.0f} %" if math.isfinite(cell.share) else "new"


def _lost(one: VariantSummary, count: int) -> str:
    return f"{shown(one.variant, 24)} answered {one.ok:,} invocations in A and none of {count:,} in B"


def _power(pair: Pair) -> str:
    """Which change the pair could have shown."""
    found = [
        f"{_round_percent(share)} {of}"
        for metric, of in (
            (Metric.SAVED, "of the baseline in milliseconds saved"),
            (Metric.CALLS, "in downstream calls"),
        )
        if (share := typical_power(pair.cells, metric)) is not None
    ]
    if not found:
        return "This pair could not have shown any change: no variant answered in both runs."
    return (
        f"This pair could have shown a change of {' and of '.join(found)} "
        f"(median of the variants, found in {_round_percent(POWER)} of such pairs)."
    )


def _lists(pair: Pair) -> Iterator[tuple[str, list[str]]]:
    yield (
        "Runs",
        [
            f"A: {shown(pair.names[0], 200)}",
            f"B: {shown(pair.names[1], 200)}",
            f"Numbers: {where(pair.after)}",
            *_warned(pair),
        ],
    )
    differing = list(_differences(pair.before, pair.after))
    if differing:
        yield "The runs differ in more than their results", differing


def _warned(pair: Pair) -> Iterator[str]:
    for name, report in (("A", pair.before), ("B", pair.after)):
        if report.warnings:
            codes = ", ".join(shown(code, 40) for code in dict.fromkeys(one.code for one in report.warnings))
            yield f"Warnings of {name}: {codes}. `lab report` explains them"
    names = {one.variant for one in pair.before.variants} ^ {one.variant for one in pair.after.variants}
    if names:
        yield f"In one of the runs only, and not compared: {listed(sorted(names))}"


def _differences(before: Report, after: Report) -> Iterator[str]:
    """Settings in which two runs differ: then a change in the numbers need not come from the code."""
    one, other = dataclasses.asdict(before.file.run), dataclasses.asdict(after.file.run)
    settings, others = dataclasses.asdict(before.file.settings), dataclasses.asdict(after.file.settings)
    startups = [report.file.local.startup if report.file.local else None for report in (before, after)]
    keys = ("scenario", "source", "duration_s", "repetitions", "runtime", "machine")
    facts = [
        *((key, one[key], other[key]) for key in keys),
        ("downstream latency profile", before.profile, after.profile),
        ("start-up profile", *startups),
        ("finished", before.file.finished, after.file.finished),
        *((key, settings[key], others[key]) for key in sorted(settings)),
    ]
    for name, a, b in facts:
        if a != b:
            yield f"{shown(name, 30)}: {_value(a)} in A, {_value(b)} in B"


def _value(value: Json) -> str:
    return shown(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)


def _tables(pair: Pair) -> Iterator[Table]:
    captions = {
        Metric.SAVED: f"Milliseconds saved per warm answer against {shown(pair.before.baseline, 24)} of the same run",
        Metric.CALLS: "Downstream calls per 1,000 warm invocations",
        Metric.FAILED: "Failed invocations, %",
    }
    for metric, caption in captions.items():
        rows = [_row(cell) for cell in pair.cells if cell.metric is metric]
        if rows:
            columns = ("variant", "A", "B", "change", "95 % CI", "change, %", "could show, %", "shown")
            yield Table(f"{caption} ({where(pair.after)})", columns, tuple(rows))
    yield _absolute(pair)


def _row(cell: Cell) -> tuple[str, ...]:
    verdict = "no" if not cell.is_different else "worse" if cell.is_worse else "better"
    return (
        shown(cell.variant, 24),
        figure(cell.a.value),
        figure(cell.b.value),
        signed(cell.change.value),
        interval(cell.change),
        f"{cell.share * 100:+.1f}" if math.isfinite(cell.share) else NOT_MEASURED,
        f"{cell.could_show * 100:.0f}" if math.isfinite(cell.could_show) else NOT_MEASURED,
        verdict,
    )


def _absolute(pair: Pair) -> Table:
    """Warm means: for information, since a whole run can be slow."""
    rows = []
    for one in pair.before.variants:
        other = pair.after.find(one.variant)
        sides = [summary.warm.mean_ms if summary and summary.warm else None for summary in (one, other)]
        cells = (cell for side in sides for cell in (figure(side.value if side else None), interval(side)))
        rows.append((shown(one.variant, 24), *cells))
    caption = f"Mean warm latency, ms, not judged; each interval is of that run ({where(pair.after)})"
    return Table(caption, ("variant", "A", "95 % CI", "B", "95 % CI"), tuple(rows))


def _notes() -> Iterator[str]:
    yield (
        "A change is shown if Holm's correction over all cells leaves it significant and it exceeds "
        f"{_round_percent(MARGIN)} (of the baseline's mean for milliseconds, of A for calls; one percentage point for "
        "failures)."
    )
    yield (
        f"The interval of a change in milliseconds includes the {_round_percent(SHARED)} of the baseline's mean by "
        "which whole runs differ."
    )


def _round_percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _to_json(pair: Pair) -> dict[str, Json]:
    saved, calls = (typical_power(pair.cells, metric) for metric in (Metric.SAVED, Metric.CALLS))
    return {
        "schema_version": SCHEMA_VERSION,
        "a": _run(pair.names[0], pair.before),
        "b": _run(pair.names[1], pair.after),
        "finding": _finding(pair),
        "fail_above_percent": pair.fail_above,
        "regressions": pair.regressions,
        "could_show": {"probability": POWER, "saved_ms_share": _finite(saved), "calls_share": _finite(calls)},
        "comparisons": [_cell(cell) for cell in pair.cells],
        "differences": list(_differences(pair.before, pair.after)),
    }


def _run(name: str, report: Report) -> dict[str, Json]:
    return {
        "run": name,
        "id": report.file.run.id,
        "target": report.target,
        "baseline": report.baseline,
        "warnings": [warning.code for warning in report.warnings],
        "mean_ms": {one.variant: _estimate(one.warm.mean_ms) for one in report.variants if one.warm},
    }


def _cell(cell: Cell) -> dict[str, Json]:
    return {
        "variant": cell.variant,
        "metric": cell.metric.name.lower(),
        "unit": cell.metric.value,
        "a": _estimate(cell.a),
        "b": _estimate(cell.b),
        "change": _estimate(cell.change),
        "change_share": _finite(cell.share),
        "p": cell.p,
        "could_show_share": _finite(cell.could_show),
        "different": cell.is_different,
        "worse": cell.is_worse,
    }


def _estimate(estimate: Estimate) -> dict[str, Json]:
    ends: Sequence[float] | None = [estimate.low, estimate.high] if estimate.bounded else None
    return {"value": _finite(estimate.value), "ci95": ends}


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
