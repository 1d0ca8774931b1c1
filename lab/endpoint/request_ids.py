"""Request ids: UUIDs of version 4, as AWS's are. Made on the path of every invocation."""

import random

_VERSION, _VERSION_MASK = 4 << 76, 0xF << 76
_VARIANT, _VARIANT_MASK = 2 << 62, 3 << 62
_random = random.Random()  # noqa: S311 - ids tell invocations apart, and keep no secret


def new_request_id() -> str:
    """A new one. As ``str(uuid.uuid4())``, in less than half of its time."""
    number = _random.getrandbits(128) & ~_VERSION_MASK & ~_VARIANT_MASK | _VERSION | _VARIANT
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
