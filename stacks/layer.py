"""Builds the folder of the layer without Docker, for the runtime and architecture it is deployed to."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stacks.errors import ApplicationError

ROOT = Path(__file__).resolve().parent.parent
LAYER = ROOT / "layer"
FACTS = ROOT / "facts"
# Lambda runs python3.12 and newer on Amazon Linux 2023: its glibc is 2.34, which takes wheels for 2.28.
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}


@contextmanager
def built_layer(*, python_version: str, architecture: str) -> Iterator[Path]:
    """Build a folder as Lambda unpacks a layer: `python/` with our packages and their requirements.

    The same inputs give the same files, so that the asset's hash changes only with what is deployed.

    Args:
        python_version: of the deployed runtime, as `3.14`.
        architecture: `arm64` or `x86_64`.

    Yields:
        The folder. It is removed afterwards.

    Raises:
        ApplicationError: the requirements cannot be installed.
    """
    with TemporaryDirectory(prefix="cache-lab-layer-") as folder:
        python = Path(folder) / "python"
        shutil.copytree(LAYER / "python", python, ignore=shutil.ignore_patterns("__pycache__", "pyproject.toml"))
        shutil.copytree(FACTS, python / "facts", ignore=shutil.ignore_patterns("__pycache__", "prices.*"))
        install_locked(
            LAYER / "requirements.txt", target=python, python_version=python_version, architecture=architecture
        )
        yield Path(folder)


def install_locked(requirements: Path, *, target: Path, python_version: str, architecture: str) -> None:
    """Install locked requirements into a folder, for the runtime and architecture it is deployed to.

    Raises:
        ApplicationError: they cannot be installed.
    """
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        raise ApplicationError(f"no uv beside {sys.executable}: run `make setup`, then use its virtual environment")
    locked = ["--quiet", "--no-compile-bytecode", "--only-binary=:all:", "--require-hashes"]
    platform = ["--python-version", python_version, "--python-platform", PLATFORMS[architecture]]
    where = ["--python", sys.executable, "--target", str(target), "--requirement", str(requirements)]
    install = [str(uv), "pip", "install", *locked, *platform, *where]
    # From uv's cache first: that takes 50 ms, and only the first synthesis needs a network.
    for reach in (["--offline"], []):
        done = subprocess.run([*install, *reach], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            (target / ".lock").unlink(missing_ok=True)
            return
    reason = " ".join(done.stderr.split())
    raise ApplicationError(
        f"{requirements.parent.name}/{requirements.name} cannot be installed for python{python_version} on "
        f"{architecture}; check the network, or lock again with `make lock`: {reason}"
    )
