"""The figures of an invocation in the last line that Lambda logs for it, as CloudWatch Logs Insights finds them.

That line is `REPORT …` in the text format and `{"type": "platform.report", …}` in the JSON format. Insights discovers
the fields of both, except the restore duration of the text format, which a query has to parse:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#telemetry-api-events
"""

from typing import Final, Literal, NamedTuple, TypeAlias

LogFormat: TypeAlias = Literal["text", "json"]


class ReportFields(NamedTuple):
    """The names of an invocation's figures in one log format.

    Attributes:
        type: the field that says what a line is.
        report: its value in the lines that hold the figures.
        request_id: the request's id.
        duration: ms in the handler.
        billed: ms that are billed.
        memory: the function's memory: bytes in the text format, MB in the JSON format.
        max_memory: the most memory used, in the same unit.
        init: ms of the init; absent unless the invocation had a cold start.
        restore: ms of the restore from a snapshot; absent unless the invocation had one.
        parse: the pattern of the `parse @message` command that makes the field `restore`; empty if Insights
            discovers it.
    """

    type: str
    report: str
    request_id: str
    duration: str
    billed: str
    memory: str
    max_memory: str
    init: str
    restore: str
    parse: str


REPORT_FIELDS: Final[dict[str, ReportFields]] = {
    "text": ReportFields(
        type="@type",
        report="REPORT",
        request_id="@requestId",
        duration="@duration",
        billed="@billedDuration",
        memory="@memorySize",
        max_memory="@maxMemoryUsed",
        init="@initDuration",
        restore="restoreMs",
        parse=r"Restore Duration: (?<restoreMs>[\d.]+) ms",
    ),
    "json": ReportFields(
        type="type",
        report="platform.report",
        request_id="record.requestId",
        duration="record.metrics.durationMs",
        billed="record.metrics.billedDurationMs",
        memory="record.metrics.memorySizeMB",
        max_memory="record.metrics.maxMemoryUsedMB",
        init="record.metrics.initDurationMs",
        restore="record.metrics.restoreDurationMs",
        parse="",
    ),
}
