"""Whose connection it is."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.engine.sandbox import peer
from tests.engine.endpoint import HTTP_NEEDS_LINUX

pytestmark = HTTP_NEEDS_LINUX
Ends = tuple[peer.Address, peer.Address]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Ends]]:
    """A connection of this process: the client, and the addresses as the server sees them."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        yield client, (server.getpeername(), server.getsockname())


@pytest.mark.parametrize("answers", [True, False])
def test_a_connection_is_of_the_process_that_holds_it(
    ends: tuple[socket.socket, Ends], answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a kernel that does not answer sock_diag."""
    client, addresses = ends
    inode = os.fstat(client.fileno()).st_ino
    assert peer._listed_inode(*addresses) == inode
    assert peer._asked_inode(*addresses) in (inode, None)
    if not answers:
        monkeypatch.setattr(peer, "_asked_inode", lambda *_: None)
    assert peer.is_peer_beside(os.getpid(), *addresses)


def test_a_connection_is_of_the_processes_beside_it(ends: tuple[socket.socket, Ends]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert peer.is_peer_beside(child.pid, *ends[1])
        assert child.stdin is not None
        child.stdin.close()


def test_a_connection_that_has_gone_is_nobodys(ends: tuple[socket.socket, Ends]) -> None:
    client, addresses = ends
    client.close()
    assert not peer.is_peer_beside(os.getpid(), *addresses)
    assert not peer.is_peer_beside(os.getpid(), ("127.0.0.1", 1), addresses[1])
