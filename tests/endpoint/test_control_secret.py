"""Who can use the addresses that control the lab, its emulator among them."""

import os
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.deploy.endpoint_control import EndpointControl
from lab.endpoint.control_secret import published_secret, read_secret, secret_file
from lab.errors import LabError
from tests.engine.endpoint import Endpoint
from tests.engine.raw_http import request

CONTROL = (
    ("GET", "/_lab/info"),
    ("GET", "/_lab/wire"),
    ("PUT", "/_lab/faults"),
    ("DELETE", "/_lab/environments"),
    ("POST", "/_lab/snapshots"),
    ("GET", "/_lab/nothing"),
    ("GET", "/%5flab/info"),
    ("POST", "/_ministack/reset"),
    ("POST", "/%5Fministack/reset"),
    ("POST", "/_minist%61ck%2Freset"),
    ("POST", "/_ministack/reset?init=1"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_localstack/health"),
)
ASKS = """
    import os, urllib.error, urllib.request
    SIGNED = "AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    def handler(event, context):
        headers = {"Authorization": SIGNED % os.environ["AWS_ACCESS_KEY_ID"], "X-Lab-Secret": "guessed"}
        headers["X-Amz-Target"] = "DynamoDB_20120810.ListTables"
        found = []
        for method, path in event["requests"]:
            url = event.get("url", os.environ["AWS_ENDPOINT_URL"]) + path
            request = urllib.request.Request(url, b'{"error_rate": 1}', headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer: found.append(answer.status)
            except urllib.error.HTTPError as error: found.append(error.code)
        return found
"""
SEARCHES = """
    import glob
    def handler(event, context):
        found = []
        for file in [event["file"], *glob.glob("/proc/[0-9]*/environ"), *glob.glob("/proc/[0-9]*/cmdline")]:
            try:
                with open(file, "rb") as content:
                    if event["secret"].encode() in content.read(): found.append(file)
            except OSError: pass
        return found
"""


def asked_by_a_function(endpoint: Endpoint, **event: Any) -> Any:
    return endpoint.invoke(endpoint.function(ASKS, Timeout=60), event).payload


def test_a_functions_request_to_a_control_address_is_refused(endpoint: Endpoint) -> None:
    queue, _ = endpoint.queue()
    assert asked_by_a_function(endpoint, requests=CONTROL) == [403] * len(CONTROL)
    assert queue in endpoint.client("sqs").list_queues()["QueueUrls"]  # nothing was reset
    assert asked_by_a_function(endpoint, requests=[("POST", "/")]) == [200]  # no call fails


def test_the_secret_opens_the_control_addresses(endpoint: Endpoint) -> None:
    assert endpoint.control("GET", "/_lab/info").status == 200
    assert endpoint.control("GET", "/_ministack/health").status == 200
    assert endpoint.control("GET", "/_lab/nothing").status == 404


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_function_cannot_call_the_emulator_past_the_wire(endpoint: Endpoint) -> None:
    url = f"http://127.0.0.1:{emulator_port(endpoint)}"
    requests = [*CONTROL, ("POST", "/"), ("GET", "/"), ("GET", "/_ministack/health")]
    assert asked_by_a_function(endpoint, url=url, requests=requests) == [403] * len(requests)


def emulator_port(endpoint: Endpoint) -> int:
    """The port of the endpoint's emulator: the program's argument is the number of its listening socket."""
    gateway = f"GATEWAY_PORT={endpoint.url.rpartition(':')[2]}".encode()
    programs = [
        process
        for process in Path("/proc").glob("[0-9]*")
        if b"emulator/program.py" in read(process / "cmdline") and gateway in read(process / "environ").split(b"\0")
    ]
    (program,) = programs
    descriptor = read(program / "cmdline").split(b"\0")[-2].decode()
    inode = (program / "fd" / descriptor).readlink().name.removeprefix("socket:[").removesuffix("]")
    (row,) = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines() if row.split()[9] == inode]
    return int(row[1].partition(":")[2], 16)


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_addresses_that_the_emulator_gives_lead_through_the_front_door(endpoint: Endpoint) -> None:
    """A client that uses a queue's URL as it is, or fetches code, needs no secret."""
    queue, _ = endpoint.queue()
    name = endpoint.function("def handler(event, context): ...\n")
    location: str = endpoint.aws_lambda.get_function(FunctionName=name)["Code"]["Location"]
    assert queue.startswith(f"{endpoint.url}/")
    assert location.startswith(f"{endpoint.url}/")
    assert request(endpoint.url, "GET", location.removeprefix(endpoint.url)).body[:2] == b"PK"


