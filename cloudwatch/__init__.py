"""CloudWatch on this machine: a store of metrics and log events, statistics, metric math, Logs Insights, dashboards."""
