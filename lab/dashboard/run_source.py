"""A run as a source of dashboards: its records, loaded into a store of metrics and log events as the run goes on.

The metrics are Lambda's own and those that the functions emit, defined as the one measures and the other emit them:
"Types of metrics for Lambda functions" in the Lambda Developer Guide, and ``facts.metrics``. All of an invocation count
at the moment it was sent; of records made from a log, when Lambda reported it. An invocation that failed has its
downstream calls and errors where its log was seen; it was no hit, no miss and no stale serve.
"""

# ruff: noqa: S608 -- every value is a parameter of the query; names are ours
import contextlib
import logging
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from cloudwatch.dashboard import Dashboard, Logs, parse_dashboard
from cloudwatch.errors import UnsupportedError
from cloudwatch.insights import QueryResult, parse_query
from cloudwatch.metric_math import Points
from cloudwatch.series import Dimensions, MetricStat, Series
from cloudwatch.statistics import check_statistic
from cloudwatch.store import Store
from facts import metrics as emitted
from facts.names import Names, log_group_name
from lab.analysis.wording import shown, whole
from lab.dashboard.sources import State, metric_names
from lab.errors import LabError
from lab.records.dashboards_file import DashboardBody
from lab.records.files import RunFiles
from lab.records.run_file import RunFile, read_run
from lab.records.table import RecordTable

logger = logging.getLogger(__name__)

LAMBDA: Final = "AWS/Lambda"
_FIELDS: Final = (
    *("variant", "status", "planned_at", "sent_at", "received_at", "duration_ms", "billed_ms", "memory_mb"),
    *("max_memory_mb", "init_ms", "restore_ms", "request_id", "cache", "cold_start", "restored", "downstream_calls"),
    *("init_downstream_calls", "downstream_errors", "read_units", "downstream_ms", "age_ms"),
)
_AT: Final = "coalesce(sent_at, planned_at, received_at)"
_INVOKED: Final = "status IN ('ok', 'function_error')"
"""Lambda ran it. A throttled request was never run; of a lost one nobody knows."""

_ANSWERED: Final = "cache IS NOT NULL"
_EMITTED: Final = f"({_ANSWERED} OR (status = 'function_error' AND downstream_calls IS NOT NULL))"
"""Its EMF line is known, from its answer or from its log."""

_CONCURRENCY: Final = "ConcurrentExecutions"
_ERRORS: Final = emitted.DOWNSTREAM_ERRORS.name
_CALLS: Final = "downstream_calls + coalesce(init_downstream_calls, 0)"


def _count(condition: str, among: str) -> str:
    return f"CASE WHEN {among} THEN ({condition})::INTEGER END"


OF_LAMBDA: Final[Mapping[str, str]] = {
    "Invocations": _count("true", _INVOKED),
    "Errors": _count("status = 'function_error'", _INVOKED),
    "Throttles": _count("status = 'throttled'", f"{_INVOKED} OR status = 'throttled'"),
    "Duration": f"CASE WHEN {_INVOKED} THEN duration_ms END",
    _CONCURRENCY: "NULL",  # of several records together: see `_load_concurrency`
}
OF_FUNCTIONS: Final[Mapping[str, str]] = {
    emitted.HITS.name: _count("coalesce(cache, '') = 'hit'", _EMITTED),
    emitted.MISSES.name: _count("coalesce(cache, '') = 'miss'", _EMITTED),
    emitted.STALE_SERVED.name: _count("coalesce(cache, '') = 'stale'", _EMITTED),
    emitted.DOWNSTREAM_CALLS.name: _CALLS,
    _ERRORS: "downstream_errors",
    emitted.DOWNSTREAM_LATENCY.name: "CASE WHEN downstream_calls > 0 THEN downstream_ms END",
    emitted.VALUE_AGE.name: "age_ms",
    emitted.COLD_STARTS.name: _count("cold_start AND NOT restored", _ANSWERED),
}
METRICS: Final = {**OF_LAMBDA, **OF_FUNCTIONS}
"""Which metric each field of a record is: the value of an invocation, or NULL where it has none."""

_SAMPLES: Final = f"""
    INSERT INTO samples BY NAME
    SELECT series, second, value, count(*)::DOUBLE AS count
    FROM (UNPIVOT (SELECT variant, floor({_AT})::BIGINT AS second,
                          {", ".join(f'({sql})::DOUBLE AS "{name}"' for name, sql in METRICS.items())} FROM fresh)
          ON COLUMNS(* EXCLUDE (variant, second)) INTO NAME metric VALUE value)
    JOIN series_of USING (variant, metric) WHERE second IS NOT NULL GROUP BY ALL"""
