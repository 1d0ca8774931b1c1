"""Whether every alarm watches something that exists, and can go off.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from collections.abc import Iterator

from cloudwatch.dashboard import STATISTIC
from stacks.checks.assembly import Assembly, Finding, Resource
from stacks.checks.metrics import why_absent

LONGEST_S = 86_400
"""Period times evaluation periods, for periods below an hour."""


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        if "Metrics" in alarm.properties:
            yield alarm.finding("alarm-plain", "watches metric math; a plain metric is watched everywhere")
            continue
        yield from _metric(assembly, alarm)
        yield from _times(alarm)


def _metric(assembly: Assembly, alarm: Resource) -> Iterator[Finding]:
    properties = alarm.properties
    dimensions = {found["Name"]: found["Value"] for found in properties.get("Dimensions", [])}
    if reason := why_absent(assembly, properties["Namespace"], properties["MetricName"], dimensions):
        yield alarm.finding("alarm-metric", reason)
    statistic = properties.get("Statistic") or properties.get("ExtendedStatistic") or ""
    if not STATISTIC.fullmatch(statistic):
        yield alarm.finding("alarm-statistic", f"{statistic!r} is no statistic")


def _times(alarm: Resource) -> Iterator[Finding]:
    period, periods = alarm.properties["Period"], alarm.properties["EvaluationPeriods"]
    if period % 60 and period not in (10, 20, 30):
        yield alarm.finding("alarm-period", f"a period of {period} s; give 10, 20, 30 or a multiple of 60")
    if period * periods > LONGEST_S:
        yield alarm.finding("alarm-period", f"{periods} periods of {period} s are more than a day")
    wanted = alarm.properties.get("DatapointsToAlarm", periods)
    if wanted > periods:
        yield alarm.finding("alarm-datapoints", f"{wanted} datapoints of {periods} can never be")
