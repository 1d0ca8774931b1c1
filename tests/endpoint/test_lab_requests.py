"""What a run asks of the endpoint that it uses: ``/_lab/info``."""

import contextlib
import json
import os
from typing import Any

from tests.endpoint.gate import WAITS, gate
from tests.endpoint.test_front_door import invoke as invocation
from tests.engine.endpoint import Endpoint, until
from tests.engine.raw_http import connected, request


def info(endpoint: Endpoint) -> Any:
    return request(endpoint.url, "GET", "/_lab/info").json


def test_starts_that_waited_for_a_processor_are_counted(endpoint: Endpoint) -> None:
    """The driver reports those of its own window: `lab.run.local_observer`."""
    before = info(endpoint)["starts_delayed"]
    assert before["at_a_time"] == os.cpu_count()
    name = endpoint.new_function(WAITS, Timeout=60)
    together = before["at_a_time"] + 2
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(gate())
        connections = [stack.enter_context(connected(endpoint.url)) for _ in range(together)]
        for connection in connections:
            connection.send(invocation(name, json.dumps(made.event).encode()))
        made.wait_for(together)
        made.open()
        assert all(connection.answer().status == 200 for connection in connections)
    assert info(endpoint)["starts_delayed"]["count"] > before["count"]


def test_a_version_with_an_unusable_snapshot_is_reported(endpoint: Endpoint) -> None:
    source = """
        from snapshot_restore_py import register_before_snapshot
        @register_before_snapshot
        def broken(): raise ValueError("no\\nsnapshot")
        def handler(event, context): return "served"
    """
    name = endpoint.new_function(source, SnapStart={"ApplyOn": "PublishedVersions"})
    version = endpoint.aws_lambda.publish_version(FunctionName=name)["Version"]
    assert endpoint.invoke(name, Qualifier=version).payload == "served"

    def is_reported() -> bool:
        texts = [of["message"] for of in info(endpoint)["warnings"] if of["code"] == "snapshot_unusable"]
        return (
            f"{name}, version {version}, has no snapshot and starts cold: Runtime.BeforeSnapshotError: no snapshot"
            in texts
        )

    until(is_reported)