_REPORTS: Final = f"""
    INSERT INTO events BY NAME
    SELECT log_group, floor({_AT} * 1000)::BIGINT AS time, 'REPORT' AS type, request_id, duration_ms, billed_ms,
           memory_mb, max_memory_mb, init_ms, restore_ms
    FROM fresh JOIN group_of USING (variant) WHERE {_INVOKED} AND duration_ms IS NOT NULL AND {_AT} IS NOT NULL"""
# Records made before read units were counted have calls only.
_EMF_LINES: Final = f"""
    INSERT INTO events BY NAME
    SELECT log_group, floor({_AT} * 1000)::BIGINT AS time, {_CALLS} AS "{emitted.DOWNSTREAM_CALLS.name}",
           coalesce(read_units, {_CALLS}) AS "{emitted.READ_UNITS}"
    FROM fresh JOIN group_of USING (variant)
    WHERE {_INVOKED} AND downstream_calls IS NOT NULL AND {_AT} IS NOT NULL"""
# How many of its variant ran when each began, itself among them. Those that had ended before $changed change nothing
# after it.
_CONCURRENT: Final = f"""
    INSERT INTO samples BY NAME
    WITH spans AS (SELECT variant, {_AT} AS began, greatest(received_at, {_AT}) AS ended FROM records
                   WHERE {_INVOKED} AND received_at IS NOT NULL AND ({_AT} >= $changed OR received_at >= $changed)),
         steps AS (SELECT variant, began AS moment, 1 AS step FROM spans
                   UNION ALL SELECT variant, ended AS moment, -1 AS step FROM spans),
         counts AS (SELECT *, sum(step) OVER (PARTITION BY variant ORDER BY moment) AS running FROM steps)
    SELECT series, floor(moment)::BIGINT AS second, greatest(running, 1)::DOUBLE AS value, count(*)::DOUBLE AS count
    FROM counts JOIN series_of USING (variant)
    WHERE step = 1 AND moment >= $changed AND metric = '{_CONCURRENCY}' GROUP BY ALL"""
# Records of before there was the field have no downstream errors. Where the wire saw none in the whole run, no
# invocation had one.
_NO_ERRORS: Final = f"""
    INSERT INTO samples BY NAME
    SELECT series, floor({_AT})::BIGINT AS second, 0::DOUBLE AS value, count(*)::DOUBLE AS count
    FROM records JOIN series_of USING (variant)
    WHERE metric = '{_ERRORS}' AND variant IN $variants AND {_ANSWERED} AND downstream_errors IS NULL
          AND {_AT} IS NOT NULL GROUP BY ALL"""


