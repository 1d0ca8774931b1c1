"""A source as it is shown: read on by one thread, so that the server answers meanwhile; readers wait for news."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from cloudwatch.dashboard import Dashboard, Metrics
from cloudwatch.ranges import Range, range_of
from lab.dashboard.sources import Source, State
from lab.dashboard.widgets import widget_data

POLL_S: Final = 2.0
LONGEST_POLL_S: Final = 10.0
"""The end of a run is seen within this time."""

LEAST_S: Final = 1.0
MOST_S: Final = 20.0
"""Between two pieces of news."""

NEARLY_ALL: Final = 0.99
"""Of a run's file: what has come since is left until the next time."""

SHARE: Final = 0.02
"""Of one processor's time: news of a run that goes on come so seldom that drawing them takes no more, but at least
every `MOST_S`."""

T = TypeVar("T")
Choice = Callable[[State], tuple[float, float, int | None]]
"""The first and the last moment to show, and the period or None."""


class Live:
    """A source that is read on; ``version`` says how many times there were news. Used in one event loop."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.version = 0
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="source")
        self._news = asyncio.Condition()
        self._cost_s = 0.0

    async def read_on(self) -> None:
        """Read the source, again and again, until cancelled."""
        announced, at = None, 0.0
        while True:
            more = await self._do(self.source.read_on)
            state = self.source.state
            pause = LEAST_S if state.finished else min(max(LEAST_S, self._cost_s / SHARE), MOST_S)
            if state != announced and (time.monotonic() - at >= pause or (not more and state.finished)):
                announced, at = state, time.monotonic()
                async with self._news:
                    self.version += 1
                    self._news.notify_all()
            # Reading little by little costs more than reading some seconds' records at once.
            if not more or state.share > NEARLY_ALL:
                await asyncio.sleep(POLL_S if state.finished else min(max(POLL_S, pause), LONGEST_POLL_S))

    async def wait_beyond(self, version: int) -> None:
        """Wait until there are news that are newer."""
        async with self._news:
            await self._news.wait_for(lambda: self.version > version)

    async def widgets(self, dashboard: Dashboard, choice: Choice) -> tuple[Range, list[Any]] | None:
        """The range that is chosen, and what every widget of a dashboard shows of it; None while there is nothing.

        Raises:
            LabError: the source cannot be read now.
        """

        def widgets() -> tuple[Range, list[Any]] | None:
            state = self.source.state
            if state.window is None:
                return None
            began = time.process_time()
            shown = range_of(*choice(state), own_period(dashboard), whole_minutes=state.kind == "endpoint")
            found = widget_data(dashboard, self.source, shown)
            self._cost_s = time.process_time() - began
            return shown, found

        return await self._do(widgets)

    def close(self) -> None:
        """End what is under way, and remove what is on disk."""
        self.source.interrupt()
        self._thread.shutdown(cancel_futures=True)
        self.source.close()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def own_period(dashboard: Dashboard) -> int:
    """The period of a dashboard's metrics, seconds: the shortest, where they differ."""
    contents = [widget.content for widget in dashboard.widgets if isinstance(widget.content, Metrics)]
    return min((line.period for content in contents for line in content.lines), default=60)
