"""How long a report takes, and how much memory: `python tests/bench/bench_report.py [RECORDS]… [--out FILE]`.

The records are SYNTHETIC: made by DuckDB from hashes of their numbers, in the shape of a run of the lab, as many as
are asked for. Nothing was run for them, they say ``simulated``, and no number in them means anything.

Each report is a process of its own, as a user would start it; its time and its greatest resident memory are the
kernel's (wait4).
"""

import argparse
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

ROOT: Final = Path(__file__).resolve().parents[2]
VARIANTS: Final = ("no_cache", "module_cache", "ttl_cache", "tmp_cache", "snapstart")
RATE: Final = 1000.0
ENVIRONMENTS: Final = 60
"""For each variant; each is first used some time into the run."""
BEGAN: Final = 1_790_000_000.0

# ruff: noqa: S608 -- the query's text has numbers of ours in it
RECORDS: Final = f"""
    WITH numbered AS (
        SELECT i, i // {len(VARIANTS)} AS sequence, (i % {len(VARIANTS)})::INTEGER AS v,
               {", ".join(f"hash(i * 8 + {n}) % 1000003 / 1000003 AS u{n}" for n in (1, 2, 3, 4))}
        FROM range($count) AS range(i)),
    placed AS (
        SELECT *, if(sequence < {ENVIRONMENTS} * 40, sequence // 40, sequence % {ENVIRONMENTS}) AS environment,
               {BEGAN} + (sequence + u3) / $rate AS planned_at, u4 * 9.9 AS age, v = 0 OR u4 < 0.3 AS missed
        FROM numbered),
    timed AS (
        SELECT *, sequence < {ENVIRONMENTS} * 40 AND sequence % 40 = 0 AS is_first,
               exp(sqrt(-2 * ln(u1 + 1e-12)) * cos(2 * pi() * u2) * 0.35) * if(missed, 6.0, 0.9) AS own_ms
        FROM placed)
    SELECT 'synthetic' AS run_id, 'simulated' AS target, $variants[v + 1] AS variant, sequence,
           'item-' || lpad((hash(i, 5) % 50)::VARCHAR, 4, '0') AS key, planned_at, planned_at + 0.0004 AS sent_at,
           planned_at + 0.0004 + (own_ms + if(is_first, 430, 0)) / 1000 AS received_at,
           own_ms + 0.4 + if(is_first, 430, 0) AS latency_ms, own_ms + if(is_first, 430, 0) AS service_ms,
           if(hash(i, 6) % 100000 = 0, 'function_error', 'ok') AS status,
           if(hash(i, 6) % 100000 = 0, 'DownstreamError', NULL) AS error_type, uuid()::VARCHAR AS request_id,
           $variants[v + 1] || '-' || environment AS environment_id, sequence // {ENVIRONMENTS} + 1 AS invocation,
           is_first AND v <> 4 AS cold_start, v = 4 AS restored,
           if(is_first AND v <> 4, 430.0 + u1 * 40, NULL) AS init_ms,
           if(is_first AND v = 4, 24.0 + u1 * 9, NULL) AS restore_ms, own_ms AS duration_ms, ceil(own_ms) AS billed_ms,
           512 AS memory_mb, 71 AS max_memory_mb, if(missed, 'miss', 'hit') AS cache,
           missed::INTEGER AS downstream_calls,
           if(missed, own_ms * 0.8, 0.0) AS downstream_ms, if(missed, own_ms, age * 1000) AS age_ms, 1 AS version,
           if(missed OR u3 < 0.8, 0.0, age * 500) AS staleness_ms, 0 AS init_downstream_calls, 1 AS schema_version
    FROM timed"""


class Measured(NamedTuple):
    """One report."""

    records: int
    file_mb: float
    fmt: str
    seconds: float
    processor_s: float
    peak_mib: float
    report_mb: float


def write_synthetic(run_dir: Path, count: int, rate: float = RATE) -> float:
    """Write a run of so many synthetic records, and return the size of its records in MB.

    Args:
        run_dir: where to; it is made.
        count: how many records.
        rate: of each variant, a second, by the records' own times.
    """
    run_dir.mkdir(parents=True)
    path = run_dir / "records.jsonl"
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GiB"}) as database:
        values = {"$count": str(count), "$variants": str(list(VARIANTS)), "$rate": str(rate)}
        query = functools.reduce(lambda text, name: text.replace(name, values[name]), values, RECORDS)
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT json)")
    duration = count / len(VARIANTS) / rate
    run = {"id": "synthetic", "target": "simulated", "scenario": "steady", "source": "dynamodb", "duration_s": duration}
    settings = {"variants": list(VARIANTS), "rate": rate, "ttl_s": 10.0, "memory_mb": 512, "architecture": "x86_64"}
    (run_dir / "run.json").write_text(json.dumps({"run": run, "settings": settings, "finished": True}))
    return path.stat().st_size / 1e6


def measure(run_dir: Path, count: int, file_mb: float, fmt: str) -> Measured:
    """The report of a run in one format, by a process of its own."""
    output = run_dir / f"report.{fmt}"
    began = time.perf_counter()
    command = [sys.executable, "-m", "lab", "report", str(run_dir), "--format", fmt, "--output", str(output)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"lab report ended with {process.returncode}")
    return Measured(
        records=count,
        file_mb=file_mb,
        fmt=fmt,
        seconds=time.perf_counter() - began,
        processor_s=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        report_mb=output.stat().st_size / 1e6,
    )


def table(measured: list[Measured]) -> str:
    """The measurements as Markdown."""
    lines = [
        "# How long a report takes",
        "",
        "SYNTHETIC records, made to have that many: no function was run for them. By `make bench-report`, on",
        f"{os.cpu_count()} CPUs ({cpu_model()}), {platform.system()} {platform.release()},",
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}. Time and greatest",
        "resident memory of the whole process; processor seconds are of both threads, and depend less on what",
        f"else the machine did (load average then: {os.getloadavg()[1]:.1f}).",
        "",
        "| records | records.jsonl, MB | format | seconds | processor seconds | peak memory, MiB | report, MB |",
        "|---:|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.records:,} | {one.file_mb:,.0f} | {one.fmt} | {one.seconds:.1f} | {one.processor_s:.1f} |"
        f" {one.peak_mib:,.0f} | {one.report_mb:.2f} |"
        for one in measured
    ]
    return "\n".join(lines) + "\n"


def cpu_model() -> str:
    """The processor's name, as the kernel tells it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def main() -> None:
    """Measure, and show the table."""
    parser = argparse.ArgumentParser(description="How long a report of so many SYNTHETIC records takes.")
    parser.add_argument("records", nargs="*", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--formats", nargs="+", default=["text", "json", "html"])
    parser.add_argument("--out", type=Path, help="write the table there")
    arguments = parser.parse_args()
    measured = []
    for count in arguments.records:
        with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
            run_dir = Path(folder) / "run"
            file_mb = write_synthetic(run_dir, count)
            measured += [measure(run_dir, count, file_mb, fmt) for fmt in arguments.formats]
    text = table(measured)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
