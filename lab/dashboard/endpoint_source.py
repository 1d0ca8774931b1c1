"""A local endpoint as a source of dashboards: those that are deployed to it, from what it has collected.

Everything is asked by CloudWatch's own API (`ListDashboards`, `GetDashboard`, `GetMetricData`, `StartQuery`).
"""

import itertools
import json
import re
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, EndpointConnectionError

from cloudwatch.dashboard import Dashboard, Logs, parse_dashboard
from cloudwatch.errors import UnsupportedError
from cloudwatch.insights import Catalog, QueryResult, compile_query, parse_query
from cloudwatch.metric_math import Points
from cloudwatch.series import MetricStat
from cloudwatch.statistics import check_statistic
from facts.names import Names
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.aws.target import command
from lab.dashboard.sources import State, metric_names
from lab.errors import LabError
from lab.records.dashboards_file import DashboardBody

OLDEST_S: Final = 86_400.0
"""How far back a range can begin."""

DEFAULT_S: Final = 900.0
MOST_QUERIES: Final = 500
"""Of one GetMetricData request (CloudWatch API reference)."""

QUERY_S: Final = 30.0
_UNDER_WAY: Final = ("Scheduled", "Running")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def deployed_dashboards(endpoint_url: str, names: Names) -> list[DashboardBody]:
    """Every dashboard at an endpoint; of an instance, those that draw its metrics. Its comparison comes first.

    Raises:
        LabError: the endpoint does not answer, or has none.
    """
    bodies = _bodies(Connection(target="local", endpoint_url=endpoint_url).client("cloudwatch"), names)
    if not bodies:
        which = "dashboard" if names.instance is None else f"dashboard of instance {names.instance}"
        raise LabError(f"there is no {which} at {endpoint_url}; deploy one with `{command('deploy', 'local', names)}`")
    return bodies


def _bodies(cloudwatch: Any, names: Names) -> list[DashboardBody]:
    comparison = names.comparison_dashboard(cloudwatch.meta.region_name)
    try:
        with aws_errors("read the dashboards"):
            pages = cloudwatch.get_paginator("list_dashboards").paginate()
            found = [entry["DashboardName"] for page in pages for entry in page["DashboardEntries"]]
            found.sort(key=lambda name: (name != comparison, name))
            bodies = [DashboardBody(n, cloudwatch.get_dashboard(DashboardName=n)["DashboardBody"]) for n in found]
    except LabError as error:
        if isinstance(error.__cause__, EndpointConnectionError):
            url = cloudwatch.meta.endpoint_url
            raise LabError(f"no local endpoint answers at {url}; start one with `lab serve`") from error
        raise
    return [each for each in bodies if names.instance is None or json.dumps(names.namespace) in each.body]


class EndpointSource:
    """What an endpoint has collected: see `lab.dashboard.sources.Source`."""

    def __init__(self, endpoint_url: str, names: Names) -> None:
        self._names = names
        connection = Connection(target="local", endpoint_url=endpoint_url)
        self._cloudwatch, self._logs = connection.client("cloudwatch"), connection.client("logs")
        self._bodies = deployed_dashboards(endpoint_url, names)
        self.dashboards: Mapping[str, Dashboard] = _parsed(self._bodies)
        self.remark = ""
        self.name = urlsplit(endpoint_url).netloc
        self.where = "local endpoint"
        self.state = _state()

    def read_on(self) -> bool:
        """Look which dashboards are deployed now; values are asked for with each question."""
        try:
            bodies = _bodies(self._cloudwatch, self._names)
        except LabError as error:
            self.state = _state(str(error))
            return False
        if bodies != self._bodies:
            self._bodies, self.dashboards = bodies, _parsed(bodies)
        self.state = _state()
        return False

    def check_metric(self, wanted: MetricStat) -> None:
        """Raise `UnsupportedError` for a statistic that is not known."""
        check_statistic(wanted.statistic)

    def statistics(
        self, wanted: Collection[MetricStat], *, start: float, end: float, period: float
    ) -> Mapping[MetricStat, Points]:
        """The values of each, by the start of the period, by GetMetricData."""
        found: dict[MetricStat, Points] = {}
        listed = list(wanted)
        for first in range(0, len(listed), MOST_QUERIES):
            by_id = {f"m{number}": stat for number, stat in enumerate(listed[first : first + MOST_QUERIES])}
            queries = [_query(identifier, stat, round(period)) for identifier, stat in by_id.items()]
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=start, EndTime=end
            )
            with aws_errors("read the metrics"):
                for result in itertools.chain.from_iterable(page["MetricDataResults"] for page in pages):
                    values = zip(result["Timestamps"], result["Values"], strict=True)
                    points = found.setdefault(by_id[result["Id"]], {})
                    points.update({at.timestamp(): value for at, value in values})
        return found

    def query(self, logs: Logs, *, start: float, end: float) -> QueryResult:
        """The rows of a log widget, by StartQuery and GetQueryResults.

        Log groups that do not exist are left out, where another does: not every variant need be deployed.
        """
        with aws_errors("read the log groups"):
            pages = self._logs.get_paginator("describe_log_groups").paginate()
            there = {group["logGroupName"] for page in pages for group in page["logGroups"]}
        groups = [group for group in logs.log_groups if group in there] or list(logs.log_groups)
        # An answer leaves out what has no value; the columns and their order are the query's.
        numbers = {group: number for number, group in enumerate(groups)}
        columns = compile_query(parse_query(logs.query, groups), Catalog(numbers)).columns
        try:
            identifier = self._logs.start_query(
                logGroupNames=groups,
                startTime=int(start),
                endTime=int(end) - 1,  # StartQuery includes the end
                queryString=logs.query,
            )["queryId"]
        except ClientError as error:
            raise UnsupportedError(str(error.response.get("Error", {}).get("Message", error)).rstrip(".")) from None
        deadline = time.monotonic() + QUERY_S
        with aws_errors("read the rows of a query"):
            while (answer := self._logs.get_query_results(queryId=identifier))["status"] in _UNDER_WAY:
                if time.monotonic() > deadline:
                    raise UnsupportedError(f"its query takes longer than {QUERY_S:g} s")
                time.sleep(0.1)
        if answer["status"] != "Complete":
            raise UnsupportedError(f"its query ended with the status {answer['status']}")
        rows = [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
        return QueryResult(columns, [[_value(row.get(column)) for column in columns] for row in rows])

    def missing(self, wanted: Collection[MetricStat]) -> str:
        """Why a widget of these has no data."""
        return f"the endpoint has no value of {metric_names(wanted)} in this range."

    def interrupt(self) -> None:
        """Nothing: a question to a local endpoint is short, and has a time limit."""

    def close(self) -> None:
        """Nothing: it has nothing on disk."""


def _parsed(bodies: Sequence[DashboardBody]) -> dict[str, Dashboard]:
    return {name: parse_dashboard(name, body) for name, body in bodies}


def _state(problem: str = "") -> State:
    now = time.time()
    return State("endpoint", window=(now - OLDEST_S, now), default_s=DEFAULT_S, problem=problem)


def _query(identifier: str, stat: MetricStat, period: int) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in stat.dimensions]
    metric = {"Namespace": stat.namespace, "MetricName": stat.name, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat.statistic}}


def _value(text: str | None) -> str | float | None:
    """A cell as a number, if it is one: GetQueryResults has texts only."""
    return float(text) if text is not None and _NUMBER.fullmatch(text) else text
