"""What DynamoDB itself counted of the reads of a table, from CloudWatch.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

import datetime
import math
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from lab.aws.connection import Connection
from lab.aws.errors import aws_errors

NAMESPACE: Final = "AWS/DynamoDB"
READS: Final = ("GetItem", "BatchGetItem")
PERIOD_S: Final = 60
PAUSE_S: Final = 15.0
SAME: Final = 2  # readings alike, the first included, before a count is taken for whole


class TableReads(NamedTuple):
    """The reads of a table in the whole minutes that a window touches.

    Attributes:
        calls: successful requests by operation (samples of `SuccessfulRequestLatency`).
        read_units: `ConsumedReadCapacityUnits`.
        whole: whether CloudWatch had ended to add to them.
    """

    calls: dict[str, int]
    read_units: float
    whole: bool

    @property
    def total(self) -> int:
        """Requests of all operations."""
        return sum(self.calls.values())


class TableMetrics:
    """Reads one table's metrics in one window."""

    def __init__(self, connection: Connection, table: str, begin: float, end: float) -> None:
        """Args: connection: the target; table: its name; begin, end: the window, Unix seconds by AWS's clock."""
        self._client = connection.client("cloudwatch")
        self._table = table
        self._begin = datetime.datetime.fromtimestamp(math.floor(begin / PERIOD_S) * PERIOD_S, datetime.UTC)
        self._end = datetime.datetime.fromtimestamp(math.ceil(end / PERIOD_S) * PERIOD_S, datetime.UTC)

    def read(self) -> TableReads:
        """What CloudWatch has by now.

        Raises:
            LabError: CloudWatch does not answer, or not this caller.
        """
        with aws_errors("read DynamoDB's metrics from CloudWatch"):
            calls = {
                operation: round(self._sum("SuccessfulRequestLatency", "SampleCount", Operation=operation))
                for operation in READS
            }
            return TableReads(calls, self._sum("ConsumedReadCapacityUnits", "Sum"), whole=False)

    def wait(
        self,
        *,
        least: int,
        patience_s: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> TableReads:
        """What CloudWatch has once it adds nothing more, for metrics come minutes late.

        The count is taken for whole when it is at least ``least`` and the same in two readings, 15 s apart; after
        ``patience_s`` seconds it is given as it is, and not called whole.
        """
        until = now() + patience_s
        last, same = self.read(), 1
        while same < SAME or last.total < least:
            pause = min(PAUSE_S, until - now())
            if pause <= 0:
                return last
            sleep(pause)
            following = self.read()
            same = same + 1 if following == last else 1
            last = following
        return last._replace(whole=True)

    def _sum(self, metric: str, statistic: str, **dimensions: str) -> float:
        named = {"TableName": self._table, **dimensions}
        answer: dict[str, Any] = self._client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
            StartTime=self._begin,
            EndTime=self._end,
            Period=self._period(),
            Statistics=[statistic],
        )
        return sum(float(point[statistic]) for point in answer["Datapoints"])

    def _period(self) -> int:
        """Long enough for the 1,440 values that an answer holds at most."""
        minutes = (self._end - self._begin).total_seconds() / PERIOD_S
        return PERIOD_S * max(1, math.ceil(minutes / 1440))
