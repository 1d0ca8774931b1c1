"""Where a dashboard's values come from: what a source must offer, whether a run or an endpoint."""

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple, Protocol

from cloudwatch.dashboard import Dashboard, Logs
from cloudwatch.insights import QueryResult
from cloudwatch.metric_math import Points
from cloudwatch.series import MetricStat


class State(NamedTuple):
    """What a source has by now.

    ``window`` is the first and the last moment that can be shown, Unix seconds; None while there is nothing.
    ``default_s`` is how much of its end is shown first; None for all of it. Of a run's file: how many records have been
    read, how many lines are not records, and which share of it has been read. ``problem``: why it cannot be read now.
    """

    kind: Literal["run", "endpoint"]
    finished: bool = False
    window: tuple[float, float] | None = None
    default_s: float | None = None
    records: int = 0
    damaged: int = 0
    share: float = 1.0
    problem: str = ""


class Source(Protocol):
    """The values of metrics, and rows of queries. Used from one thread at a time.

    ``where`` says in a few words where its values come from; ``remark``, what the page says of it, or "". The
    dashboards are by name, in the order of the menu.
    """

    name: str
    where: str
    state: State
    dashboards: Mapping[str, Dashboard]
    remark: str

    def read_on(self) -> bool:
        """Read some of what is new; whether there was any."""

    def check_metric(self, wanted: MetricStat) -> None:
        """Raise `UnsupportedError` if it cannot have this metric or statistic."""

    def statistics(
        self, wanted: Collection[MetricStat], *, start: float, end: float, period: float
    ) -> Mapping[MetricStat, Points]:
        """The values of each, by the start of the period."""

    def query(self, logs: Logs, *, start: float, end: float) -> QueryResult:
        """The rows of a log widget. Raises `UnsupportedError` if it uses what is not supported."""

    def missing(self, wanted: Collection[MetricStat]) -> str:
        """Why a widget of these has no data: a sentence."""

    def interrupt(self) -> None:
        """End what is under way in another thread, with an error."""

    def close(self) -> None:
        """Remove what is on disk."""


def metric_names(wanted: Collection[MetricStat]) -> str:
    """The metrics, as a sentence names them."""
    return " and ".join(dict.fromkeys(f"{stat.namespace} {stat.name}" for stat in wanted))
