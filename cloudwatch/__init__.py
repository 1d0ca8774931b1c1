"""CloudWatch on this machine: one store of metrics and log events, its API, and the model of a dashboard.

How data flows::

    endpoint's telemetry process ─(as functions run)─┐              ┌─> metrics_api, logs_api ─> boto3, AWS CLI,
      EMF lines ─> emf                               ├─> store.Store ┤   and `lab dashboard` of an endpoint
    a run's records ─(lab.dashboard, by SQL)─────────┘              └─> `lab dashboard` of a run

- The store (`store`) holds metrics, and log events (`log_events`), in DuckDB tables of bounded size (`tables`). It is
  the one place that computes statistics (`statistics`) of series (`series`); the API and the dashboards ask it.
- Three languages, none of which needs DuckDB to be checked: Logs Insights (`insights`, compiled to SQL), metric math
  (`metric_math`), and the patterns of FilterLogEvents (`filter_pattern`).
- The API as boto3 and the AWS CLI call it: `metrics_api`, `logs_api`; `protocol` reads requests by botocore's model of
  the service; `errors` are what both refuse with.
- A dashboard's body is parsed by `dashboard`, without DuckDB; `ranges` is the range of time that is shown.

An event of a function's log has its text, and Insights finds fields in it as AWS does; the figures of a REPORT line
are columns, filled when the event is made. A run's events have these columns and no text. The same queries work on
both, and what would need the text is refused by name.

The package imports only `facts`.
"""
