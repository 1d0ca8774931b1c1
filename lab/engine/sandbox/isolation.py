"""How environments are kept apart on this machine."""

import contextlib
import dataclasses
import subprocess
import sys


@dataclasses.dataclass(frozen=True, slots=True)
class Isolation:
    """How environments are kept apart on this machine; ``probe()`` finds the best that works.

    ``namespaces`` is what the first process is told to enter: None where there are none (then files are where they lie
    on the machine, and ``/tmp`` is a folder named by TMPDIR), else whether it must begin with a user namespace.
    """

    tier: str
    namespaces: dict[str, bool] | None

    @classmethod
    def probe(cls) -> "Isolation":
        """Try what this machine allows: namespaces as root, namespaces as anyone, process groups."""
        if sys.platform != "linux":
            return cls("process groups", None)
        for tier, user in (("namespaces (root)", False), ("namespaces (user)", True)):
            flags = ["--mount", "--pid", "--fork", *(["--map-root-user"] if user else [])]
            mount = ["sh", "-c", "mount -t tmpfs none /mnt"]
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run(["unshare", *flags, *mount], check=True, capture_output=True, timeout=10)  # noqa: S607
                return cls(tier, {"user": user})
        return cls("process groups", None)
