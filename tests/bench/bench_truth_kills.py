"""The functions' own count of downstream calls against the count on the wire, with runtimes killed during a call.

A function reports its calls when its handler ends. A runtime that is killed (SIGKILL) reports nothing, so the wire must
have counted exactly the calls more that were under way at the kills.
"""

import concurrent.futures
import contextlib
import datetime
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from facts import metrics
from facts.names import ALIAS, Names
from lab.aws.connection import Connection
from lab.deploy.endpoint_control import EndpointControl
from lab.drive.answers import parse_invoke_answer
from lab.records.record import Outcome
from tests.bench.bench_truth_parts import Result, Row, deployed, keep, kept_in, say

KILLS: Final = 200
ANSWERED_BETWEEN: Final = 2
VARIANT: Final = "no_cache"
SOURCE: Final = "ssm"
"""Its latency in the profile, tens of milliseconds, is long enough to kill a runtime in the middle of a call."""
LIMIT_S: Final = 30.0


def measure(folder: Path, *, small: bool) -> None:
    """Kill runtimes one after another, and keep what both sides counted."""
    path = folder / "kills.json"
    if path.exists():
        return
    kills = 5 if small else KILLS
    with deployed("--profile", "typical", source=SOURCE, context={"variants": VARIANT, "keys": 1}) as url:
        keep(path, _Killing(url).run(kills))


class _Killing:
    """Invocations of one function, one at a time."""

    def __init__(self, url: str) -> None:
        self._control = EndpointControl(url)
        self._connection = Connection(target="local", endpoint_url=url)
        self._lambda = self._connection.client("lambda")
        name = Names().function_name(VARIANT)
        self._marks = (f"AWS_ENDPOINT_URL={url}\0".encode(), f"AWS_LAMBDA_FUNCTION_NAME={name}\0".encode())

    def run(self, kills: int) -> dict[str, Any]:
        """Answered and killed invocations in turns."""
        began = datetime.datetime.now(datetime.UTC)
        answered, killed = 0, []
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            silent = 0
            while silent < kills:  # a kill can come too late: then the invocation is answered, and counts as such
                for _ in range(ANSWERED_BETWEEN):
                    answered += _calls_of(self._invoke()) or 0
                killed.append(self._kill_during(thread))
                silent += killed[-1]["calls_reported"] is None
                if silent % 20 == 0:
                    say(f"kills: {silent} of {kills}")
        return {"answered_calls": answered, "killed": killed, "wire": self._wire(), "metric": self._metric(began)}

    def _kill_during(self, thread: concurrent.futures.Executor) -> dict[str, Any]:
        before = self._wire()
        invocation = thread.submit(self._invoke)
        self._until_called(before)
        for pid in self._runtimes():
            os.kill(pid, signal.SIGKILL)
        at_kill = self._wire()
        outcome = invocation.result(LIMIT_S)
        return {
            "status": outcome.status,
            "error_type": outcome.error_type,
            "calls_reported": _calls_of(outcome),
            "calls_under_way": at_kill - before,
            "calls_after": self._wire() - at_kill,
        }

    def _until_called(self, before: int) -> None:
        deadline = time.monotonic() + LIMIT_S
        while self._wire() == before:
            if time.monotonic() > deadline:
                raise SystemExit("the function did not call downstream")

    def _runtimes(self) -> Iterator[int]:
        """The function's runtime processes at this endpoint."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (process / "environ").read_bytes() + b"\0"
                if all(mark in variables for mark in self._marks):
                    yield int(process.name)

    def _invoke(self) -> Outcome:
        answer = self._lambda.invoke(
            FunctionName=Names().function_name(VARIANT),
            Qualifier=ALIAS,
            LogType="Tail",
            Payload=b'{"key": "item-0000"}',
        )
        meta = answer["ResponseMetadata"]
        headers = {"x-amzn-RequestId": meta["RequestId"], "X-Amz-Log-Result": answer["LogResult"]}
        if "FunctionError" in answer:
            headers["X-Amz-Function-Error"] = answer["FunctionError"]
        return parse_invoke_answer(meta["HTTPStatusCode"], headers, answer["Payload"].read())

    def _wire(self) -> int:
        calls = self._control.wire().get(Names().function_name(VARIANT))
        return calls["downstream_calls"] if calls else 0

    def _metric(self, began: datetime.datetime) -> float:
        """The sum of the metric of the functions' own count, as CloudWatch gives it."""
        answer = self._connection.client("cloudwatch").get_metric_statistics(
            Namespace=Names().namespace,
            MetricName=metrics.DOWNSTREAM_CALLS.name,
            Dimensions=[{"Name": metrics.DIMENSION, "Value": VARIANT}],
            StartTime=began - datetime.timedelta(minutes=1),
            EndTime=datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))


def _calls_of(outcome: Outcome) -> int | None:
    """Calls as the function reported them; None if it reported nothing."""
    if outcome.downstream_calls is None:
        return None
    return outcome.downstream_calls + (outcome.init_downstream_calls or 0)


def rows(folder: Path) -> Result:
    """One row, and what was counted."""
    found = kept_in(folder, "kills.json")
    if not found:
        return Result()
    (counted,) = found
    silent = [one for one in counted["killed"] if one["calls_reported"] is None]
    lost = sum(one["calls_under_way"] for one in silent)
    one_each = all(one["calls_under_way"] == 1 and one["calls_after"] == 0 for one in silent)
    reported = counted["answered_calls"] + sum(one["calls_reported"] or 0 for one in counted["killed"])
    wire, metric = counted["wire"], counted["metric"]
    row = Row(
        claim=f"the functions' own count of downstream calls against the wire, {len(silent)} runtimes killed"
        " in the middle of a call",
        bar="equal, or the difference is explained to the unit",
        found=f"wire {wire}, functions {metric:.0f} (their answers say {reported}); {len(silent)} killed invocations"
        f" reported nothing, and {lost} calls of theirs were under way",
        met=len(silent) >= KILLS and one_each and metric == reported and wire == reported + lost,
    )
    return Result([row], counted)
