"""The alarms of a variant."""

from typing import Any

import jsii
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from functions.registry import Variant
from stacks import variant_metrics as metrics
from stacks.settings import ApplicationSettings

COUNTED_OVER = Duration.minutes(5)
COUNTED = (
    ("errors", metrics.ERRORS, "Invocations failed: look for the error in the function's log."),
    (
        "throttles",
        metrics.THROTTLES,
        "Requests were refused: raise the function's reserved concurrency, or the account's limit.",
    ),
    (
        "downstream-errors",
        # DownstreamErrors counts attempts: it would set the alarm off for a read that its first retry saved.
        metrics.DOWNSTREAM_FAILURES,
        "Reads failed after all retries: look at the source's own metrics and limits.",
    ),
)
"""What should not happen: the alarm's name, its metric, and what to do."""


@jsii.implements(cloudwatch.IAlarmAction)
class _SendTo:
    """Sends an alarm to a topic. The CDK's own action needs a construct of the topic, and 0.2 s to import."""

    def __init__(self, topic_arn: str) -> None:
        self._topic_arn = topic_arn

    def bind(self, scope: IConstruct, alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:  # noqa: ARG002
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._topic_arn)


class VariantAlarms(Construct):
    """The alarms of one variant, each on one plain metric; without data they stay silent."""

    def __init__(self, scope: Construct, *, variant: Variant, settings: ApplicationSettings) -> None:
        super().__init__(scope, "Alarms")
        self._variant = variant
        self._names = settings.names
        self._topic = _SendTo(settings.alarm_topic) if settings.alarm_topic is not None else None
        for name, series, remedy in COUNTED:
            watched = series.watched(variant, settings.names, COUNTED_OVER)
            self._alarm(name, remedy, metric=watched, threshold=settings.alarm_count, evaluation_periods=1)
        # Three minutes of five, since one cold start makes one slow. And a percentile of a few calls says nothing.
        self._alarm(
            "duration",
            "Calls are slow: compare the downstream latency on the variant's dashboard.",
            metric=metrics.duration("p99").watched(variant, settings.names, Duration.minutes(1)),
            threshold=settings.alarm_p99_ms,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            evaluate_low_sample_count_percentile="ignore",
        )

    def _alarm(self, name: str, remedy: str, **options: Any) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self._names.alarm_name(self._variant.name, name),
            alarm_description=remedy,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            **options,
        )
        if self._topic is not None:
            alarm.add_alarm_action(self._topic)
            alarm.add_ok_action(self._topic)
