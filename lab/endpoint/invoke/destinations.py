"""Where records of asynchronous invocations and discarded events are sent.

Formats: AWS Lambda Developer Guide, "Retaining records of Lambda asynchronous invocations".
"""

import dataclasses
import datetime
import json
import logging
from typing import Any

from lab.endpoint.deployments.functions import Resolved
from lab.endpoint.emulator.emulator import EMULATOR_ERRORS, emulator_client
from lab.engine.invocation import InvocationResult

MAX_ERROR_MESSAGE = 1024
logger = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True, eq=False)
class Event:
    """An asynchronous invocation: when it was ``accepted``, how often it ran, and was refused since it last ran."""

    resolved: Resolved
    payload: bytes
    request_id: str
    accepted: float
    runs: int = 0
    refusals: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """How an event ended; ``result`` is that of its last run, if it ever ran."""

    event: Event
    condition: str
    result: InvocationResult | None

    def to_json(self) -> dict[str, Any]:
        """The invocation record."""
        now = datetime.datetime.now(datetime.UTC)
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": self.event.request_id,
                "functionArn": self.event.resolved.name.qualified_arn,
                "condition": self.condition,
                "approximateInvokeCount": self.event.runs,
            },
            "requestPayload": json.loads(self.event.payload),
        }
        if self.result is not None:
            error = {"functionError": "Unhandled"} if self.result.function_error else {}
            record["responseContext"] = {"statusCode": 200, "executedVersion": self.result.executed_version} | error
            record["responsePayload"] = _content(self.result.payload)
        return record

    def dead_letter_attributes(self) -> dict[str, str]:
        """The message attributes of a discarded event."""
        if self.result is None:
            return {"RequestID": self.event.request_id, "ErrorCode": "429", "ErrorMessage": "Rate Exceeded."}
        attributes = {"RequestID": self.event.request_id, "ErrorCode": "200"}
        error = _content(self.result.payload)
        message = error.get("errorMessage") if isinstance(error, dict) else None
        return attributes | ({"ErrorMessage": str(message)[:MAX_ERROR_MESSAGE]} if message else {})


class Destinations:
    """Sends to SQS queues, SNS topics and EventBridge buses by the emulator's API. Its methods block.

    Nobody waits for a record, so what cannot be sent raises no error: it is logged, and ``failed`` has the reason by
    ARN.
    """

    def __init__(self, emulator_url: str) -> None:
        self._clients = {name: emulator_client(name, emulator_url) for name in ("sqs", "sns", "events")}
        self.failed: dict[str, str] = {}

    def send_record(self, arn: str, record: Record) -> None:
        """Send an invocation record."""
        self._send(arn, json.dumps(record.to_json()), {}, record)

    def send_dead_letter(self, arn: str, record: Record) -> None:
        """Send a discarded event as it came; its attributes say why."""
        self._send(arn, record.event.payload.decode(), record.dead_letter_attributes(), record)

    def note_failure(self, arn: str, error: Exception) -> None:
        """Keep and log why nothing could be sent to a destination."""
        logger.warning("cannot send to %s", arn, exc_info=error)
        self.failed[arn] = str(error)

    def _send(self, arn: str, text: str, attributes: dict[str, str], record: Record) -> None:
        shaped = {
            name: {"DataType": "Number" if name == "ErrorCode" else "String", "StringValue": value}
            for name, value in attributes.items()
        }
        try:
            match _service(arn):
                case "sqs":
                    sqs = self._clients["sqs"]
                    url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
                    sqs.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=shaped)
                case "sns":
                    self._clients["sns"].publish(TopicArn=arn, Message=text, MessageAttributes=shaped)
                case "events":
                    self._clients["events"].put_events(Entries=[_bus_entry(arn, text, record)])
                case _:
                    raise ValueError("only SQS queues, SNS topics, EventBridge buses and functions are supported here")
        except (*EMULATOR_ERRORS, ValueError) as error:
            self.note_failure(arn, error)


def is_function(arn: str) -> bool:
    """Whether a destination is a Lambda function."""
    return _service(arn) == "lambda"


def _bus_entry(arn: str, text: str, record: Record) -> dict[str, Any]:
    result = "Success" if record.condition == "Success" else "Failure"
    return {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {result}",
        "Detail": text,
        "Resources": [arn, record.event.resolved.name.qualified_arn],
        "EventBusName": arn,
    }


def _content(payload: bytes) -> Any:
    """A function's result; as text where it is not JSON, which a function can cause."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")


def _service(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") >= 5 else ""
