"""The run as it is shown: read by one thread, so that the server answers meanwhile; whoever waits hears of news."""

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from cloudwatch.dashboard import Dashboard, Graph, Numbers
from cloudwatch.ranges import Range, range_of
from lab.dashboard.record_store import RecordStore, Seen
from lab.dashboard.results import Wire, results
from lab.dashboard.shown_run import RunContent, read_content
from lab.dashboard.values import Values
from lab.errors import LabError

POLL_S: Final = 2.0
LONGEST_POLL_S: Final = 10.0
"""After which it is seen that a run has ended."""

LEAST_S: Final = 1.0
MOST_S: Final = 20.0
"""Between two pieces of news."""

NEARLY_ALL: Final = 0.99
"""Of the file: what has come since is left until the next time."""

SHARE: Final = 0.02
"""Of one processor's time: of a run that goes on, news are told so seldom that drawing them takes no more, but each
`MOST_S` at least."""

T = TypeVar("T")


class LiveRun:
    """A run that is read as it grows. Used in one event loop.

    Attributes:
        content: what its `run.json` says.
        seen: how far its records have been read.
        version: how many times there were news.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="records")
        self._values: Values | None = None
        self._news = asyncio.Condition()
        self._cost_s = 0.0
        self.content: RunContent = read_content(folder)
        self.seen = Seen(0, 0, 0.0, None)
        self.version = 0

    async def read_on(self) -> None:
        """Read what there is and what is to come, until cancelled."""
        told, at = None, 0.0
        while True:
            more = await self._do(self._catch_up)
            state = (self.seen, self.content)
            pause = LEAST_S if self.content.finished else min(max(LEAST_S, self._cost_s / SHARE), MOST_S)
            if state != told and (time.monotonic() - at >= pause or (not more and self.content.finished)):
                told, at = state, time.monotonic()
                await self._tell()
            # Little by little would cost more than all of some seconds at once, and nobody hears of it before the news.
            if not more or self.seen.share > NEARLY_ALL:
                await asyncio.sleep(POLL_S if self.content.finished else min(max(POLL_S, pause), LONGEST_POLL_S))

    async def wait_beyond(self, version: int) -> None:
        """Wait until there are news that are newer."""
        async with self._news:
            await self._news.wait_for(lambda: self.version > version)

    async def results(self, dashboard: Dashboard, choice: Callable[[Seen], tuple[float, float, int | None]]) -> Any:
        """The range that is chosen of what has been read, and what every widget shows of it.

        Args:
            dashboard: whose widgets.
            choice: the first and the last moment, and the period or None.

        Returns:
            None while there is no record; else the range and the results.
        """
        return await self._do(lambda: self._results(dashboard, choice))

    def close(self) -> None:
        """End what is under way, and remove what was put on disk."""
        if self._values is not None:
            self._values.store.interrupt()
        self._thread.shutdown(cancel_futures=True)
        if self._values is not None:
            self._values.store.close()

    async def _tell(self) -> None:
        async with self._news:
            self.version += 1
            self._news.notify_all()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _opened(self) -> Values:
        if self._values is None:
            self._values = Values(RecordStore(self._folder))
        return self._values

    def _catch_up(self) -> bool:
        with contextlib.suppress(LabError):  # run.json is being replaced, or has gone: what was known holds
            self.content = read_content(self._folder)
        store = self._opened().store
        more = store.catch_up()
        self.seen = store.seen()
        return more

    def _results(
        self, dashboard: Dashboard, choice: Callable[[Seen], tuple[float, float, int | None]]
    ) -> tuple[Range, list[Any]] | None:
        if self.seen.window is None:
            return None
        began = time.process_time()
        start, end, period = choice(self.seen)
        shown = range_of(start, end, period, own_period(dashboard))
        found = results(dashboard, self._opened(), shown, Wire(self.content.wire_errors))
        self._cost_s = time.process_time() - began
        return shown, found


def own_period(dashboard: Dashboard) -> int:
    """The period of a dashboard's metrics, seconds: the shortest, where they differ."""
    contents = (widget.content for widget in dashboard.widgets)
    return min(
        (line.period for content in contents if isinstance(content, Graph | Numbers) for line in content.lines),
        default=60,
    )
