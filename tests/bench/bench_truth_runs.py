"""Runs of the lab, repeated: whether equal runs agree, and whether what truly differs is found."""

import contextlib
import dataclasses
import functools
import itertools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from facts.names import Names
from facts.variables import DEFAULT_TTL_S
from lab.analysis import two_runs
from lab.analysis.summary import summarise
from lab.analysis.two_runs import Metric
from lab.endpoint.process import started_endpoint
from lab.errors import UsageError
from lab.report import compare
from tests.bench.bench_truth_parts import Result, Row, keep, kept_in, lab, percent, say

SEEDS: Final = tuple(range(1, 21))
BURNERS: Final = 2
MOST_DIFFERENT: Final = 0.05
LEAST_NAMED: Final = 9
TTL_SHARE: Final = 0.6
TTL_PAIRS: Final = 10
TTL_VARIANT: Final = "ttl_cache"
LEAST_FOUND: Final = 0.80
BEST: Final = ("ttl_cache", "tmp_cache", "snapstart")
BEST_RUNS: Final = 20
BEST_BY: Final = 0.30
BEST_WITHIN: Final = 0.05


@contextlib.contextmanager
def burners(count: int) -> Iterator[None]:
    """Keep so many processors busy, by processes in sessions of their own: one would inherit the lab's priority."""
    command = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run_once(folder: Path, seed: int, *options: str) -> None:
    """Do a run in its folder, unless it has been done. Its report, ``report.json`` beside it, says that it has."""
    report = folder / "report.json"
    if report.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    lab("run", "--seed", str(seed), "--out", str(folder / "run"), *options)
    content = json.loads(lab("report", str(folder / "run"), "--format", "json").stdout)
    keep(report, content)
    say(f"{folder.parent.name}/{folder.name}: {time.monotonic() - began:.0f} s; {content['advice']['sentence']}")


@contextlib.contextmanager
def quick_comparisons() -> Iterator[None]:
    """Let comparisons read each run once, and not compute their power, which takes long and is not used here."""
    read_once = mock.patch.object(compare, "summarise", functools.cache(summarise))
    with read_once, mock.patch.object(two_runs, "detectable", return_value=0.0):
        yield


def _compare(a: Path, b: Path) -> compare.Pair | None:
    """The comparison of two runs; None if one of them cannot be judged."""
    try:
        return compare.compare_runs(a / "run", b / "run")
    except UsageError:
        return None


def done_in(folder: Path, pattern: str) -> list[Path]:
    """The folders of the finished runs."""
    return [report.parent for report in sorted(folder.glob(f"{pattern}/report.json"))]


def _variant(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["variants"] if one["variant"] == name)


class _Judged(NamedTuple):
    """A pair of equal runs: what was called different; None: it was not judged."""

    a: str
    b: str
    different: list[str] | None


