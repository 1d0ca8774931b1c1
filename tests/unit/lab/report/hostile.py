"""A run whose every text tries to be something else, killed in mid-line."""

import dataclasses
import math
from pathlib import Path

from tests.unit.lab.report.simulated import NAMES, run_content, simulated_records, write_run

MARKUP = "<img src=x onerror=alert(1)>\"'&{{7*7}}</script><script>alert(2)</script>"
RIGHT_TO_LEFT = "\u05d0\u05d1\u202e\x1b[31m" + "x" * 5000
TABLE = "[red]a[/red]|`b`{c|d}*\n# e\ud800"


def hostile_run(run_dir: Path) -> Path:
    """Write it."""
    names = dict(zip(NAMES[1:4], (MARKUP, RIGHT_TO_LEFT, TABLE), strict=True))
    records = [
        dataclasses.replace(
            record,
            variant=names.get(record.variant, record.variant),
            status="function_error" if record.sequence % 9 == 0 else "ok",
            error_type=MARKUP if record.sequence % 9 == 0 else None,
            latency_ms=math.nan if record.sequence == 4 else record.latency_ms,
        )
        for record in simulated_records(duration_s=4.0)
    ]
    content = run_content(records)
    content["settings"]["variants"] = [names.get(name, name) for name in NAMES]
    content["run"] |= {"id": MARKUP, "scenario": RIGHT_TO_LEFT, "source": TABLE, "runtime": MARKUP}
    content["run"]["machine"] = {"cpus": math.nan, "cpu_model": TABLE, MARKUP: RIGHT_TO_LEFT}
    content["local"] |= {"profile": MARKUP, "profile_text": TABLE * 100, "interpreter": RIGHT_TO_LEFT}
    content["warnings"] = [{"code": MARKUP, "message": RIGHT_TO_LEFT, "advice": TABLE}]
    content["finished"] = False
    write_run(run_dir, records, content)
    with (run_dir / "records.jsonl").open("a", encoding="utf-8") as lines:
        lines.write('{"schema_version":1,"run_id":"simul')
    return run_dir
