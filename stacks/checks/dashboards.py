"""Dashboard bodies against AWS's rules (`cloudwatch.dashboard`), and what they draw against what exists."""

from collections.abc import Iterator

from cloudwatch.dashboard import Content, Fault, Logs, Metrics, parse_dashboard
from stacks.checks.assembly import Assembly, Finding, as_text
from stacks.checks.metrics import why_absent


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for resource in assembly.resources("AWS::CloudWatch::Dashboard"):
        body = as_text(resource.properties.get("DashboardBody")) or ""
        dashboard = parse_dashboard(resource.logical_id, body)
        for rule, message in dashboard.faults:
            yield resource.finding(rule, message)
        for number, widget in enumerate(dashboard.widgets):
            for rule, message in (*widget.faults, *_absent(assembly, widget.content)):
                yield resource.finding(rule, message, f"/widgets/{number}")


def _absent(assembly: Assembly, content: Content) -> Iterator[Fault]:
    """What a widget draws that does not exist."""
    match content:
        case Metrics(lines=lines):
            for metric in [line.metric for line in lines if line.metric is not None]:
                if reason := why_absent(assembly, metric.namespace, metric.name, dict(metric.dimensions)):
                    yield Fault("metric-exists", reason)
        case Logs(log_groups=groups):
            for group in groups:
                if group not in assembly.log_groups:
                    yield Fault("log-group", f"no stack makes the log group {group}")
