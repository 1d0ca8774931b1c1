"""X-Ray trace headers: what Lambda gives to a function as ``_X_AMZN_TRACE_ID``, and to the caller of Invoke.

Source of the form: answers of Invoke since December 2024 that are quoted in public; AWS X-Ray Developer Guide, "Tracing
header"; AWS Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray" (sampling).
"""

import random
import re
import time
import zlib
from typing import Final

from lab.endpoint.deployments.functions import Resolved

SAMPLED_SHARE: Final = 0.05
"""Of a function's requests beyond the first in each second."""

_ROOT = re.compile(rb"(?i)\broot=(1-[0-9a-f]{8}-[0-9a-f]{24})\b")
_PARENT = re.compile(rb"(?i)\bparent=([0-9a-f]{16})\b")
_SAMPLED = re.compile(rb"(?i)\bsampled=([01])\b")
_random = random.Random()  # noqa: S311 - ids tell traces apart, and keep no secret


class TraceHeaders:
    """Makes the trace headers of invocations. Lambda samples requests to functions with active tracing."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}  # the second in which a request to a function was last sampled

    def of(self, resolved: Resolved, callers: bytes = b"") -> str:
        """The trace header of an invocation: of the caller's trace, if its header names one, else of a new one."""
        root, parent, decision = _ROOT.search(callers), _PARENT.search(callers), _SAMPLED.search(callers)
        root_id = root[1].decode() if root else f"1-{int(time.time()):08x}-{_random.getrandbits(96):024x}"
        parent_id = parent[1].decode() if root and parent else f"{_random.getrandbits(64):016x}"
        sampled = decision[1] == b"1" if root and decision else resolved.version.traced and self._is_sampled(resolved)
        lineage = f"1:{zlib.crc32(resolved.invoked_arn.encode()):08x}:0"
        return f"Root={root_id};Parent={parent_id};Sampled={int(sampled)};Lineage={lineage}"

    def _is_sampled(self, resolved: Resolved) -> bool:
        function, second = resolved.name.name, int(time.time())
        if self._latest.get(function) == second:
            return _random.random() < SAMPLED_SHARE
        self._latest[function] = second
        return True
