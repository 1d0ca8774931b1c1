"""`python -m lab`, and the program `lab`."""

import os
from _signal import SIGINT, SIGTERM, signal  # type: ignore[import-not-found] # signal itself takes a while to import

from lab.errors import RunInterruptedError


def start() -> None:
    """Run the command line. A signal that comes while it is still being imported ends it at once, with one line."""
    for number in (SIGINT, SIGTERM):
        signal(number, _interrupted)
    from lab.cli import main  # noqa: PLC0415 - takes 0.1 s, or a second where the files are not cached

    main()


def _interrupted(*_: object) -> None:
    try:
        os.write(2, b"lab: interrupted\n")
    finally:
        os._exit(RunInterruptedError.exit_code)


if __name__ == "__main__":
    start()
