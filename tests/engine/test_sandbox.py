"""What a function cannot do to this machine: one function tries each escape, in both tiers, cold and restored."""

import asyncio
import contextlib
import os
import platform
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lab.engine import interpreters
from lab.engine.runtime import namespaces
from lab.engine.sandbox import supervisor
from lab.engine.sandbox.isolation import Isolation
from lab.engine.sandbox.syscall_filter import syscall_filter
from lab.engine.settings import EngineSettings
from tests.engine.harness import Harness
from tests.engine.hostile import HOSTILE, WATCH

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of the system calls are those of x86_64"),
]

SOMEBODY = 61_000  # a user of the machine without any rights
LANDLOCK_SCOPES = (6, 12)  # Linux
NO_LIMITS = EngineSettings(limit_cpu=False, limit_memory=False)  # somebody has no control groups
PLACES = ("/x", "/usr/x", "/etc/passwd", "/opt/x", "/run/x", "/dev/x", "/var/task/function.py", "/var/lang/x")
KERNEL = ("/proc/sys/kernel/hostname", "/proc/sys/vm/overcommit_memory", "/proc/self/oom_score_adj")
MOUNTS = ("remount", "remount code", "mount", "mount proc", "umount", "unshare user", "unshare mounts", "chroot")
KEEP_CAPABILITIES = """
from lab_runtime import namespaces
namespaces.drop_capabilities = lambda: None
"""


def be_somebody() -> None:
    """Between fork and exec of the supervisor: be a user without rights, who can read the interpreters."""
    namespaces.unshare(namespaces.CLONE_NEWNS)
    namespaces.mount("", "/", "", namespaces.MS_REC | namespaces.MS_PRIVATE)
    prefixes = [each.prefix for each in interpreters.interpreters().values() if each.prefix.is_relative_to("/root")]
    opened = [os.open(prefix, os.O_PATH) for prefix in prefixes]
    namespaces.mount("tmpfs", "/root", "tmpfs", 0, "mode=755")
    for prefix, fd in zip(prefixes, opened, strict=True):
        prefix.mkdir(parents=True)
        namespaces.bind(f"/proc/self/fd/{fd}", str(prefix))
        os.close(fd)
    os.setgroups([])
    os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
    os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)


