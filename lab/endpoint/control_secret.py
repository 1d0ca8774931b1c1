"""The secret of an endpoint's control addresses, in a file that only its user can read.

`lab serve` writes it; programs of the same user find it by the endpoint's port. Functions do not see the file, so they
cannot change what is measured. This module imports nothing of the endpoint, so clients can share it.
"""

import contextlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lab.engine.claims import claim
from lab.errors import LabError

HEADER: Final = "X-Lab-Secret"


LOOPBACK: Final = "127.0.0.1"  # where endpoints are; at ::1, a function can wait for who asks for localhost


def secret_file(port: int) -> Path:
    """Where the secret of the endpoint at a port is (XDG Base Directory Specification: state of the user's programs).

    It is in the folder for temporary files if the user has no home that can be written.
    """
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() fails for a user without a name
        writable = os.access(home, os.W_OK)
        state = home / ".local" / "state" if writable else Path(tempfile.gettempdir()) / f"cache-lab-{os.getuid()}"
    return state / "cache-lab" / "endpoints" / str(port)


def read_secret(endpoint_url: str) -> str:
    """The secret of a running endpoint, to be sent to `LOOPBACK` only.

    Raises `LabError` if there is none that this user can read, or the endpoint is not at a loopback address.
    """
    address = urlsplit(endpoint_url)
    if address.hostname not in (LOOPBACK, "localhost"):
        raise LabError(f"{endpoint_url} gets no secret, because it is not on this machine: use http://{LOOPBACK}:PORT")
    file = secret_file(address.port or (443 if address.scheme == "https" else 80))
    try:
        _check_folder(file.parent)
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise LabError(f"cannot read the secret of {endpoint_url} in {file}: {error.strerror}") from None


@contextlib.contextmanager
def published_secret(port: int) -> Iterator[str]:
    """A new secret for the endpoint at a port, in its file for as long as the block lasts.

    Removes the files that dead endpoints left. Raises `LabError` if the file cannot be written.
    """
    file = secret_file(port)
    secret = secrets.token_urlsafe(32)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(file.parent)
        _remove_dead(file.parent)
        held = _write(file, secret)
    except OSError as error:
        raise LabError(
            f"cannot write the endpoint's secret to {file}: {error.strerror}; "
            "set XDG_STATE_HOME to a folder that only you can write"
        ) from None
    try:
        yield secret
    finally:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(held), file.lstat()):
                file.unlink()
        os.close(held)


def _check_folder(folder: Path) -> None:
    """Raise `PermissionError` for a folder that another user could have made or can look into."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(0, f"{folder} is not a folder of yours with mode 700")


def _remove_dead(folder: Path) -> None:
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            held = claim(file)
            file.unlink()
            os.close(held)


def _write(file: Path, secret: str) -> int:
    """Put the secret in place at once, with its claim; returns the claim."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=file.parent)  # mode 600
        os.close(descriptor)
        Path(name).write_text(secret, encoding="ascii")
        with contextlib.suppress(BlockingIOError, FileNotFoundError):  # another lab takes it for a dead one's
            held = claim(Path(name))
            Path(name).replace(file)
            return held