def test_a_function_does_not_have_the_secret(endpoint: Endpoint) -> None:
    """Neither the file, nor in the variables and arguments of a process that it sees."""
    if not endpoint.control("GET", "/_lab/info").json["tiers"]["isolation"].startswith("namespaces"):
        pytest.skip("process groups protect nothing")
    file = secret_file(int(endpoint.url.rpartition(":")[2]))
    event = {"file": str(file), "secret": file.read_text()}
    assert endpoint.invoke(endpoint.function(SEARCHES, Timeout=60), event).payload == []


def test_only_the_user_can_read_the_secret(endpoint: Endpoint) -> None:
    file = secret_file(int(endpoint.url.rpartition(":")[2]))
    assert file.read_text() == read_secret(endpoint.url)
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, os.getuid())
    assert (file.parent.stat().st_mode & 0o777, file.parent.stat().st_uid) == (0o700, os.getuid())


def test_a_client_that_cannot_read_the_secret_gets_one_clear_line(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EndpointControl(endpoint.url).info()["profile"]["name"] == "none"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    line = (
        rf"cannot read the secret of {endpoint.url} in {tmp_path}\S+: No such file or directory; run `lab` as the user"
    )
    with pytest.raises(LabError, match=line):
        EndpointControl(endpoint.url).info()
    with (
        published_secret(int(endpoint.url.rpartition(":")[2])),
        pytest.raises(LabError, match=f"{endpoint.url} refuses the secret"),
    ):
        EndpointControl(endpoint.url).info()


def test_the_secret_is_sent_to_the_loopback_address_of_the_endpoint_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function can listen at the same port of ::1, which is localhost too, and another machine can ask for it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        port = endpoint.getsockname()[1]
        with published_secret(port) as secret, ThreadPoolExecutor(1) as threads:
            answers = threads.submit(answer_once, endpoint)
            with monkeypatch.context() as patch:
                patch.setattr(socket, "getaddrinfo", of_version_6_first)
                EndpointControl(f"http://localhost:{port}").info()
            assert secret.encode() in answers.result()
            for url in (f"http://127.0.0.2:{port}", f"http://[::1]:{port}", f"http://lab.example:{port}"):
                with pytest.raises(
                    LabError, match=r"gets no secret, because it is not on this machine: use http://127"
                ):
                    read_secret(url)


def answer_once(listener: socket.socket) -> bytes:
    connection, _ = listener.accept()
    with connection:
        asked = connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    return asked


def of_version_6_first(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
    assert host != "localhost", "this could be the function's address"
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]


def test_an_object_whose_key_begins_like_a_control_address_needs_no_secret(endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="underscores")
    for key in ("_SUCCESS", "_labels/1"):
        s3.put_object(Bucket="underscores", Key=key, Body=b"found")
        assert request(endpoint.url, "GET", f"/{key}", host="underscores.s3.localhost").body == b"found"


# The file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return secret_file(1).parent


def test_the_secret_goes_with_the_endpoint(folder: Path) -> None:
    with published_secret(4566) as secret:
        assert read_secret("http://localhost:4566") == secret
        assert [file.name for file in folder.iterdir()] == ["4566"]
    assert list(folder.iterdir()) == []


def test_secrets_of_dead_endpoints_are_removed_and_those_of_live_ones_stay(folder: Path) -> None:
    with published_secret(1) as live:
        (folder / "2").write_text("of a dead one")
        with published_secret(3):
            assert sorted(file.name for file in folder.iterdir()) == ["1", "3"]
        assert read_secret("http://127.0.0.1:1") == live


def test_the_secret_of_a_dead_endpoint_at_the_same_port_is_replaced(folder: Path) -> None:
    with published_secret(1) as first, published_secret(1) as second:
        assert read_secret("http://127.0.0.1:1") == second != first
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["open to others", "a link", "another user's"])
def test_a_folder_that_another_user_could_use_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    folder.parent.mkdir()
    if kind == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir(mode=0o755 if kind == "open to others" else 0o700)
    if kind == "another user's":
        if os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(folder, 65534, 65534)
    refusal = f"{re.escape(str(folder))} is not a folder of yours with mode 700"
    with pytest.raises(LabError, match=f"{refusal}; set XDG_STATE_HOME"), published_secret(1):
        pass
    with pytest.raises(LabError, match=refusal):
        read_secret("http://127.0.0.1:1")


def test_a_user_without_a_home_has_the_secret_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert secret_file(1) == tmp_path / f"cache-lab-{os.getuid()}" / "cache-lab" / "endpoints" / "1"
