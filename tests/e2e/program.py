"""`lab` as a process of its own, as `python -m lab`, without two costs: each assembly is synthesized once in a test
session, and a fleet's window opens three seconds after its start instead of ten.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.cli import main
from lab.deploy import cdk
from lab.drive import progress
from lab.fleet import fleet_window

ASSEMBLIES = "LAB_TEST_ASSEMBLIES"
"""The variable that names the folder of assemblies, which all workers of a test session share."""

COMMAND = (sys.executable, "-m", "tests.e2e.program")
LEAD_S = 3.0

_synthesize = cdk.synthesize


def synthesize_once(folder: Path, context: Mapping[str, str]) -> Path:
    """As `lab.deploy.cdk.synthesize`, but copy the assembly if another process has made it."""
    key = hashlib.sha256(json.dumps(dict(context), sort_keys=True).encode()).hexdigest()[:16]
    kept = Path(os.environ[ASSEMBLIES]) / key
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = _synthesize(folder, context)
            shutil.copytree(made, kept.with_suffix(".new"))
            kept.with_suffix(".new").rename(kept)
            return made
    return Path(shutil.copytree(kept, folder / "cdk.out"))


if __name__ == "__main__":
    cdk.synthesize = synthesize_once
    fleet_window.LEAD_S = LEAD_S  # type: ignore[misc]
    progress.BETWEEN_LINES_S = 1.0  # type: ignore[misc]
    main()
