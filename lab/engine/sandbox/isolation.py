"""How environments are kept apart on this machine, and where a function sees its code, layers and runtime."""

import dataclasses
import logging
import subprocess
import sys

from lab.engine.function import FunctionVersion
from lab.engine.interpreters import Interpreter

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Isolation:
    """How environments are kept apart; ``probe()`` finds the best that works.

    ``namespaces`` is what an environment's first process enters: None where there are none (then files are where they
    lie on the machine, and ``/tmp`` is a folder named by TMPDIR), else whether it must begin with a user namespace.
    """

    tier: str
    namespaces: dict[str, bool] | None

    @classmethod
    def probe(cls) -> "Isolation":
        """Try what this machine allows: namespaces as root, namespaces as anyone, process groups."""
        for tier, user in (
            (("namespaces (root)", False), ("namespaces (user)", True)) if sys.platform == "linux" else ()
        ):
            flags = ["--mount", "--pid", "--fork", *(["--map-root-user"] if user else [])]
            mount = ["sh", "-c", "mount -t tmpfs none /mnt"]
            try:
                subprocess.run(["unshare", *flags, *mount], check=True, capture_output=True, timeout=10)  # noqa: S607
            except (OSError, subprocess.SubprocessError) as error:
                log.debug("no %s: %s", tier, error)
            else:
                return cls(tier, {"user": user})
        return cls("process groups", None)


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, as the function sees them (`paths`), and the machine's folders there (`places`).

    ``minor`` is the interpreter's, as in ``3.13``.
    """

    paths: dict[str, str]
    places: dict[str, str]
    python: str
    minor: str

    @property
    def import_path(self) -> str:
        """Where Lambda's Python runtime looks for modules, as PYTHONPATH."""
        layers = self.paths["opt"]
        packages = f"{layers}/python/lib/python{self.minor}/site-packages"
        return ":".join([self.paths["task"], packages, f"{layers}/python", self.paths["runtime"]])

    @classmethod
    def of(cls, version: FunctionVersion, interpreter: Interpreter, isolation: Isolation) -> "Layout":
        """Lambda's own places where there are namespaces, else the machine's."""
        outside = {"task": str(version.code_dir), "opt": str(version.layers_dir), "runtime": str(interpreter.pack)}
        python = str(interpreter.path)
        if isolation.namespaces is None:
            return cls(outside, {}, python, interpreter.minor)
        inside = {"task": "/var/task", "opt": "/opt", "runtime": "/var/runtime"}
        places = {inside[name]: outside[name] for name in inside}
        if interpreter.path.is_relative_to(interpreter.prefix):
            places["/var/lang"] = str(interpreter.prefix)
            python = f"/var/lang/{interpreter.path.relative_to(interpreter.prefix)}"
        return cls(inside, places, python, interpreter.minor)
