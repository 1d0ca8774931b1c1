"""What a run on AWS observes beside its records: the two clocks, retries, and DynamoDB's own count of the reads."""

from facts.sources import TABLE, SourceName
from facts.warnings import WarningCode
from lab.aws.clock import ClockDifference, clock_difference
from lab.aws.connection import Connection
from lab.aws.table_metrics import TableMetrics, TableReads
from lab.drive.tally import Tally
from lab.errors import LabError
from lab.records.run_file import AwsObservations, RunWarning
from lab.records.run_file import TableReads as CountedReads
from lab.run.warnings import Warnings, warning
from lab.steps import Steps


class AwsSide:
    """Observes one run. Use in the order: `before`, the window, `after`."""

    def __init__(self, connection: Connection, source: SourceName, steps: Steps) -> None:
        self._connection = connection
        self._source = source
        self._steps = steps
        self._clock: ClockDifference | None = None
        self._reads: TableReads | None = None
        self._unread: str | None = None

    @property
    def ahead_s(self) -> float:
        """AWS's clock less this machine's, as far as it was measured."""
        return 0.0 if self._clock is None else self._clock.ms / 1000

    def before(self) -> None:
        """Measure the clock difference.

        Raises:
            LabError: AWS does not answer.
        """
        with self._steps.step("measure the difference to AWS's clock"):
            self._clock = clock_difference(self._connection)

    def after(self, begin: float, end: float, tally: Tally, patience_s: float) -> None:
        """Read DynamoDB's count of a window (Unix seconds of this machine), waiting at most ``patience_s`` for it.

        The run is over and does not fail any more: a count that cannot be read is a warning.
        """
        if self._source != "dynamodb" or not patience_s:
            return
        metrics = TableMetrics(self._connection, TABLE, begin + self.ahead_s, end + self.ahead_s)
        with self._steps.step("wait for DynamoDB's own count of the reads"):
            try:
                self._reads = metrics.wait(least=tally.downstream_calls, patience_s=patience_s)
            except LabError as error:
                self._unread = str(error)

    def content(self, tally: Tally) -> AwsObservations:
        """What ``run.json`` holds of AWS, as far as it is known. No account number: runs are shown to others."""
        clock, reads = self._clock, self._reads
        return AwsObservations(
            region=self._connection.region,
            endpoint_url=self._connection.elsewhere,
            clock_difference_ms=None if clock is None else clock.ms,
            clock_uncertainty_ms=None if clock is None else clock.uncertainty_ms,
            sdk_retries=self._connection.retries,
            downstream=None
            if reads is None
            else CountedReads(
                functions_calls=tally.downstream_calls,
                cloudwatch_calls=reads.total,
                cloudwatch_operations=reads.calls,
                cloudwatch_read_units=reads.read_units,
                cloudwatch_whole=reads.whole,
            ),
        )

    def warnings(self) -> Warnings:
        """What limits the numbers, each with its next step."""
        found = [self._not_aws(), self._clocks(), self._retried(), self._uncounted()]
        return [each for each in found if each is not None]

    def _not_aws(self) -> RunWarning | None:
        if self._connection.elsewhere is None:
            return None
        return warning(
            WarningCode.NOT_AWS,
            f"the AWS configuration leads to {self._connection.elsewhere}: these are not AWS's numbers",
            "unset AWS_ENDPOINT_URL to measure AWS, or give --target local",
        )

    def _clocks(self) -> RunWarning | None:
        if self._clock is None:
            return warning(
                WarningCode.CLOCK_DIFFERENCE,
                "how far this machine's clock is from AWS's could not be measured",
                "do not compare times in this run with times in AWS's own logs and metrics",
            )
        way = "behind" if self._clock.ms >= 0 else "ahead of"
        return warning(
            WarningCode.CLOCK_DIFFERENCE,
            f"this machine's clock is {abs(self._clock.ms):,.0f} ms {way} AWS's, give or take"
            f" {self._clock.uncertainty_ms:,.0f} ms",
            "mind it when reading AWS's logs and metrics beside this run; latency and staleness are by this machine's"
            " clock alone",
        )

    def _retried(self) -> RunWarning | None:
        if not self._connection.retries:
            return None
        return warning(
            WarningCode.SDK_RETRIES,
            f"{self._connection.retries:,} requests of the lab itself (seeding, updates, reading of metrics) were sent"
            " again; no invocation was",
            "lower --updates, or raise the limit that was met",
        )

    def _uncounted(self) -> RunWarning | None:
        if self._unread is None:
            return None
        return warning(
            WarningCode.DOWNSTREAM_COUNT_UNREAD,
            f"DynamoDB's own count of the reads is missing: {self._unread}",
            "the functions' own count stands alone; allow cloudwatch:GetMetricStatistics to compare",
        )
