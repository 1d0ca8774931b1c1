"""Which execution environment this is."""

import functools
import os
import uuid
from datetime import UTC, datetime
from typing import TypedDict

from warmcache.hooks import after_restore


class EnvironmentAnswer(TypedDict):
    """The ``environment`` of a handler's answer."""

    id: str
    invocation: int
    cold_start: bool
    restored: bool
    pid: int
    started_at: str


class Environment:
    """The identity of an execution environment: a UUID, since nearly all have process id 8 or 9.

    Drawn when the process starts and again after a restore, so that environments restored from one snapshot do not
    share it. A process that Lambda starts in place of a crashed one has a new identity.
    """

    def __init__(self) -> None:
        self._begin(restored=False)
        after_restore(functools.partial(self._begin, restored=True))

    def _begin(self, *, restored: bool) -> None:
        self._id = str(uuid.uuid4())
        self._started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._restored = restored
        self._invocations = 0

    def begin_invocation(self) -> EnvironmentAnswer:
        """Count one more invocation and return where it runs.

        ``cold_start`` is true on the first invocation of an environment that was started for it: not of one that was
        restored, or kept ready by provisioned concurrency. ``restored`` is true on all invocations of one that was.
        ``started_at`` is ISO 8601 in UTC: of the start or the restore.
        """
        self._invocations += 1
        kept_ready = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency"
        return {
            "id": self._id,
            "invocation": self._invocations,
            "cold_start": self._invocations == 1 and not self._restored and not kept_ready,
            "restored": self._restored,
            "pid": os.getpid(),
            "started_at": self._started_at,
        }


ENVIRONMENT = Environment()
"""The environment of this process."""
