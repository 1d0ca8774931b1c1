"""One environment and the Runtime API of another (transport `http`): a loopback port that it can connect to."""

import pytest

from lab.engine.settings import Transport
from tests.engine.endpoint import HTTP_NEEDS_LINUX
from tests.engine.harness import Harness

pytestmark = [pytest.mark.asyncio(loop_scope="module"), HTTP_NEEDS_LINUX]

ASKS = """
    import json, os, subprocess, sys, urllib.error, urllib.request
    def status(address, line):
        method, path = line.split()
        request = urllib.request.Request(f"http://{address}/2018-06-01/runtime/{path}", b"{}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer: return answer.status
        except urllib.error.HTTPError as error: return error.code
        except OSError as error:
            cut = isinstance(getattr(error, "reason", error), (BrokenPipeError, ConnectionResetError))
            if cut: return 403  # before the refusal could be read
            raise
    def ask(event):
        address = event.get("address", os.environ["AWS_LAMBDA_RUNTIME_API"])
        return [status(address, line) for line in event["requests"]]
    def handler(event, context):
        program = f"import function, json; print(json.dumps(function.ask({event!r})))"
        return ask(event) + json.loads(subprocess.check_output([sys.executable, "-c", program]))
"""
EVERYTHING = [
    "GET invocation/next",
    "GET restore/next",
    "POST init/error",
    "POST restore/error",
    "POST invocation/00000000-0000-0000-0000-000000000001/response",
    "POST invocation/00000000-0000-0000-0000-000000000001/error",
]


@pytest.mark.parametrize("harness", [Transport.HTTP], indirect=True)
async def test_one_environment_cannot_reach_the_runtime_api_of_another(harness: Harness) -> None:
    victim, attacker = harness.function("def handler(event, context): return event\n"), harness.function(ASKS)
    assert (await harness.invoke(victim, 1)).payload == 1
    (environment,) = harness.engine._pools[victim].environments
    api = environment._sandbox._runtime_api
    assert api is not None
    event = {"address": api.address, "requests": EVERYTHING}
    assert (await harness.invoke(attacker, event)).payload == [403] * len(EVERYTHING) * 2
    again = await harness.invoke(victim, 2)
    assert (again.payload, harness.engine._pools[victim].environments) == (2, {environment})


@pytest.mark.parametrize("harness", [Transport.HTTP], indirect=True)
async def test_an_environments_own_processes_reach_its_runtime_api(harness: Harness) -> None:
    """As on Lambda: extensions and helper processes do."""
    function = harness.function(ASKS)
    answer = await harness.invoke(function, {"requests": ["GET nothing"]})
    assert answer.payload == [404, 404]
