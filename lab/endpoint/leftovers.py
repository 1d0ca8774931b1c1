"""The folder of an endpoint, and what dead endpoints have left on this machine.

A live endpoint has claimed its folder and its control groups (`lab.engine.claims`), so they are left alone.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab.engine.claims import claim
from lab.engine.sandbox.control_groups import remove_dead_groups

PREFIX = "cache-lab-endpoint-"


def remove_leftovers() -> None:
    """Remove the folders and control groups of this user's dead endpoints."""
    remove_dead_groups()
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid():
                held = claim(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(held)


@contextlib.contextmanager
def claimed_folder() -> Iterator[Path]:
    """A new folder for temporary files that is removed with the block."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        with contextlib.suppress(BlockingIOError, FileNotFoundError):  # another endpoint takes it for a dead one's
            held = claim(folder)
            break
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
