"""The CDK's dashboards, drawn in the browser from a run's records: see docs/decisions/0008-dashboard.md."""