class Equal:
    """Equal default runs with different seeds, each with an endpoint of its own; every second one beside burners.

    A burner is a Python process that loops. All pairs are compared, the quiet runs with the burdened ones too.
    """

    def measure(self, folder: Path, *, small: bool) -> None:
        """Do the runs that are missing, quiet and burdened ones in turns."""
        for seed in SEEDS[:2] if small else SEEDS:
            burdened = seed % 2 == 0
            with burners(BURNERS if burdened else 0):
                run_once(folder / f"seed-{seed:02}-{'burdened' if burdened else 'quiet'}", seed)

    def rows(self, folder: Path) -> Result:
        """Two rows: the comparisons, and the advice."""
        runs = done_in(folder, "seed-*")
        if not runs:
            return Result()
        with quick_comparisons():
            pairs = [_judged(a, b) for a, b in itertools.combinations(runs, 2)]
        named = {run.name: json.loads((run / "report.json").read_text())["advice"]["variant"] for run in runs}
        raw = {"pairs": [one._asdict() for one in pairs], "advice": named}
        return Result([self._comparisons(runs, pairs), self._advice(named)], raw)

    def _comparisons(self, runs: Sequence[Path], pairs: Sequence[_Judged]) -> Row:
        judged = [one for one in pairs if one.different is not None]
        different = [one for one in judged if one.different]
        share = len(different) / len(judged) if judged else 0.0
        return Row(
            claim=f"{len(runs)} equal default runs, every second one beside {BURNERS} CPU burners: pairs that "
            "`lab compare` judges and calls different in anything",
            bar=f"at most {percent(MOST_DIFFERENT)}",
            found=f"{len(different)} of {len(judged)} ({percent(share, 1)}); {len(pairs) - len(judged)} of"
            f" {len(pairs)} pairs refused",
            met=len(runs) == len(SEEDS) and bool(judged) and share <= MOST_DIFFERENT,
        )

    def _advice(self, named: dict[str, str | None]) -> Row:
        quiet = [variant for name, variant in named.items() if name.endswith("quiet")]
        burdened = [variant for name, variant in named.items() if name.endswith("burdened")]
        variants = {variant for variant in named.values() if variant is not None}
        found = sum(variant is not None for variant in quiet)
        refused = sum(variant is None for variant in burdened)
        return Row(
            claim="the advice of the same runs",
            bar=f"never two different variants; one named in at least {LEAST_NAMED} of the {len(SEEDS) // 2} quiet"
            " runs; a run beside burners is refused or agrees",
            found=f"{', '.join(f'`{one}`' for one in sorted(variants)) or 'none'} named, in {found} of {len(quiet)}"
            f" quiet runs; {refused} of {len(burdened)} burdened runs refused",
            met=len(named) == len(SEEDS) and len(variants) == 1 and found >= LEAST_NAMED,
        )


def _judged(a: Path, b: Path) -> _Judged:
    pair = _compare(a, b)
    cells = None if pair is None else [cell for cell in pair.cells if cell.is_different]
    different = None if cells is None else [f"{cell.variant}: {cell.metric.value}" for cell in cells]
    return _Judged(a.name, b.name, different)


class Ttl:
    """The quiet default runs against runs with a shorter TTL and other seeds, in pairs."""

    def measure(self, folder: Path, *, small: bool) -> None:
        """Do the runs that are missing."""
        for seed in self._seeds()[: 1 if small else None]:
            run_once(folder / f"seed-{seed:02}", seed, "-c", f"ttl_s={DEFAULT_TTL_S * TTL_SHARE:g}")

    def rows(self, folder: Path) -> Result:
        """One row: pairs of runs with different seeds."""
        longer = {run.name[5:7]: run for run in done_in(folder.parent / "equal", "seed-*-quiet")}
        # With the same seed, the same keys would be asked for at the same times.
        others = [(longer.get(f"{int(run.name[5:7]) - 1:02}"), run) for run in done_in(folder, "seed-*")]
        with quick_comparisons():
            pairs = [_changes(other, run) for other, run in others if other is not None]
        if not pairs:
            return Result()
        found = sum(pair["changes"].get(TTL_VARIANT, (0, False))[1] for pair in pairs)
        every = [shown for pair in pairs for name, (_, shown) in pair["changes"].items() if name in BEST]
        row = Row(
            claim=f"default runs with a TTL of {DEFAULT_TTL_S:g} s against {TTL_SHARE:g} times that: calls per 1,000 of"
            f" `{TTL_VARIANT}` called different",
            bar=f"at least {percent(LEAST_FOUND)} of {TTL_PAIRS} pairs",
            found=f"{found} of {len(pairs)}; all variants with a TTL: {sum(every)} of {len(every)}",
            met=found >= LEAST_FOUND * TTL_PAIRS,
        )
        return Result([row], pairs)

    def _seeds(self) -> list[int]:
        """Even seeds: the quiet runs of `Equal` have odd ones."""
        return [seed for seed in SEEDS if seed % 2 == 0][:TTL_PAIRS]


def _changes(a: Path, b: Path) -> dict[str, Any]:
    """The change of the calls of each variant, as a share, and whether it is called different."""
    pair = _compare(a, b)
    cells = [cell for cell in pair.cells if cell.metric is Metric.CALLS] if pair else []
    return {"a": a.name, "b": b.name, "changes": {cell.variant: (cell.share, cell.is_different) for cell in cells}}


