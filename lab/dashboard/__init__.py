"""`lab dashboard`: CloudWatch dashboards in the browser, drawn from a run or from a local endpoint.

1. `serve` chooses a source (`sources`): the records of a run, loaded into a store of CloudWatch data (`run_source`), or
   the CloudWatch API of a local endpoint (`endpoint_source`).
2. `live` reads the source on in a thread of its own, and announces news.
3. `server` answers the browser: the page of a dashboard (`page`), and for a range of time what each of its widgets
   shows (`widgets`). Dashboards are parsed by `cloudwatch.dashboard`.

Decisions: docs/decisions/0008-dashboard.md.
"""
