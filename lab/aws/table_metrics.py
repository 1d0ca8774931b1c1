"""DynamoDB's own count of the reads of a table, from CloudWatch.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

import math
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from lab.aws.connection import Connection
from lab.aws.errors import aws_errors

READS: Final = ("GetItem", "BatchGetItem")
PERIOD_S: Final = 60
MOST_POINTS: Final = 1440  # of one answer of GetMetricStatistics
PAUSE_S: Final = 15.0


class TableReads(NamedTuple):
    """The reads of a table in the whole minutes that a window touches.

    ``calls`` are the successful requests by operation (samples of `SuccessfulRequestLatency`), ``read_units`` the
    `ConsumedReadCapacityUnits`. They are ``whole`` when CloudWatch has stopped adding to them.
    """

    calls: dict[str, int]
    read_units: float
    whole: bool

    @property
    def total(self) -> int:
        """Requests of all operations."""
        return sum(self.calls.values())


class TableMetrics:
    """Reads one table's metrics of one window."""

    def __init__(self, connection: Connection, table: str, begin: float, end: float) -> None:
        """Args: connection: the target; table: its name; begin, end: the window, Unix seconds by AWS's clock."""
        self._client = connection.client("cloudwatch")
        self._table = table
        self._begin = math.floor(begin / PERIOD_S) * PERIOD_S
        self._end = math.ceil(end / PERIOD_S) * PERIOD_S

    def read(self) -> TableReads:
        """What CloudWatch has by now. Raises `LabError` if CloudWatch does not answer, or not this caller."""
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
        """Wait until CloudWatch adds no more: metrics arrive minutes late.

        The count is whole when it is at least ``least`` and equal in two readings, 15 s apart. After ``patience_s``
        seconds the last reading is returned, not marked as whole.
        """
        until = now() + patience_s
        last = self.read()
        while (pause := min(PAUSE_S, until - now())) > 0:
            sleep(pause)
            previous, last = last, self.read()
            if last == previous and last.total >= least:
                return last._replace(whole=True)
        return last

    def _sum(self, metric: str, statistic: str, **dimensions: str) -> float:
        minutes = (self._end - self._begin) / PERIOD_S
        answer = self._client.get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName=metric,
            Dimensions=[
                {"Name": name, "Value": value} for name, value in {"TableName": self._table, **dimensions}.items()
            ],
            StartTime=self._begin,
            EndTime=self._end,
            Period=PERIOD_S * max(1, math.ceil(minutes / MOST_POINTS)),
            Statistics=[statistic],
        )
        return sum(float(point[statistic]) for point in answer["Datapoints"])
