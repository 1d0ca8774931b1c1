"""An event loop in which no time passes but what its timers wait for, which it skips."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its `time` begins at 0, and jumps to the next timer as soon as nothing else is to be done."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        loop: Any = self
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]
        if not loop._ready and timers:
            self._now = max(self._now, min(timer.when() for timer in timers))
        super()._run_once()  # type: ignore[misc]  # asyncio's own, which typeshed does not know


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)
