"""What is watched while nobody looks at a dashboard."""

from typing import NamedTuple

import jsii
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from facts import names
from functions.registry import Variant
from stacks import variant_metrics as metrics
from stacks.settings import ApplicationSettings

COUNTED_OVER = Duration.minutes(5)


class _Counted(NamedTuple):
    """An alarm on something that should not happen."""

    name: str
    series: metrics.Series
    meaning: str


COUNTED = (
    _Counted("errors", metrics.ERRORS, "Invocations failed: look for the error in the function's log."),
    _Counted(
        "throttles",
        metrics.THROTTLES,
        "Requests were refused: raise the function's reserved concurrency, or the account's limit.",
    ),
    _Counted(
        "downstream-errors",
        metrics.DOWNSTREAM_ERRORS,
        "The source refused or did not answer: look at its own metrics and limits.",
    ),
)


@jsii.implements(cloudwatch.IAlarmAction)
class _SendTo:
    """Sends an alarm to a topic. The CDK's own action takes a construct of the topic, and 0.2 s to import."""

    def __init__(self, topic_arn: str) -> None:
        self._topic_arn = topic_arn

    def bind(self, scope: IConstruct, alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:  # noqa: ARG002
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._topic_arn)


class VariantAlarms(Construct):
    """The alarms of one variant, each on one plain metric; without data they stay silent."""

    def __init__(self, scope: Construct, *, variant: Variant, settings: ApplicationSettings) -> None:
        super().__init__(scope, "Alarms")
        alarms = [*self._counted(variant, settings), self._slow(variant, settings)]
        if settings.alarm_topic is not None:
            topic = _SendTo(settings.alarm_topic)
            for alarm in alarms:
                alarm.add_alarm_action(topic)
                alarm.add_ok_action(topic)

    def _counted(self, variant: Variant, settings: ApplicationSettings) -> list[cloudwatch.Alarm]:
        return [
            cloudwatch.Alarm(
                self,
                found.name,
                alarm_name=names.alarm_name(variant.name, found.name),
                alarm_description=found.meaning,
                metric=found.series.watched(variant, COUNTED_OVER),
                threshold=settings.alarm_count,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            for found in COUNTED
        ]

    def _slow(self, variant: Variant, settings: ApplicationSettings) -> cloudwatch.Alarm:
        # Three minutes of five: a cold start slows one. And a percentile of a few calls says nothing.
        return cloudwatch.Alarm(
            self,
            "duration",
            alarm_name=names.alarm_name(variant.name, "duration"),
            alarm_description="Calls are slow: compare the downstream latency on the variant's dashboard.",
            metric=metrics.duration("p99").watched(variant, Duration.minutes(1)),
            threshold=settings.alarm_p99_ms,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            evaluate_low_sample_count_percentile="ignore",
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
