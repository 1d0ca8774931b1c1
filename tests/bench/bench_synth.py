"""How long a synthesis of the application takes, validation off: ``make bench-synth`` writes docs/results/synth.md.

Each is a process of its own, `python app.py`, as the CDK CLI starts it: interpreter, node and the layer's assembly
included. The first one, which fills caches, is not counted.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab.drive.machine import describe_machine

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "synth.md"
ROUNDS = 9


def synthesis() -> tuple[float, float]:
    """One: seconds by the clock, and of the processors (node's too)."""
    with tempfile.TemporaryDirectory() as folder:
        own_node = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = os.environ | {"CDK_OUTDIR": folder, "CDK_VALIDATION": "false", "PATH": own_node}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=variables)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"app.py ended with {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure, and write the page."""
    synthesis()
    seconds, processor_s = zip(*(synthesis() for _ in range(ROUNDS)), strict=True)
    machine = describe_machine()
    text = (
        "# How long a synthesis takes\n\n"
        f"By `make bench-synth`, validation off, {ROUNDS} times: median **{statistics.median(seconds):.2f} s** "
        f"({min(seconds):.2f} to {max(seconds):.2f}), processor time {statistics.median(processor_s):.2f} s. "
        f"{machine['cpu_model']}, {machine['cpus']} processors, {machine['os']}, Python {machine['python']}; load "
        f"average at the end {os.getloadavg()[0]:.1f}.\n"
    )
    RESULT.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
