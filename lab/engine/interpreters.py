"""The interpreters that this machine has for functions' runtimes, and what AWS's runtime adds to them.

A runtime pack is a folder with what Lambda's Python runtime brings beside the interpreter (awslambdaric and boto3, both
locked) and our bootstrap. ``python -m lab.engine.interpreters`` makes one for each interpreter, below ``.lab/runtime``.
"""

import dataclasses
import functools
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKS = ROOT / ".lab" / "runtime"
REQUIREMENTS = Path(__file__).with_name("runtime-requirements.txt")
OUR_FILES = Path(__file__).with_name("runtime")
BOOTSTRAP = b"from lab_runtime.bootstrap import main\n\nmain()\n"
SUPPORTED = ("3.14", "3.13", "3.12", "3.11")

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python interpreter of this machine and the folder of its runtime pack."""

    version: str
    path: Path
    prefix: Path

    @property
    def minor(self) -> str:
        """As in ``3.13``."""
        return self.version.rpartition(".")[0]

    @property
    def pack(self) -> Path:
        """The folder of its runtime pack."""
        return PACKS / f"python{self.minor}"


@functools.cache
def interpreters() -> dict[str, Interpreter]:
    """The interpreters of this machine by minor version ("3.13"): the one that runs this, pyenv's, those on PATH."""
    found: dict[str, Interpreter] = {}
    for minor, candidate in _candidates():
        interpreter = None if minor in found else _probe(candidate)
        if interpreter is not None:
            found.setdefault(interpreter.minor, interpreter)
    return found


def _candidates() -> Iterator[tuple[str, Path]]:
    yield f"3.{sys.version_info.minor}", Path(getattr(sys, "_base_executable", sys.executable))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in SUPPORTED:
        for path in sorted(pyenv.glob(f"{minor}.*/bin/python3"), reverse=True):
            yield minor, path
        on_path = shutil.which(f"python{minor}")
        if on_path is not None:
            yield minor, Path(on_path)


def _probe(path: Path) -> Interpreter | None:
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.base_prefix); print(sys.executable)"
    try:
        answer = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        log.debug("%s cannot be used: %s", path, error)
        return None
    version, prefix, executable = answer.stdout.split("\n")[:3]
    found = Interpreter(version=version, path=Path(executable).resolve(), prefix=Path(prefix))
    return found if found.minor in SUPPORTED else None


def choose(runtime: str) -> tuple[Interpreter, bool]:
    """The interpreter for a Lambda runtime such as ``python3.14``, and whether it is that very version.

    Where the machine lacks it: the nearest version, of two equally near the newer.

    Raises:
        ValueError: the runtime is not a Python one.
    """
    match = re.fullmatch(r"python3\.(\d+)", runtime)
    if match is None:
        raise ValueError(f"runtime {runtime} cannot run here: only python3.x functions can")
    wanted = int(match[1])
    available = {int(minor.split(".")[1]): interpreter for minor, interpreter in _with_packs().items()}
    nearest = min(available, key=lambda minor: (abs(minor - wanted), -minor))
    return available[nearest], nearest == wanted


def _with_packs() -> dict[str, Interpreter]:
    ready = {minor: found for minor, found in interpreters().items() if (found.pack / "bootstrap.py").is_file()}
    if not ready:
        raise FileNotFoundError(f"no runtime pack in {PACKS}: run `make setup`")
    return ready


def refresh_packs() -> None:
    """Copy our own files into every pack where they differ from the ones here."""
    for interpreter in _with_packs().values():
        _copy_our_files(interpreter.pack)


def _copy_our_files(pack: Path) -> None:
    ours = {f"lab_runtime/{source.name}": source.read_bytes() for source in OUR_FILES.glob("*.py")}
    (pack / "lab_runtime").mkdir(exist_ok=True)
    for name, content in (ours | {"bootstrap.py": BOOTSTRAP}).items():
        copy = pack / name
        if not copy.exists() or copy.read_bytes() != content:
            # Whole or not at all: another lab's environments may read it at this moment.
            partial = copy.with_suffix(f".{os.getpid()}")
            partial.write_bytes(content)
            partial.replace(copy)


def install(interpreter: Interpreter) -> None:
    """Make the interpreter's runtime pack, in place of one that is there."""
    uv = Path(sys.executable).with_name("uv")
    shutil.rmtree(interpreter.pack, ignore_errors=True)
    options = ["--quiet", "--require-hashes", "--compile-bytecode", f"--python={interpreter.path}"]
    subprocess.run([uv, "pip", "install", *options, f"--target={interpreter.pack}", "-r", REQUIREMENTS], check=True)
    _copy_our_files(interpreter.pack)


if __name__ == "__main__":
    os.umask(0o022)  # functions, which can be another user, read the packs
    for each in interpreters().values():
        print(f"runtime pack for Python {each.version}", file=sys.stderr)  # noqa: T201
        install(each)