class RunSource:
    """The records of a run, read as they come: see `lab.dashboard.sources.Source`."""

    def __init__(self, files: RunFiles, dashboards: Sequence[DashboardBody], remark: str = "") -> None:
        self._folder, self._run = files.folder, files.run
        self._names = Names(files.run.run.instance)
        self._resources = contextlib.ExitStack()
        scratch = Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="lab-dashboard-")))
        fields = [emitted.DOWNSTREAM_CALLS.name, emitted.READ_UNITS]
        self._store = self._resources.enter_context(
            Store(scratch, memory_limit="2GiB", threads=2, fields=fields, has_messages=False)
        )
        self._database = self._store.connection
        self._records = RecordTable(files.records, self._database, scratch, fields=_FIELDS)
        self.dashboards: Mapping[str, Dashboard] = {name: parse_dashboard(name, body) for name, body in dashboards}
        self.remark = remark
        self.name = shown(self._run.run.id or files.name)
        self.where = _where(self._run)
        self.state = State("run", finished=self._run.finished)
        self._ended = False
        self._begin()

    def read_on(self) -> bool:
        """Load the next new records; whether there were any."""
        try:
            self._run = read_run(self._folder)
        except LabError as error:  # it is being replaced, or has gone
            logger.info("what was known of the run holds: %s", error)
        batch = self._records.batch
        more = self._records.catch_up()
        if self._records.batch != batch + more:  # another file has taken the place of the records
            self._begin()
        if more:
            self._load()
        if self._run.finished and not self._ended and (not more or self._records.share == 1):
            self._ended = True
            clean = [variant for variant, count in self._wire().items() if count == 0]
            self._database.execute(_NO_ERRORS, {"variants": clean})
        self.state = State(
            "run",
            finished=self._run.finished,
            window=self._window,
            records=self._records.count,
            damaged=self._records.damage.lines if self._records.damage else 0,
            share=self._records.share,
        )
        return more

    def check_metric(self, wanted: MetricStat) -> None:
        """Raise `UnsupportedError` for a metric that records do not have, or a statistic that is not known."""
        namespace, name, dimensions, statistic, _ = wanted
        if name not in METRICS or namespace != self._namespace(name):
            raise UnsupportedError(f"the metric {namespace} {name} is not in a run's records")
        by_name = dict(dimensions)
        variant = by_name.get(emitted.DIMENSION) or self._names.variant_of(by_name.get("FunctionName", ""))
        if variant is None or dimensions not in self._dimensions(name, variant):
            pairs = " ".join(f"{key} {value}" for key, value in dimensions) or "(none)"
            raise UnsupportedError(f"the dimensions {pairs} of {name} are of no variant of the lab")
        check_statistic(statistic)

    def statistics(
        self, wanted: Collection[MetricStat], *, start: float, end: float, period: float
    ) -> Mapping[MetricStat, Points]:
        """The values of each, by the start of the period."""
        return self._store.statistics(wanted, start=start, end=end, period=period)

    def query(self, logs: Logs, *, start: float, end: float) -> QueryResult:
        """The rows of a log widget: two lines an invocation, REPORT and EMF."""
        prefix = log_group_name("")
        functions = {group: group.removeprefix(prefix) for group in logs.log_groups}
        other = next((group for group, name in functions.items() if self._names.variant_of(name) is None), None)
        if other is not None:
            raise UnsupportedError(f"the log group {other} is of no variant of the lab")
        return self._store.insights(parse_query(logs.query, logs.log_groups), start=start, end=end)

    def missing(self, wanted: Collection[MetricStat]) -> str:
        """Why a widget of these has no data."""
        why = f"no record in this range has {metric_names(wanted)}."
        counts = ", ".join(f"{shown(variant, 30)} {whole(count)}" for variant, count in self._wire().items() if count)
        if counts and any(stat.name == _ERRORS for stat in wanted):
            why += f" On the wire, in the whole run: {counts}."
        return why

    def interrupt(self) -> None:
        """End what is under way in another thread, with an error."""
        self._database.interrupt()

    def close(self) -> None:
        """Remove what is on disk."""
        self._resources.close()

    def _wire(self) -> dict[str, int]:
        """The downstream errors that the wire saw in the whole run, by variant; empty until the run has ended."""
        wire = self._run.wire or {} if self._run.finished else {}
        return {name: one.downstream_errors for name, one in wire.items() if one.downstream_errors is not None}

    def _begin(self) -> None:
        """Begin with an empty store."""
        self._window: tuple[float, float] | None = None
        self._known: set[str] = set()
        self._ended = False
        self._database.execute(
            "DELETE FROM samples; DELETE FROM events;"
            "CREATE OR REPLACE TABLE series_of (variant VARCHAR, metric VARCHAR, series INTEGER);"
            "CREATE OR REPLACE TABLE group_of (variant VARCHAR, log_group INTEGER)"
        )

    def _load(self) -> None:
        rows = self._database.execute(f"SELECT variant, min({_AT}), max({_AT}) FROM fresh GROUP BY ALL").fetchall()
        for variant in {variant for variant, _, _ in rows} - self._known:
            self._make(variant)
        for sql in (_SAMPLES, _REPORTS, _EMF_LINES):
            self._database.execute(sql)
        firsts, lasts = ([row[place] for row in rows if row[place] is not None] for place in (1, 2))
        if firsts:
            self._load_concurrency(min(firsts))
            window = self._window or (firsts[0], lasts[0])
            self._window = min(window[0], *firsts), max(window[1], *lasts)

    def _make(self, variant: str) -> None:
        """The series and the log group of a variant."""
        self._known.add(variant)
        for name in METRICS:
            namespace, (first, *others) = self._namespace(name), self._dimensions(name, variant)
            series = self._store.series_id(Series(namespace, name, first, "None"))
            for dimensions in others:
                self._store.series_id(Series(namespace, name, dimensions, "None"), same_as=series)
            if series is not None:
                self._database.execute("INSERT INTO series_of VALUES (?, ?, ?)", [variant, name, series])
        group = self._store.logs.group_id(log_group_name(self._names.function_name(variant)))
        self._database.execute("INSERT INTO group_of VALUES (?, ?)", [variant, group])

    def _load_concurrency(self, changed: float) -> None:
        """What began before the first of the new records holds; the rest is counted again."""
        second = float(int(changed))
        self._database.execute(
            f"DELETE FROM samples WHERE second >= ? AND series IN "
            f"(SELECT series FROM series_of WHERE metric = '{_CONCURRENCY}')",
            [second],
        )
        self._database.execute(_CONCURRENT, {"changed": second})

    def _namespace(self, metric: str) -> str:
        return LAMBDA if metric in OF_LAMBDA else self._names.namespace

    def _dimensions(self, metric: str, variant: str) -> list[Dimensions]:
        """The dimensions by which a variant's metric can be asked for."""
        if metric in OF_FUNCTIONS:
            return [((emitted.DIMENSION, variant),)]
        function = ("FunctionName", self._names.function_name(variant))
        return [(function, ("Resource", self._names.alias_resource(variant))), (function,)]


def _where(run: RunFile) -> str:
    profile = run.local.profile if run.local else None
    suffix = f", downstream profile {shown(profile, 24)}" if profile else ""
    return f"{shown(run.run.target or 'unknown', 20)}{suffix}"
