"""What a fork shares and a snapshot copies: each restored environment has its own.

One function makes all of it in init. Sources: the AWS Lambda Developer Guide, "Improving startup performance with
Lambda SnapStart" (a snapshot is of memory and disk), and "Handling uniqueness with Lambda SnapStart".
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio

from lab.engine.settings import Transport
from lab.engine.snapshot import SnapshotState
from tests.engine.endpoint import OVER_THE_CHANNEL
from tests.engine.harness import Harness, Meeting
from tests.engine.harness import meeting as opened_meeting

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENVIRONMENTS = 10
INIT = """
    import asyncio, contextlib, mmap, multiprocessing, os, select, socket, ssl, stat, tempfile, time

    def tmp(name):
        return f"{'/tmp' if os.path.isdir('/var/task') else os.environ['TMPDIR']}/{name}"

    with open(tmp("data"), "w") as data:
        data.write("line 0\\nline 1\\nline 2\\n")
    reader = open(tmp("data"), "rb", buffering=0)
    reader.read(7)
    twin = os.dup(reader.fileno())
    log = open(tmp("log"), "a", buffering=1)
    log.write("of init\\n")
    unnamed = tempfile.TemporaryFile(dir=tmp(""), buffering=0)
    unnamed.write(b"of init ")
    in_memory = open(os.memfd_create("notes"), "r+b", buffering=0)
    in_memory.write(b"of init ")
    os.mkfifo(tmp("fifo"), 0o640)
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(tmp("closed"))
    os.makedirs(tmp("folder/inner"))
    os.symlink("folder", tmp("link"))
    os.symlink("nowhere", tmp("folder/inner/link"))
    os.chdir(tmp(""))

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pipe = os.pipe()
    os.write(pipe[1], b"of init")
    os.set_blocking(pipe[0], False)
    broken_pipe, other_end = os.pipe()
    os.close(other_end)
    pair = socket.socketpair()
    pair[0].send(b"of init")
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect(("127.0.0.1", 9))
    counter = os.eventfd(3)
    watch = select.epoll()
    watch.register(counter, select.EPOLLIN)
    watch.register(pipe[0], select.EPOLLIN)
    shared = mmap.mmap(-1, 4096)
    shared[:7] = b"of init"
    with open(tmp("mapped"), "w+b") as mapped_file:
        mapped_file.truncate(4096)
        mapped = mmap.mmap(mapped_file.fileno(), 4096)
    named = None
    if os.path.isdir("/dev/shm"):  # not in a namespace, as not on Lambda
        with open(f"/dev/shm/{os.getpid()}-{time.time_ns()}", "w+b", buffering=0) as shared_file:
            shared_file.write(bytes(4096))
            named = mmap.mmap(shared_file.fileno(), 4096)
        lock = multiprocessing.Lock()
    ssl.RAND_bytes(8)
"""
HANDLER = """
    def handler(event, context):
        me = context.aws_request_id[-4:]
        meet()
        seen = {"openssl": ssl.RAND_bytes(8).hex(), "line": reader.read(7).decode()}
        seen["twin"] = os.lseek(twin, 0, os.SEEK_CUR)
        seen["loop"] = loop.run_until_complete(loop.run_in_executor(None, lambda: me))
        seen["same loop"] = asyncio.get_event_loop_policy().get_event_loop() is loop
        seen["watched"] = sorted(["pipe", "counter"][fd == counter] for fd, _ in watch.poll(0))
        seen["counter"] = os.eventfd_read(counter)
        seen["pipe"] = os.read(pipe[0], 100).decode()
        seen["broken pipe"] = os.read(broken_pipe, 1).decode()
        seen["pair"] = pair[1].recv(100).decode()
        names = ("fifo", "closed", "folder", "link", "folder/inner/link")
        seen["files"] = [stat.filemode(os.lstat(name).st_mode) for name in names if os.path.lexists(name)]
        seen["datagrams"] = os.fstat(datagrams.fileno()).st_ino
        seen["nothing watched"] = watch.poll(0) == []
        log.write(me + "\\n")
        for file in (unnamed, in_memory):
            file.write(me.encode())
        with open("relative", "a") as relative:
            relative.write(me)
        os.write(pipe[1], me.encode())
        pair[0].send(me.encode())
        os.eventfd_write(counter, int(me))
        shared[7:11] = mapped[:4] = me.encode()
        if named is not None:
            named[:4] = me.encode()
            seen["lock"] = lock.acquire(block=False)
        meet()
        with open(tmp("log")) as lines:
            seen["log"] = lines.read().split("\\n")
        for name, file in (("unnamed", unnamed), ("in memory", in_memory)):
            file.seek(0)
            seen[name] = file.read().decode()
        with open(tmp("relative")) as relative, open(tmp("mapped")) as mapped_file:
            seen["relative"], seen["mapped file"] = relative.read(), mapped_file.read(4)
        seen["own pipe"], seen["own pair"] = os.read(pipe[0], 100).decode(), pair[1].recv(100).decode()
        if named is not None:
            seen["named"] = named[:4].decode()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(shared_file.name)
        seen["own counter"] = os.eventfd_read(counter)
        seen["shared"], seen["mapped"] = shared[:11].decode(), mapped[:4].decode()
        return {"me": me, **seen}
