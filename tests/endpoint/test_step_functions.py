"""State machines at the endpoint: their tasks run functions in the engine, not in the emulator's own executor."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import ROLE, Endpoint, until

ECHO = """
import os

def handler(event, context):
    return {"event": event, "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], "id": context.aws_request_id}
"""
FAIL = """
class Refused(Exception):
    pass

def handler(event, context):
    raise Refused("no")
"""


def run(endpoint: Endpoint, definition: dict[str, Any], given: Any) -> dict[str, Any]:
    """Make a state machine, run it, and describe how it ended."""
    client = endpoint.client("stepfunctions")
    machine = client.create_state_machine(name=f"m-{uuid.uuid4()}", definition=json.dumps(definition), roleArn=ROLE)
    started = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given))
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(client.describe_execution(executionArn=started["executionArn"]))
        return bool(found["status"] != "RUNNING")

    until(ended)
    client.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    return found


def task(arn: str) -> dict[str, Any]:
    return {"StartAt": "Do", "States": {"Do": {"Type": "Task", "Resource": arn, "End": True}}}


def arn_of(endpoint: Endpoint, name: str) -> str:
    return str(endpoint.aws_lambda.get_function_configuration(FunctionName=name)["FunctionArn"])


def test_a_task_runs_in_the_engine(endpoint: Endpoint) -> None:
    name = endpoint.function(ECHO)
    direct = endpoint.invoke(name, {"by": "hand"}).payload

    found = run(endpoint, task(arn_of(endpoint, name)), {"by": "machine"})

    assert found["status"] == "SUCCEEDED", found
    output = json.loads(found["output"])
    assert output["event"] == {"by": "machine"}
    assert output["environment"] == direct["environment"]  # the same environment answered both
    assert output["id"] != direct["id"]


def test_a_function_error_is_the_tasks(endpoint: Endpoint) -> None:
    found = run(endpoint, task(arn_of(endpoint, endpoint.function(FAIL))), {})

    assert (found["status"], found["error"]) == ("FAILED", "Refused")
    assert json.loads(found["cause"])["errorMessage"] == "no"


def run_map(endpoint: Endpoint, source: str, mode: str, items: list[Any]) -> Any:
    """The result of a map of a function over items."""
    item = task(arn_of(endpoint, endpoint.function(source, Timeout=60))) | {"ProcessorConfig": {"Mode": mode}}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": item, "End": True}
    found = run(endpoint, {"StartAt": "Each", "States": {"Each": each}}, {"items": items})
    assert found["status"] == "SUCCEEDED", found
    return json.loads(found["output"])


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_a_map_runs_its_items_side_by_side(endpoint: Endpoint, mode: str) -> None:
    with gate() as made, ThreadPoolExecutor(1) as pool:
        future = pool.submit(run_map, endpoint, WAITS, mode, [made.event] * 3)
        made.wait_for(3)
        made.open()
        assert len(set(future.result())) == 3


def test_a_map_gives_the_results_in_the_order_of_its_items(endpoint: Endpoint) -> None:
    answers = run_map(endpoint, ECHO, "INLINE", [1, 2, 3])
    assert [answer["event"] for answer in answers] == [1, 2, 3]
