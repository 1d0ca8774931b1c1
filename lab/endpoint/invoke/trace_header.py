"""X-Ray trace headers: what Lambda gives to a function as ``_X_AMZN_TRACE_ID``, and to the caller of Invoke.

Source of the form: answers of Invoke since December 2024 that are quoted in public; AWS X-Ray Developer Guide, "Tracing
header".
"""

import random
import re
import time
import zlib

_ROOT = re.compile(rb"(?i)\broot=(1-[0-9a-f]{8}-[0-9a-f]{24})\b")
_PARENT = re.compile(rb"(?i)\bparent=([0-9a-f]{16})\b")
_SAMPLED = re.compile(rb"(?i)\bsampled=1\b")
_random = random.Random()  # noqa: S311 - ids tell traces apart, and keep no secret


def trace_header(arn: str, callers: bytes = b"") -> str:
    """The trace header of an invocation: of the caller's trace, if its header names one, else of a new one."""
    root, parent = _ROOT.search(callers), _PARENT.search(callers)
    root_id = root[1].decode() if root else f"1-{int(time.time()):08x}-{_random.getrandbits(96):024x}"
    parent_id = parent[1].decode() if root and parent else f"{_random.getrandbits(64):016x}"
    sampled = 1 if root and _SAMPLED.search(callers) else 0
    return f"Root={root_id};Parent={parent_id};Sampled={sampled};Lineage=1:{zlib.crc32(arn.encode()):08x}:0"
