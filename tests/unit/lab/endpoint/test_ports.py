"""The port that a program of the lab listens on."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.endpoint.ports import listen
from lab.errors import UsageError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_if_a_port_that_the_lab_chose_is_taken_it_chooses_another(taken: int) -> None:
    said: list[str] = []
    with listen(None, taken, said.append) as listener:
        assert listener.getsockname()[1] != taken
    assert said == [f"port {taken} is in use: using a free one"]


def test_the_default_port_is_used_if_it_is_free(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    said: list[str] = []
    with listen(None, free, said.append) as listener:
        assert (listener.getsockname()[1], said) == (free, [])


def test_a_port_that_the_user_named_and_that_is_taken_is_wrong_use(taken: int) -> None:
    with pytest.raises(UsageError, match=f"port {taken} is in use: give another with --port, or 0 for a free one"):
        listen(taken, 4566, print)


def test_a_port_that_may_not_be_used_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:80: Permission denied"):
        listen(80, 4566, print)


def test_serve_at_a_port_in_use_exits_2_with_one_line(taken: int) -> None:
    command = [sys.executable, "-m", "lab", "serve", "--port", str(taken)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"lab: port {taken} is in use: give another with --port, or 0 for a free one\n"
