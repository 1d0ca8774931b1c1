"""CloudWatch on this machine: one store of metrics and log events, its API, and the model of a dashboard.

How data flows::

    endpoint's telemetry process ─(as functions run)─┐              ┌─> metrics_api, logs_api ─> boto3, AWS CLI,
      EMF lines ─> emf                               ├─> store.Store ┤   and `lab dashboard` of an endpoint
    a run's records ─(lab.dashboard, by SQL)─────────┘              └─> `lab dashboard` of a run

The store:

- `store`: the tables of metrics in DuckDB, bulk inserts, and statistics of any period. The one place that computes
  them; the API and the dashboards ask it.
- `log_events`: the table of log events, with log groups and streams. `tables`: a table of bounded size.
- `statistics`: which statistics there are, and how a percentile and a trimmed mean are computed.
- `series`: what names a metric, and CloudWatch's limits. `emf`: the metrics in a line of a log.

The languages, none of which needs DuckDB to be checked:

- `insights`: Logs Insights, compiled to SQL over the log events.
- `metric_math`: expressions over metrics, evaluated point by point.
- `filter_pattern`: the filter patterns of FilterLogEvents.

The API, as boto3 and the AWS CLI call it:

- `protocol`: the protocols AWS JSON, RPC v2 CBOR and Query, by botocore's model of the service.
- `metrics_api`: PutMetricData, ListMetrics, GetMetricStatistics, GetMetricData.
- `logs_api`: DescribeLogStreams, GetLogEvents, FilterLogEvents, DeleteLogStream; StartQuery, GetQueryResults,
  StopQuery, DescribeQueries.
- `errors`: what both answer with, and `UnsupportedError`, which names what a query or a dashboard uses that is not
  supported here.

Dashboards: `dashboard` is the model of a dashboard body, without DuckDB; `ranges` the range of time that is shown.

An event of a function's log has its text, and Insights finds fields in it as AWS does; the figures of a REPORT line
are columns, filled when the event is made. A run's events have these columns and no text. The same queries work on
both, and what would need the text is refused by name.

The package imports only `facts`. The endpoint fills the store in `lab.endpoint.telemetry`.
"""
