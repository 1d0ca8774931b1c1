"""Where a function's code, its layers and the runtime are, as the function sees them."""

import dataclasses

from lab.engine.function import FunctionVersion
from lab.engine.interpreters import Interpreter
from lab.engine.sandbox.isolation import Isolation

HIDDEN = ("/tmp", "/var", "/opt", "/mnt", "/media", "/srv")  # noqa: S108 - places, not files


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, as the function sees them, and which folders of the machine stand there.

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
        outside = {
            "task": str(version.code_dir),
            "opt": str(version.layers_dir),
            "runtime": str(interpreter.pack),
        }
        python = str(interpreter.path)
        if isolation.namespaces is None:
            return cls(outside, {}, python, interpreter.minor)
        inside = {"task": "/var/task", "opt": "/opt", "runtime": "/var/runtime"}
        places = {inside[name]: outside[name] for name in inside}
        if str(interpreter.prefix).startswith(HIDDEN):
            places["/var/lang"] = str(interpreter.prefix)
            python = f"/var/lang/bin/{interpreter.path.name}"
        return cls(inside, places, python, interpreter.minor)
