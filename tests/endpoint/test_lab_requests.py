"""What a run asks of the endpoint that it uses: its description, the end of environments, the time that starts lost."""

import contextlib
import json
import os
import time
from typing import Any

from tests.endpoint.gate import WAITS, gate, running
from tests.endpoint.test_front_door import invoke as invocation
from tests.engine.endpoint import Endpoint
from tests.engine.raw_http import connected, request

WAITS_IN_INIT = """
import socket
with socket.create_connection(("127.0.0.1", {port})) as gate: gate.recv(1)
def handler(event, context): return 1
"""
WAIT = "x-lab-start-wait-ms"


def info(endpoint: Endpoint) -> Any:
    return endpoint.control("GET", "/_lab/info").json


def test_starts_that_waited_for_a_processor_are_counted(endpoint: Endpoint) -> None:
    """The driver reports those of its own window: `lab.run.local_observer`. Each answer says how long it had waited."""
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
        answers = [connection.answer() for connection in connections]
    assert all(answer.status == 200 for answer in answers)
    waits = [float(answer.headers[WAIT]) for answer in answers if WAIT in answer.headers]
    assert len(waits) >= 2
    assert min(waits) >= 1
    again = request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations")
    assert again.status == 200
    assert WAIT not in again.headers
    assert info(endpoint)["starts_delayed"]["count"] > before["count"]


def test_an_answer_of_a_function_url_has_the_wait_too(endpoint: Endpoint) -> None:
    """It is asked for while as many inits as may run at a time wait at a gate."""
    name = endpoint.new_function("def handler(event, context): return 1")
    url = endpoint.function_url(name)
    path = url.removeprefix(endpoint.url)
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(gate())
        waits_in_init = endpoint.new_function(WAITS_IN_INIT.format(port=made.event["gate"]), Timeout=60)
        assert request(endpoint.url, "GET", path).body == b"1"  # now the endpoint knows the URL
        endpoint.control("DELETE", "/_lab/environments")
        at_a_time = info(endpoint)["starts_delayed"]["at_a_time"]
        blocking = [stack.enter_context(connected(endpoint.url)) for _ in range(at_a_time)]
        for connection in blocking:
            connection.send(invocation(waits_in_init, b"{}"))
        made.wait_for(at_a_time)
        late = stack.enter_context(connected(endpoint.url))
        late.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
        time.sleep(0.1)
        made.open()
        assert all(connection.answer().status == 200 for connection in blocking)
        answer = late.answer()
    assert answer.body == b"1"
    assert float(answer.headers[WAIT]) >= 1


def test_all_environments_end_on_request(endpoint: Endpoint) -> None:
    """The busy ones do when they have answered; the snapshot stays."""
    endpoint.control("DELETE", "/_lab/environments")
    name = endpoint.new_function(WAITS, Timeout=60)
    snapped = endpoint.new_function(WAITS, Timeout=60, SnapStart={"ApplyOn": "PublishedVersions"})
    version = endpoint.aws_lambda.publish_version(FunctionName=snapped)["Version"]
    endpoint.wait_until_active(f"{snapped}:{version}")
    before = [endpoint.invoke(name).payload, endpoint.invoke(snapped, Qualifier=version).payload]
    with running(lambda event: endpoint.invoke(name, event)):
        ended = endpoint.control("DELETE", "/_lab/environments")
    assert (ended.status, ended.json) == (200, {"ended": 1, "busy": 1})
    assert endpoint.invoke(name).payload != before[0]
    assert endpoint.invoke(snapped, Qualifier=version).payload == before[1]  # drawn in the snapshot's init
    (snapshot,) = [of for of in info(endpoint)["snapshots"] if of["function"] == snapped]
    assert snapshot["version"] == version
    assert snapshot["age_s"] > 0


def test_the_startup_profile_is_described(endpoint: Endpoint) -> None:
    assert info(endpoint)["startup"] == {
        "name": "none",
        "text": "nothing added: starts take as long as on this machine",
    }


def test_a_version_with_an_unusable_snapshot_is_reported(endpoint: Endpoint) -> None:
    source = """
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True, name="a\\nthread").start()
        def handler(event, context): return "served"
    """
    name = endpoint.new_function(source, SnapStart={"ApplyOn": "PublishedVersions"})
    version = endpoint.aws_lambda.publish_version(FunctionName=name)["Version"]
    endpoint.wait_until_active(f"{name}:{version}")
    assert endpoint.invoke(name, Qualifier=version).payload == "served"
    texts = [of["message"] for of in info(endpoint)["warnings"] if of["code"] == "snapshot_unusable"]
    reason = "2 threads run after init: MainThread, a thread"
    assert f"{name}, version {version}, has no snapshot and starts cold: {reason}" in texts
