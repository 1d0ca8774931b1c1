"""Keeps the emulator from running programs and reading files for its clients.

Functions are clients, and the emulator is outside their sandbox. Some services of ministack run what a client gives
them: Glue a script, CloudFront and AppSync JavaScript, Athena and Firehose a query (DuckDB), which can read any file.
API Gateway and others fetch a URL, which can be that of a file.

This module runs in ministack's process.
"""

import sys
from typing import Any, Final

REFUSAL: Final = "the local endpoint's emulator runs no programs and reads no files for its clients"
# Audit events of Python: "Audit events table" in its documentation.
PROGRAMS: Final = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn"}
)
MODULES: Final = ("duckdb", "docker")
SCHEMES: Final = ("http:", "https:")


def refuse_programs() -> None:
    """Refuse them in this process, from now on and for good. Call it before ministack is imported."""
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it fails as if it were not installed
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in PROGRAMS or (event == "urllib.Request" and not arguments[0].lower().startswith(SCHEMES)):
        raise PermissionError(REFUSAL)
