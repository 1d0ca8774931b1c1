"""Lambda's control plane: calls that outlast its throttling, and versions that are not ready yet.

It allows an account 15 requests a second in a region (AWS Lambda quotas). A SnapStart version that is not invoked for
14 days is `Inactive`, and its snapshot is gone. An invocation of it fails, and makes Lambda take a new one; meanwhile
the version is `Pending`.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html#snapstart-function-states
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from facts.names import ALIAS
from facts.quotas import THROTTLED
from facts.sources import item_key
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.errors import LabError

BETWEEN_S: Final = 0.5
PATIENCE_S: Final = 900.0
"""For a version to become ready: a snapshot takes some minutes."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
NEWS_S: Final = 30.0
"""How often a wait says that it goes on."""
NOT_READY: Final = frozenset({"SnapStartNotReadyException", "ResourceConflictException"})
"""The error codes of an invocation of a version that is not `Active`."""

_MEANINGS: Final = {
    "Pending": "Lambda prepares it; with SnapStart, that takes some minutes",
    "Inactive": "it was not invoked for 14 days, and has no snapshot; one invocation makes Lambda take a new one",
}


class VersionState(NamedTuple):
    """The state of a function's version: `Pending`, `Active`, `Inactive` or `Failed`, and Lambda's reason for it."""

    function: str
    version: str
    state: str
    reason: str

    def __str__(self) -> str:
        """Say what the state means."""
        meaning = _MEANINGS.get(self.state, self.reason or "Lambda gives no reason")
        return f"version {self.version} of {self.function} is {self.state}: {meaning}"

    def check(self) -> None:
        """Raise `LabError` for a version that will never be ready."""
        if self.state == "Failed":
            raise LabError(f"{self}; correct that, and run `lab deploy --target aws` again")


class ControlPlane:
    """Calls Lambda's control plane. Setting ``stopped`` ends a wait in another thread."""

    def __init__(self, connection: Connection, report: Callable[[str], None]) -> None:
        """Args: report: shows a line to the user."""
        self._client = connection.client("lambda")
        self._once = connection.client("lambda", attempts=1)
        self._report = report
        self.stopped = threading.Event()

    def call(self, doing: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation; while AWS throttles it, say so, and try again.

        Raises `LabError` if AWS refuses, or throttles for `PATIENCE_S`.
        """
        until, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while True:
            with aws_errors(doing):
                try:
                    return dict(getattr(self._client, operation)(**arguments))
                except ClientError as error:
                    if error_code(error) not in THROTTLED or time.monotonic() + pause_s > until:
                        raise
                    reason = error_code(error)
            self._report(
                f"Lambda throttles its control plane in this account ({reason}): cannot {doing} yet; trying again in"
                f" {pause_s:g} s"
            )
            self._pause(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def state(self, function: str, qualifier: str = ALIAS) -> VersionState:
        """Read the state of a version, by its number or an alias."""
        found = self._configuration(function, qualifier)
        # Functions of an emulator may have none.
        state, code = found.get("State", "Active"), found.get("StateReasonCode")
        reason = f"{found.get('StateReason', '')} ({code})" if code else found.get("StateReason", "")
        return VersionState(function, found.get("Version", qualifier), state, reason)

    def wait_until_active(self, function: str, qualifier: str = ALIAS) -> None:
        """Wait until a version can be invoked; activate it if it is `Inactive`. Each state is reported.

        Raises `LabError` if it failed or does not become ready in time.
        """
        began = news_at = time.monotonic()
        last, activated_at = "Active", None
        while (found := self.state(function, qualifier)).state != "Active":
            found.check()
            now = time.monotonic()
            if now - began > PATIENCE_S:
                raise LabError(f"{found}; it is not ready after {PATIENCE_S / 60:g} minutes; try again later")
            if found.state != last or now - news_at > NEWS_S:
                self._report(f"{found} ({now - began:.0f} s so far)" if found.state == last else str(found))
                last, news_at = found.state, now
            if found.state == "Inactive" and (activated_at is None or now - activated_at > NEWS_S):
                self._activate(found)
                activated_at = now
            self._pause(BETWEEN_S)
        if last != "Active":
            self._report(f"version {found.version} of {function} is Active")

    def wait_until_updated(self, function: str) -> None:
        """Wait until an update of a function's `$LATEST` has taken effect. Raises `LabError` if it failed."""
        until = time.monotonic() + PATIENCE_S
        while (found := self._configuration(function, "$LATEST"))["LastUpdateStatus"] != "Successful":
            if found["LastUpdateStatus"] == "Failed" or time.monotonic() > until:
                reason = found.get("LastUpdateStatusReason") or found["LastUpdateStatus"]
                raise LabError(f"{function} was not updated: {reason}; deploy again")
            self._pause(BETWEEN_S)

    def _configuration(self, function: str, qualifier: str) -> dict[str, Any]:
        return self.call(
            f"read the state of {function}", "get_function_configuration", FunctionName=function, Qualifier=qualifier
        )

    def _activate(self, found: VersionState) -> None:
        """Invoke an inactive version once. Lambda refuses that, and begins to prepare the version."""
        event = json.dumps({"key": item_key(0)})
        with aws_errors(f"activate version {found.version} of {found.function}"):
            try:
                self._once.invoke(FunctionName=found.function, Qualifier=found.version, Payload=event)
            except ClientError as error:
                if error_code(error) not in NOT_READY | THROTTLED:
                    raise

    def _pause(self, seconds: float) -> None:
        if self.stopped.wait(seconds):
            raise LabError("stopped while Lambda was asked for the functions' versions")