class SomebodysSubprocess:
    """The module `subprocess` for the supervisor, whose process is somebody's, with the engine's folder."""

    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def Popen(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":  # noqa: N802 - as it is there
        for path in (self._folder, *self._folder.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
        return subprocess.Popen(command, preexec_fn=be_somebody, **options)  # noqa: PLW1509 - one thread


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that somebody can get to, which pytest's are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["root", "user"])
async def harness(folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """An engine of the tier; that of user namespaces is somebody's where the tests run as root."""
    found = Isolation.probe()
    if found.namespaces is None or (request.param == "root" and found.namespaces["user"]):
        pytest.skip(f"this machine has no namespaces of {request.param}: {found.tier}")
    with pytest.MonkeyPatch.context() as patch:
        settings = EngineSettings()
        if request.param == "user" and os.getuid() == 0:
            settings = NO_LIMITS
            patch.setattr(Isolation, "probe", lambda: Isolation("namespaces (user)", {"user": True}, syscall_filter()))
            patch.setattr(supervisor, "subprocess", SomebodysSubprocess(folder))
        own = Path(tempfile.mkdtemp(dir=folder))
        own.chmod(0o755)
        harness = Harness(own, settings)
    yield harness
    await harness.close()


class Seen:
    """What the hostile function returned, and what it was given."""

    def __init__(self, payload: Any, event: dict[str, Any], harness: Harness) -> None:
        self.payload = payload
        self.event = event
        self.is_root_tier = harness.engine.tiers()["isolation"].startswith("namespaces (root)")


@contextlib.contextmanager
def marks_of_the_host(folder: Path) -> Iterator[list[str]]:
    """Files where the host keeps what is not for functions, readable by everybody."""
    home = folder / "home" / "somebody"
    paths = [home / ".aws" / "credentials", Path("/dev/shm/cache-lab-test"), Path("/run/cache-lab-test")]
    written = []
    for path in paths:
        with contextlib.suppress(PermissionError):  # only root writes to /run
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret")
            path.chmod(0o666)
            written.append(path)
    try:
        yield [*map(str, written), "/etc/shadow", "/root", "/home", str(Path.home()), str(home), "/sys", "/dev/mem"]
    finally:
        for path in written:
            path.unlink()


def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"reached")
    writer.close()


async def tried(harness: Harness, folder: Path, source: str, *, snap_start: bool) -> Seen:
    """What the hostile function saw in the second of two environments, while the first one was there."""
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    neighbour = subprocess.Popen(["sleep", "600"])
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0cache-lab-{os.getpid()}")
    abstract.listen()
    version = harness.function(source, snap_start=snap_start, timeout_s=60.0)
    prefix = str(interpreters.choose(version.runtime)[0].prefix)
    with marks_of_the_host(folder) as marks:
        event = {
            "port": server.sockets[0].getsockname()[1],
            "pid": neighbour.pid,
            "abstract": f"cache-lab-{os.getpid()}",
            "read": [*marks, *([] if prefix.startswith("/usr") else [prefix])],
            "write": [*PLACES, *KERNEL, *marks],
        }
        environments = (harness.invoke(version, event | {"name": name}) for name in ("one", "two"))
        answers = await asyncio.gather(*environments)
    assert neighbour.poll() is None
    neighbour.kill()
    neighbour.wait()
    server.close()
    abstract.close()
    assert not any(answer.function_error for answer in answers), answers[0].payload
    return Seen(answers[1].payload, event, harness)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["cold", "restored"])
async def seen(harness: Harness, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[Seen]:
    yield await tried(harness, folder, HOSTILE, snap_start=request.param == "restored")
    harness.engine.keep_functions(set())


async def test_the_function_has_an_unprivileged_uid_as_on_lambda(seen: Seen) -> None:
    assert seen.payload["id"] == "uid=993(sbx_user1051) gid=990 groups=990"
    assert seen.payload["status"]["Uid"] == ["993"] * 4
    assert [seen.payload["handler"][name] for name in ("setuid", "setgid", "setgroups")] == [
        "EINVAL",
        "EINVAL",
        "EPERM",
    ]


async def test_the_function_has_no_capabilities_and_no_new_privileges(seen: Seen) -> None:
    capabilities = {name: value for name, value in seen.payload["status"].items() if name.startswith("Cap")}
    assert set(capabilities) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert {value for (value,) in capabilities.values()} == {"0000000000000000"}
    assert seen.payload["status"]["NoNewPrivs"] == ["1"]


@pytest.mark.parametrize("when", ["import", "handler"])
async def test_a_seccomp_filter_refuses_the_system_calls_of_an_escape(seen: Seen, when: str) -> None:
    if syscall_filter() is None:
        pytest.skip("libseccomp is missing")
    assert seen.payload["status"]["Seccomp"] == ["2"]
    refused = dict(seen.payload[when])
    others = {name: refused.pop(name) for name in ("setuid", "setgid", "setgroups", "families", "clone3")}
    first_process = [refused.pop(f"{name} of the first process") for name in ("memory", "variables")]
    assert set(refused.values()) == {"EPERM"}, refused
    assert (others["families"], others["clone3"]) == ([socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16], "ENOSYS")
    assert first_process == ["EACCES", "EACCES"]


async def test_the_function_sees_only_what_the_interpreter_needs_of_the_host(seen: Seen) -> None:
    assert set(seen.payload["read"].values()) == {"ENOENT"}, seen.payload["read"]
    system = {"bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "nix"}
    assert set(seen.payload["listed"]["/"]) - system == {"dev", "etc", "opt", "proc", "run", "tmp", "var"}
    assert seen.payload["listed"]["/var"] == ["lang", "runtime", "task"]


async def test_dev_dev_shm_run_and_proc_are_private(seen: Seen) -> None:
    nodes = ["null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr"]
    assert seen.payload["listed"]["/dev"] == sorted(nodes)
    assert seen.payload["listed"]["/run"] == []
    assert seen.payload["listed"]["/tmp"] == ["two"]
    assert len(seen.payload["processes"]) <= 3
    assert seen.payload["kill"] == "ESRCH"


async def test_nothing_but_tmp_can_be_written_not_even_settings_of_the_kernel(seen: Seen) -> None:
    places = {path: error for path, error in seen.payload["write"].items() if path in (*PLACES, *KERNEL)}
    assert set(places) == {*PLACES, *KERNEL}
    assert set(places.values()) <= {"EROFS", "EACCES"}, places
    others = {path: error for path, error in seen.payload["write"].items() if path not in places}
    assert set(others.values()) <= {"EROFS", "ENOENT"}, others


async def test_an_interpreter_in_a_home_is_bound_at_var_lang(seen: Seen) -> None:
    prefix, executable = seen.payload["prefix"]
    assert prefix == "/var/lang"
    assert executable.startswith("/var/lang/bin/python3")
    # The prefix can be ~/.local, which has more than an interpreter.
    assert seen.payload["listed"]["/var/lang"] == ["bin", "lib", "lib64", "ssl"]


async def test_an_environment_has_1024_descriptors(seen: Seen) -> None:
    assert seen.payload["files"] == ["Too many open files", 1023]


async def test_an_environment_has_1024_processes_and_threads(seen: Seen) -> None:
    error, threads = seen.payload["threads"]
    assert error == "can't start new thread"
    assert 1020 <= threads <= 1024


async def test_the_loopback_network_of_the_host_stays_reachable(seen: Seen) -> None:
    assert seen.payload["loopback"] == "reached"


async def test_abstract_sockets_of_the_host_are_hidden_where_the_kernel_can(seen: Seen) -> None:
    release = tuple(map(int, platform.release().split(".")[:2]))
    assert seen.payload["abstract"] == ("EPERM" if release >= LANDLOCK_SCOPES else "done: None")


async def test_the_first_process_holds_no_variables_of_the_user(harness: Harness) -> None:
    """The function cannot read them there either: see "variables of the first process"."""
    variables = Path(f"/proc/{harness.engine._supervisor._process.pid}/environ").read_bytes()
    assert "PATH" in os.environ
    assert b"PATH=" not in variables.replace(b"PYTHONPATH=", b"").replace(b"LD_LIBRARY_PATH=", b"")


async def test_capabilities_that_a_restore_gives_are_of_no_use(harness: Harness, folder: Path) -> None:
    """Init can change the code that gives them up in the restored process."""
    seen = await tried(harness, folder, KEEP_CAPABILITIES + HOSTILE, snap_start=True)
    assert seen.payload["status"]["CapEff"] != ["0000000000000000"]
    refused = {name: error for name, error in seen.payload["handler"].items() if name in MOUNTS}
    assert set(refused.values()) == {"EPERM"}, refused
    await test_the_function_sees_only_what_the_interpreter_needs_of_the_host(seen)
    await test_nothing_but_tmp_can_be_written_not_even_settings_of_the_kernel(seen)
    await test_dev_dev_shm_run_and_proc_are_private(seen)


async def test_a_snapshot_cannot_reach_into_the_processes_that_make_its_environments(harness: Harness) -> None:
    """It sees them, and has capabilities in their namespace. A process that can be reached has its owner's number."""
    version = harness.function(WATCH, snap_start=True, timeout_s=60.0)
    seen: set[str] = set()
    for _ in range(20):
        seen.update((await harness.invoke(version, {})).payload)
        harness.engine.end_environments()
        if any(line.startswith("True") for line in seen):
            break
    assert {line for line in seen if line.startswith("True")} == {"True False False"}
    harness.engine.keep_functions(set())


async def test_the_engine_signals_no_process_that_has_taken_the_number_of_one_that_ended(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function has a child answer for it, and ends the child: its number is free for another process."""
    signalled: list[int] = []
    killpg = os.killpg

    def noted(pid: int, number: int) -> None:
        signalled.append(pid)
        killpg(pid, number)

    monkeypatch.setattr(os, "killpg", noted)
    first = await harness.invoke(harness.function("def handler(event, context): ...\n"), {})
    assert first.payload is None
    harness.engine.end_environments()
    assert signalled, "an honest process is signalled"
    source = """
        import os
        from lab_runtime import channel
        copy = os.dup(channel.CHANNEL_FD)  # a fork closes the other one
        if os.fork() == 0:
            os.write(copy, channel.encode_answer(channel.READY, 1, b"1"))
            os._exit(0)
        os.wait()
        def handler(event, context): return 1
        """
    signalled.clear()
    assert (await harness.invoke(harness.function(source), {})).payload == 1
    harness.engine.end_environments()
    assert signalled == []


async def test_without_a_filter_the_mounts_stay_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel locks them: what is bound read-only is never writable, with all capabilities that can be had."""
    found = Isolation.probe()
    if found.namespaces is None:
        pytest.skip(found.tier)
    monkeypatch.setattr(Isolation, "probe", lambda: Isolation(found.name, found.namespaces))
    harness = Harness(folder / "no filter")
    assert "no seccomp filter: libseccomp is missing" in harness.engine.tiers()["isolation"]
    source = HOSTILE.replace("ONLY = list(ESCAPES)", 'ONLY = ["remount", "remount code", "umount"]')
    seen = await tried(harness, folder, KEEP_CAPABILITIES + source, snap_start=True)
    await harness.close()
    assert seen.payload["status"]["Seccomp"] == ["0"]
    assert seen.payload["handler"] == {"remount": "EPERM", "remount code": "EPERM", "umount": "EINVAL"}
    await test_the_function_sees_only_what_the_interpreter_needs_of_the_host(seen)
    await test_nothing_but_tmp_can_be_written_not_even_settings_of_the_kernel(seen)
