"""Where records of asynchronous invocations and discarded events are sent.

Formats: AWS Lambda Developer Guide, "Retaining records of Lambda asynchronous invocations".
"""

import dataclasses
import datetime
import json
from typing import Any

from lab.endpoint.functions import emulator_client
from lab.engine.invocation import InvocationResult

MAX_ERROR_MESSAGE = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of an asynchronous invocation; ``outcome`` is that of its last run, if it ever ran."""

    request_id: str
    function_arn: str
    condition: str
    runs: int
    payload: bytes
    outcome: InvocationResult | None

    def to_json(self) -> dict[str, Any]:
        """The invocation record."""
        now = datetime.datetime.now(datetime.UTC)
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.function_arn,
                "condition": self.condition,
                "approximateInvokeCount": self.runs,
            },
            "requestPayload": json.loads(self.payload),
        }
        if self.outcome is not None:
            error = {"functionError": "Unhandled"} if self.outcome.function_error else {}
            record["responseContext"] = {"statusCode": 200, "executedVersion": self.outcome.executed_version} | error
            record["responsePayload"] = _content(self.outcome.payload)
        return record

    def dead_letter_attributes(self) -> dict[str, str]:
        """The message attributes of a discarded event."""
        if self.outcome is None:
            return {"RequestID": self.request_id, "ErrorCode": "429", "ErrorMessage": "Rate Exceeded."}
        attributes = {"RequestID": self.request_id, "ErrorCode": "200"}
        error = _content(self.outcome.payload)
        message = error.get("errorMessage") if isinstance(error, dict) else None
        return attributes | ({"ErrorMessage": str(message)[:MAX_ERROR_MESSAGE]} if message else {})


class Destinations:
    """Sends to SQS queues, SNS topics and EventBridge buses by the emulator's API. For a thread of its own.

    What fails is told in ``failed`` by ARN, and by no error: nobody waits for it.
    """

    def __init__(self, emulator_url: str) -> None:
        self._clients = {name: emulator_client(name, emulator_url) for name in ("sqs", "sns", "events")}
        self.failed: dict[str, str] = {}

    def send_record(self, arn: str, record: Record) -> None:
        """Send an invocation record."""
        try:
            if _service(arn) == "events":
                self._put_event(arn, record)
            else:
                self._send_message(arn, json.dumps(record.to_json()), {})
        except Exception as error:
            self.failed[arn] = str(error)

    def send_dead_letter(self, arn: str, record: Record) -> None:
        """Send a discarded event, as it came, with attributes that tell why."""
        try:
            self._send_message(arn, record.payload.decode(), record.dead_letter_attributes())
        except Exception as error:
            self.failed[arn] = str(error)

    def _put_event(self, arn: str, record: Record) -> None:
        result = "Success" if record.condition == "Success" else "Failure"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {result}",
            "Detail": json.dumps(record.to_json()),
            "Resources": [arn, record.function_arn],
            "EventBusName": arn,
        }
        self._clients["events"].put_events(Entries=[entry])

    def _send_message(self, arn: str, text: str, attributes: dict[str, str]) -> None:
        shaped = {
            name: {"DataType": "Number" if name == "ErrorCode" else "String", "StringValue": value}
            for name, value in attributes.items()
        }
        if _service(arn) == "sqs":
            sqs = self._clients["sqs"]
            url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=shaped)
        elif _service(arn) == "sns":
            self._clients["sns"].publish(TopicArn=arn, Message=text, MessageAttributes=shaped)
        else:
            raise ValueError("destinations can be SQS queues, SNS topics, EventBridge buses and Lambda functions here")


def is_function(arn: str) -> bool:
    """Whether a destination is a Lambda function."""
    return _service(arn) == "lambda"


def _content(payload: bytes) -> Any:
    """What a function answered; its text where that is not JSON, which a function can make it."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")


def _service(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") >= 5 else ""
