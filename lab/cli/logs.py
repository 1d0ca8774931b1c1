"""Logging of the command line: to stderr with `--verbose`; the traceback of an internal error to a file."""

import contextlib
import datetime
import logging
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LOGS: Final = Path(__file__).parents[2] / ".lab" / "logs"
PACKAGES: Final = ("lab", "cloudwatch")  # botocore's own DEBUG log would show session tokens


@contextlib.contextmanager
def log_to_stderr(verbosity: int) -> Iterator[None]:
    """Log inside the block: 0 nothing, 1 from INFO, 2 or more from DEBUG, each of the lab's own packages."""
    handler = logging.StreamHandler() if verbosity else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in PACKAGES]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if verbosity > 1 else logging.INFO if verbosity else logging.WARNING)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def write_traceback(error: BaseException) -> Path | None:
    """Write the traceback to a new file under `.lab/logs`, or else in the folder for temporary files.

    Returns the file; None if neither folder can be written.
    """
    now = datetime.datetime.now(datetime.UTC)
    head = f"{now.isoformat()} Python {platform.python_version()}, {sys.argv}\n"
    for folder in (LOGS, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", prefix=f"lab-{now:%Y%m%dT%H%M%SZ}-", suffix=".log", dir=folder, encoding="utf-8", delete=False
            ) as file:
                file.write(head + "".join(traceback.format_exception(error)))
        except OSError:
            continue
        return Path(file.name)
    return None