@dataclasses.dataclass(frozen=True)
class Latencies:
    """Medians of a read, ms: of one function, and of all others."""

    own_ms: float
    others_ms: float


READ: Final = Latencies(own_ms=6.8, others_ms=30.0)
SPREAD: Final = 2.0


class Best:
    """Profiles in which one variant, X, is truly best, by a quicker downstream.

    X is to be best by 0.3 of the baseline's warm mean. With the overhead c of an invocation, the miss ratio m of a
    cache, and a read of L ms, or l ms for X, the mean of the baseline is c + L, another cache saves (1-m)(c + L) less a
    hit, and X saves m(L-l) more. So m(L-l) = 0.3(c + L), and l = L - 0.3(c + L)/m. In default runs c is some 5 ms and m
    some 0.45, so that L = 31.4 ms gives l = 7.1 ms. A quotient of 2 of the 99th percentile and the median gives a
    log-normal law the mean 1.045 times the median: medians of 30 and 6.8 ms. By how much X is in fact best is measured,
    and must be within 5 percentage points.
    """

    def measure(self, folder: Path, *, small: bool) -> None:
        """Do the runs that are missing, the variants in turns, on an endpoint for each."""
        with contextlib.ExitStack() as stack:
            endpoints: dict[str, str] = {}
            for number in range(len(BEST) if small else BEST_RUNS):
                seed, variant = number // len(BEST) + 1, BEST[number % len(BEST)]
                run = folder / f"{variant}-{seed:02}"
                if (run / "report.json").exists():
                    continue
                if variant not in endpoints:
                    profile = _profile(folder, variant)
                    endpoints[variant] = stack.enter_context(started_endpoint(profile=str(profile)))
                run_once(run, seed, "--endpoint-url", endpoints[variant])

    def rows(self, folder: Path) -> Result:
        """One row for all variants."""
        found = {variant: kept_in(folder, f"{variant}-*/report.json") for variant in BEST}
        if not all(found.values()):
            return Result()
        raw = {variant: [report["advice"]["variant"] for report in reports] for variant, reports in found.items()}
        right = {variant: named.count(variant) for variant, named in raw.items()}
        leads = {variant: self._lead(variant, reports) for variant, reports in found.items()}
        runs = sum(map(len, raw.values()))
        wrong = runs - sum(right.values()) - sum(named.count(None) for named in raw.values())
        row = Row(
            claim=f"profiles in which another variant is truly best by about {percent(BEST_BY)}, three variants in"
            " turns: named",
            bar=f"at least {percent(LEAST_FOUND)} of {BEST_RUNS} runs",
            found=f"{sum(right.values())} of {runs}; another in {wrong}. "
            + "; ".join(
                f"`{variant}` {right[variant]} of {len(raw[variant])}, best by {percent(leads[variant])}"
                for variant in BEST
            ),
            met=runs >= BEST_RUNS
            and sum(right.values()) >= LEAST_FOUND * runs
            and all(abs(lead - BEST_BY) <= BEST_WITHIN for lead in leads.values()),
        )
        return Result([row], raw | {"lead": leads})

    def _lead(self, variant: str, reports: Sequence[dict[str, Any]]) -> float:
        """By how much it is best among the variants with a bound, as a share of the baseline's warm mean."""
        baseline = reports[0]["extensions"]["baseline"]
        mean: dict[str, float] = {
            name: sum(_variant(report, name)["extensions"]["warm"]["mean_ms"] for report in reports)
            for name in (baseline, *BEST)
        }
        return (min(value for name, value in mean.items() if name != variant) - mean[variant]) / mean[baseline]


def _profile(folder: Path, variant: str) -> Path:
    path = folder / f"{variant}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = "dynamodb = {{p50_ms = {0}, p99_ms = {1}}}".format
    path.write_text(
        f"{entry(READ.others_ms, READ.others_ms * SPREAD)}\n\n"
        f"[functions.{Names().function_name(variant)}]\n{entry(READ.own_ms, READ.own_ms * SPREAD)}\n"
    )
    return path
