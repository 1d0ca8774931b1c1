"""What a run on AWS observes beside its records: the clock difference, retries, and DynamoDB's own count of reads."""

import dataclasses
from collections.abc import Iterator

from facts.warnings import WarningCode
from lab.aws.clock import ClockDifference, clock_difference
from lab.aws.connection import Connection
from lab.aws.table_metrics import TableMetrics, TableReads
from lab.drive.tally import Tally
from lab.errors import LabError
from lab.records.run_file import AwsObservations, RunFile, RunWarning, run_warning
from lab.records.run_file import TableReads as CountedReads
from lab.run.settings import RunSettings
from lab.steps import Steps


class AwsObserver:
    """Observes one run. Use in the order: `begin`, the window, `end`, `wait_for_table_metrics`, `end`."""

    def __init__(self, connection: Connection, settings: RunSettings, tally: Tally, steps: Steps) -> None:
        self._connection = connection
        self._settings = settings
        self._tally = tally
        self._steps = steps
        self._clock: ClockDifference | None = None
        self._reads: TableReads | None = None
        self._unread: str | None = None

    @property
    def ahead_s(self) -> float:
        """AWS's clock minus this machine's, seconds; 0 if not known."""
        return 0.0 if self._clock is None else self._clock.ms / 1000

    def begin(self, run: RunFile) -> RunFile:
        """Measure the clock difference, and add it to the run file. Raises `LabError` if AWS does not answer."""
        with self._steps.step("measure the difference to AWS's clock"):
            self._clock = clock_difference(self._connection)
        return dataclasses.replace(run, aws=self._observations())

    def end(self, run: RunFile) -> RunFile:
        """Add what is known by now, and the warnings that follow, to the run file."""
        return dataclasses.replace(run, aws=self._observations(), warnings=(*run.warnings, *self._warnings()))

    def wait_for_table_metrics(self, begin: float, end: float, patience_s: float) -> None:
        """Read DynamoDB's count of a window (Unix seconds of this machine); wait at most ``patience_s`` seconds for it.

        The run is complete without it, so an error becomes a warning.
        """
        if self._settings.source != "dynamodb" or not patience_s:
            return
        metrics = TableMetrics(self._connection, self._settings.names.table, begin + self.ahead_s, end + self.ahead_s)
        name = "wait for DynamoDB's own count of the reads"
        self._steps.echo(f"{name}, {patience_s:g} s at most; Ctrl-C ends the wait and keeps the run")
        with self._steps.step(name):
            try:
                self._reads = metrics.wait(least=self._answered, patience_s=patience_s)
            except LabError as error:
                self._unread = str(error)

    @property
    def _answered(self) -> int:
        """The reads that DynamoDB must have counted: its metric has successful requests only."""
        return self._tally.downstream_calls - self._tally.downstream_errors

    def _observations(self) -> AwsObservations:
        """No account number: runs are shown to others."""
        clock, reads = self._clock, self._reads
        downstream = None
        if reads is not None:
            downstream = CountedReads(
                functions_calls=self._tally.downstream_calls,
                functions_errors=self._tally.downstream_errors,
                cloudwatch_calls=reads.total,
                cloudwatch_operations=reads.calls,
                functions_read_units=self._tally.read_units,
                cloudwatch_read_units=reads.read_units,
                cloudwatch_whole=reads.whole,
            )
        return AwsObservations(
            region=self._connection.region,
            endpoint_url=self._connection.elsewhere,
            clock_difference_ms=None if clock is None else clock.ms,
            clock_uncertainty_ms=None if clock is None else clock.uncertainty_ms,
            sdk_retries=self._connection.retries,
            downstream=downstream,
        )

    def _warnings(self) -> Iterator[RunWarning]:
        if self._clock is None:
            yield run_warning(
                WarningCode.CLOCK_DIFFERENCE,
                "the difference between this machine's clock and AWS's could not be measured",
                "do not compare times in this run with times in AWS's own logs and metrics",
            )
        else:
            direction = "behind" if self._clock.ms >= 0 else "ahead of"
            yield run_warning(
                WarningCode.CLOCK_DIFFERENCE,
                f"this machine's clock is {abs(self._clock.ms):,.0f} ms {direction} AWS's, ±"
                f" {self._clock.uncertainty_ms:,.0f} ms",
                "consider it when comparing this run with AWS's logs and metrics; latency and staleness use this"
                " machine's clock only",
            )
        if self._connection.elsewhere is not None:
            yield run_warning(
                WarningCode.NOT_AWS,
                f"the AWS configuration leads to {self._connection.elsewhere}: these are not AWS's numbers",
                "unset AWS_ENDPOINT_URL to measure AWS, or give --target local",
            )
        if self._connection.retries:
            yield run_warning(
                WarningCode.SDK_RETRIES,
                f"{self._connection.retries:,} requests of the lab itself (seeding, updates, reading of metrics)"
                " were sent again; no invocation was",
                "lower --updates, or raise the limit that was reached",
            )
        if self._unread is not None:
            yield run_warning(
                WarningCode.DOWNSTREAM_COUNT_UNREAD,
                f"DynamoDB's own count of the reads is missing: {self._unread}",
                "only the functions' own count is known; allow cloudwatch:GetMetricStatistics to compare",
            )
