"""Work under way in the event loop that nobody waits for."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Starts coroutines and keeps them until they are over."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def go(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a coroutine."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