"""

Seen = list[dict[str, Any]]


async def seen_by_environments(harness: Harness, meeting: Meeting, number: int) -> Seen:
    """What each of so many environments of one snapshot sees, while all of them use what init made."""
    version = harness.function(INIT + HANDLER, snap_start=True, meeting=meeting, timeout_s=60.0)
    answers = [asyncio.create_task(harness.invoke(version)) for _ in range(number)]
    for _ in range(2):
        await meeting.arrived(number)
        meeting.release()
    done = await asyncio.gather(*answers)
    assert all("Restore Duration" in answer.report for answer in done), harness.engine.unusable_snapshots()
    return [answer.payload for answer in done]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(engines: Callable[[Transport], Harness]) -> Seen:
    async with opened_meeting() as meeting:
        return await seen_by_environments(engines(Transport.SOCKET), meeting, ENVIRONMENTS)


async def test_an_event_loop_made_in_init_serves_ten_of_ten_restored_environments(seen: Seen) -> None:
    assert [each["loop"] for each in seen] == [each["me"] for each in seen]
    assert all(each["same loop"] for each in seen)
    assert len(seen) == 10


async def test_an_open_file_has_its_own_offset_in_each_environment(seen: Seen) -> None:
    """It begins at the snapshot's; a copy made by dup still shares it."""
    assert {(each["line"], each["twin"]) for each in seen} == {("line 1\n", 14)}


async def test_a_tmp_file_opened_in_init_has_only_the_lines_of_its_own_environment(seen: Seen) -> None:
    assert [each["log"] for each in seen] == [["of init", each["me"], ""] for each in seen]


async def test_a_file_without_a_name_is_copied(seen: Seen) -> None:
    """Deleted but open, or in memory."""
    contents = [(each["unnamed"], each["in memory"]) for each in seen]
    assert contents == [(f"of init {each['me']}",) * 2 for each in seen]


async def test_the_working_folder_in_tmp_is_the_environments_own(seen: Seen) -> None:
    assert [each["relative"] for each in seen] == [each["me"] for each in seen]


async def test_tmp_has_the_snapshots_folders_links_and_named_pipes(seen: Seen) -> None:
    assert {tuple(each["files"]) for each in seen} == {("prw-r-----", "drwxr-xr-x", "lrwxrwxrwx", "lrwxrwxrwx")}


async def test_openssls_random_state_differs_in_each_environment(seen: Seen) -> None:
    assert len({each["openssl"] for each in seen}) == len(seen) >= 8


async def test_a_pipe_is_the_environments_own_and_keeps_what_waits_in_it(seen: Seen) -> None:
    assert [(each["pipe"], each["own pipe"]) for each in seen] == [("of init", each["me"]) for each in seen]
    assert {each["broken pipe"] for each in seen} == {""}


async def test_a_socket_pair_is_the_environments_own_and_keeps_what_waits_in_it(seen: Seen) -> None:
    assert [(each["pair"], each["own pair"]) for each in seen] == [("of init", each["me"]) for each in seen]


async def test_a_datagram_socket_is_the_environments_own(seen: Seen) -> None:
    assert len({each["datagrams"] for each in seen}) == len(seen)


async def test_an_eventfd_is_the_environments_own_and_keeps_its_count(seen: Seen) -> None:
    assert [(each["counter"], each["own counter"]) for each in seen] == [(3, int(each["me"])) for each in seen]


async def test_an_epoll_watches_what_it_watched_in_its_own_environment(seen: Seen) -> None:
    assert {(*each["watched"], each["nothing watched"]) for each in seen} == {("counter", "pipe", True)}


async def test_shared_memory_is_copied(seen: Seen) -> None:
    assert [each["shared"] for each in seen] == [f"of init{each['me']}" for each in seen]
    assert [(each["mapped"], each["mapped file"]) for each in seen] == [(each["me"],) * 2 for each in seen]


def assert_own_files(seen: Seen) -> None:
    """In other tiers: the folder for temporary files is made in another way there."""
    for each in seen:
        assert (each["log"], each["line"], each["relative"]) == (["of init", each["me"], ""], "line 1\n", each["me"])
        assert (each["loop"], each["mapped file"]) == (each["me"], each["me"])
        assert each["unnamed"] == each["in memory"] == f"of init {each['me']}"


@OVER_THE_CHANNEL
@pytest.mark.parametrize(
    ("init", "reason"),
    [
        ("import subprocess; child = subprocess.Popen(['sleep', '600'])", "a child process is left after init"),
        ("import os; os.fork() or (os.fork() and os._exit(0)) or __import__('time').sleep(600)", "process is left"),
        ("import socket; server = socket.create_server(('127.0.0.1', 0))", "a socket that listens"),
        ("import os; os.mkfifo('/tmp/fifo'); fifo = os.open('/tmp/fifo', os.O_RDWR)", "a named pipe"),
        ("import os; process = os.pidfd_open(os.getpid())", "anon_inode:[pidfd]"),
    ],
    ids=["child", "daemon", "listening socket", "named pipe", "other descriptor"],
)
async def test_a_snapshot_that_cannot_be_copied_is_refused_with_its_reason(
    harness: Harness, init: str, reason: str
) -> None:
    """As one with threads: such a version works on AWS, so here its environments start cold."""
    version = harness.function(f"{init}\ndef handler(event, context): ...", snap_start=True)
    snapshot = harness.engine.prepare_snapshot(version)
    await harness.until(lambda: snapshot.state is not SnapshotState.PENDING)
    assert snapshot.state is SnapshotState.REFUSED
    assert reason in snapshot.reason
