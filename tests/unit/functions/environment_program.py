"""Runs in a process of its own, as the execution environment of one function.

``python environment_program.py`` with the function's folder on the path imports ``handler`` and obeys one JSON
line of its standard input at a time. What the handler writes goes to standard output before the answer, which
is the line that starts with ``ANSWER``.

- ``{"event": …}``: invoke the handler.
- ``{"pass": seconds}``: set the wall clock ahead, for time spent frozen, or in a snapshot.
- ``{"snapshot": true}``: run the hooks that run before a snapshot.
- ``{"restore": true}``: fork. The child runs the hooks that run after a restore and obeys from then on; the
  parent stays as it is, as a snapshot does, until the child ends.
- ``{"end": true}``: end this process; in a child, go back to the parent.
"""

import importlib
import json
import os
import sys
import time
import uuid
from typing import Any

from awslambdaric import lambda_runtime_hooks_runner
from awslambdaric.lambda_context import LambdaContext
from botocore.config import Config


class WallClock:
    """The wall clock, ahead by the seconds of all ``pass`` commands."""

    def __init__(self) -> None:
        self._real = time.time
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead_s


def main() -> None:
    clock = WallClock()
    time.time = clock  # before the handler takes it
    # Limits that no slow machine reaches, so that a read is one call.
    sources: Any = importlib.import_module("instrumentation.sources")
    # Without botocore's random pauses between retries, up to three seconds in all.
    importlib.import_module("botocore.retries.standard").ExponentialBackoff.delay_amount = lambda *_: 0.0
    sources._CONFIG = sources._CONFIG.merge(Config(connect_timeout=60, read_timeout=60))
    handler = importlib.import_module("handler").handler
    reply({"ready": True})
    for line in sys.stdin:
        command = json.loads(line)
        if "event" in command:
            reply(invoke(handler, command["event"]))
        elif "pass" in command:
            clock.ahead_s += command["pass"]
            reply({"done": True})
        elif "snapshot" in command:
            lambda_runtime_hooks_runner.run_before_snapshot()
            reply({"done": True})
        elif "restore" in command:
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                continue
            lambda_runtime_hooks_runner.run_after_restore()
            reply({"done": True})
        else:
            reply({"done": True})
            os._exit(0)


def invoke(handler: Any, event: Any) -> dict[str, Any]:
    context = LambdaContext(str(uuid.uuid4()), None, None, 0)
    try:
        return {"answer": handler(event, context), "request_id": context.aws_request_id}
    except Exception as failure:  # noqa: BLE001, RUF100 -- as Lambda's runtime does
        return {"error": type(failure).__name__, "text": str(failure), "request_id": context.aws_request_id}


def reply(content: dict[str, Any]) -> None:
    print(f"ANSWER {json.dumps(content)}", flush=True)  # noqa: T201 -- this is how it answers


main()
