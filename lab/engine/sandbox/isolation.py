"""How environments are kept apart on this machine, and where a function sees its code, layers and runtime."""

import dataclasses
import logging
import platform
import re
import subprocess
import sys

from lab.engine.function import FunctionVersion
from lab.engine.interpreters import Interpreter
from lab.engine.sandbox.syscall_filter import syscall_filter

OLDEST_LINUX = (5, 14)  # counts the processes of a user in each user namespace, and has mount_setattr(2)
INTERPRETER_FOLDER = "/var/lang"  # where Lambda has the interpreter
# Not all of its prefix, which can be ~/.local, with keys and the secrets of endpoints. ssl: certificates of Conda
INTERPRETER_PARTS = ("bin", "lib", "lib64", "ssl")
MAPS_EVERY_USER = ["0", "0", "4294967295"]

NOTHING_PROTECTED = (
    "functions run without a sandbox on this machine: they can do what you can do, and read your files and credentials"
)
HOW_TO_PROTECT = (
    "run only code that you trust, or use Linux 5.14 or later that allows user namespaces (docs/explanation/sandbox.md)"
)

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Isolation:
    """How environments are kept apart; ``probe()`` finds the best that works.

    ``namespaces`` is what an environment's first process enters: None where there are none (then files are where they
    lie on the machine, and ``/tmp`` is a folder named by TMPDIR), else whether it must begin with a user namespace.
    ``system_calls`` is the filter of system calls, if there is one.
    """

    name: str
    namespaces: dict[str, bool] | None
    system_calls: bytes | None = None

    @property
    def tier(self) -> str:
        """The tier in words, with what it does not protect."""
        if self.namespaces is None:
            return f"{self.name}: protects nothing, a function can do what you can do"
        return self.name if self.system_calls else f"{self.name}, no seccomp filter: libseccomp is missing"

    @property
    def confines(self) -> bool:
        """Whether functions are kept from this machine's files and processes."""
        return self.namespaces is not None

    @classmethod
    def probe(cls) -> "Isolation":
        """Try what this machine allows: namespaces as root, namespaces as anyone, process groups."""
        for name, user in (("namespaces (root)", False), ("namespaces (user)", True)) if _new_enough() else ():
            flags = ["--mount", "--pid", "--ipc", "--fork", *(["--map-root-user"] if user else [])]
            # A fresh /proc is refused in some containers. The second user namespace is the function's own.
            command = ["sh", "-c", "mount -t proc proc /proc && unshare --user true"]
            try:
                if not user and not _has_every_user():
                    raise PermissionError("not every user of the machine can be taken here")
                subprocess.run(["unshare", *flags, *command], check=True, capture_output=True, timeout=10)  # noqa: S607
            except (OSError, subprocess.SubprocessError) as error:
                log.debug("no %s: %s", name, error)
            else:
                return cls(name, {"user": user}, syscall_filter())
        return cls("process groups", None)


def _new_enough() -> bool:
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    return sys.platform == "linux" and release is not None and tuple(map(int, release.groups())) >= OLDEST_LINUX


def _has_every_user() -> bool:
    with open("/proc/self/uid_map", encoding="ascii") as users:  # noqa: PTH123
        return users.read().split() == MAPS_EVERY_USER


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
        if isolation.namespaces is None:
            return cls(outside, {}, str(interpreter.path), interpreter.minor)
        inside = {"task": "/var/task", "opt": "/opt", "runtime": "/var/runtime"}
        lang = interpreter.prefix.resolve()
        places = {inside[name]: outside[name] for name in inside}
        places |= {
            f"{INTERPRETER_FOLDER}/{name}": str(lang / name) for name in INTERPRETER_PARTS if (lang / name).is_dir()
        }
        return cls(inside, places, f"{INTERPRETER_FOLDER}/{interpreter.path.relative_to(lang)}", interpreter.minor)
