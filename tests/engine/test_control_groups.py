"""Control groups of version 2: what has to move so that the kernel lets a group limit its children.

Source: Linux kernel documentation, "Control Group v2": no internal process constraint, top-down constraint.
"""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path, PosixPath
from typing import ClassVar, NamedTuple

import pytest

from lab.engine.claims import claim
from lab.engine.interpreters import ROOT
from lab.engine.sandbox import control_groups
from tests.engine.endpoint import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")


class GroupPath(PosixPath):
    """A path below a folder that keeps the kernel's rules for control groups."""

    root: ClassVar[str]
    place: ClassVar[dict[int, str]]
    """The group of each process."""

    @property
    def _enabled(self) -> set[str]:
        return set((self / "cgroup.subtree_control").read_text().split())

    @property
    def processes(self) -> set[int]:
        """The processes in this group."""
        return {pid for pid, place in self.place.items() if place == str(self)}

    @property
    def children(self) -> list[str]:
        """The names of the groups in this one."""
        return sorted(child.name for child in self.iterdir() if child.is_dir())

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        super().mkdir(mode, parents, exist_ok)
        if str(self) != self.root:
            PosixPath(self / "cgroup.type").write_text("domain")
        if not (self / "cgroup.subtree_control").exists():
            PosixPath(self / "cgroup.subtree_control").write_text("")

    def rmdir(self) -> None:
        if self.processes or self.children:
            raise OSError(errno.EBUSY, "busy", str(self))
        for file in self.iterdir():
            file.unlink()
        super().rmdir()

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        if str(self) == "/proc/self/cgroup":
            return f"1:cpu:/\n0::/{self.place[os.getpid()].removeprefix(self.root).lstrip('/')}\n"
        if self.name == "cgroup.procs":
            return "".join(f"{pid}\n" for pid in sorted(self.parent.processes))
        if self.name == "cgroup.controllers" and str(self.parent) != self.root:
            return " ".join(sorted(self.parent.parent._enabled))
        return super().read_text(encoding, errors)

    def write_text(
        self, data: str, encoding: str | None = None, errors: str | None = None, newline: str | None = None
    ) -> int:
        group = self.parent
        if self.name == "cgroup.procs":
            self._allow(not group._enabled, group)
            if int(data) not in self.place:
                raise ProcessLookupError
            self.place[int(data)] = str(group)
        elif self.name == "cgroup.subtree_control":
            self._allow(not group.processes, group)
            self._control(data.split())
        else:
            return super().write_text(data, encoding, errors, newline)
        return len(data)

    def _control(self, changes: list[str]) -> None:
        enabled = self.parent._enabled
        for change in changes:
            if change[0] == "+" and change[1:] not in (self.parent / "cgroup.controllers").read_text().split():
                raise FileNotFoundError(change)
            (enabled.add if change[0] == "+" else enabled.remove)(change[1:])
        super().write_text(" ".join(sorted(enabled)))

    def _allow(self, allowed: bool, group: PosixPath) -> None:
        if not allowed and str(group) != self.root:
            raise OSError(errno.EBUSY, "no internal processes", str(group))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GroupPath:
    """The root group, with memory and cpu for its children."""
    root = GroupPath(tmp_path / "cgroup")
    monkeypatch.setattr(GroupPath, "root", str(root), raising=False)
    monkeypatch.setattr(GroupPath, "place", {1: str(root)}, raising=False)
    monkeypatch.setattr(control_groups, "Path", GroupPath)
    monkeypatch.setattr(control_groups, "ROOT", root)
    root.mkdir()
    PosixPath(root / "cgroup.controllers").write_text("cpu io memory pids")
    (root / "cgroup.subtree_control").write_text("+cpu +memory")
    return root


@pytest.fixture
def child() -> Iterator[int]:
    """A process of ours."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def own(root: GroupPath, child: int) -> GroupPath:
    """The group that this process and its child are in."""
    own = root / "own.scope"
    own.mkdir()
    own.place.update(dict.fromkeys((os.getpid(), child), str(own)))
    return own


def probed(*, cpu: bool = True) -> control_groups.Limits:
    return control_groups.probe(limit_memory=True, limit_cpu=cpu)


def test_1769_mb_are_one_processor() -> None:
    assert control_groups.cpu_quota_us(1769) == 20_000
    assert control_groups.cpu_quota_us(128) == pytest.approx(20_000 * 128 / 1769, abs=1)


def test_processes_of_the_own_group_move_to_a_leaf_beside_the_environments(own: GroupPath, child: int) -> None:
    offered = probed()
    assert offered.tier == "cgroup v2: memory, cpu"
    environments, leaf = map(GroupPath, offered.folders)
    assert leaf.processes == {os.getpid(), child}
    assert environments.parent == leaf.parent == own
    group = offered.group(128, 512)
    (procs,) = group.joins
    group.start()
    folder = GroupPath(procs).parent
    assert folder.parent == environments
    assert (folder / "memory.max").read_text() == str(640 << 20)
    assert (folder / "cpu.max").read_text() == f"{control_groups.cpu_quota_us(128)} 20000"
    group.close()
    assert environments.children == []


def test_at_the_end_all_is_as_it_was(own: GroupPath, child: int) -> None:
    offered = probed()
    offered.group(128, 512)
    offered.close()
    assert own.processes == {os.getpid(), child}
    assert (own.children, own._enabled) == ([], set())


def test_a_second_engine_finds_room_after_the_first(own: GroupPath) -> None:
    for _ in range(2):
        offered = probed(cpu=False)
        assert offered.tier == "cgroup v2: memory"
        offered.close()
    assert own.children == []


def test_a_group_that_others_are_in_is_left_alone(own: GroupPath, child: int) -> None:
    """This process's parent, say: a shell, of which it is not ours to say where it is."""
    own.place[os.getppid()] = str(own)
    assert probed().tier.startswith("no writable control groups")
    assert own.processes == {os.getpid(), os.getppid(), child}
    assert (own.children, own._enabled) == ([], set())


def test_a_group_without_a_controller_is_left_alone(root: GroupPath, own: GroupPath) -> None:
    (root / "cgroup.subtree_control").write_text("-cpu")
    assert probed().tier.startswith("no writable control groups")
    assert (own.children, own._enabled) == ([], set())
    assert probed(cpu=False).tier == "cgroup v2: memory"


def test_what_was_begun_is_undone_when_the_kernel_refuses(
    own: GroupPath, child: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = GroupPath._control

    def refuse(self: GroupPath, changes: list[str]) -> None:
        if "+cpu" in changes:
            raise PermissionError
        control(self, changes)

    monkeypatch.setattr(GroupPath, "_control", refuse)
    assert probed().tier.startswith("no writable control groups")
    assert own.processes == {os.getpid(), child}
    assert own.children == []


def test_in_the_root_group_nothing_moves(root: GroupPath, own: GroupPath) -> None:
    """It may hold processes and limit its children."""
    (root / "cgroup.procs").write_text(str(os.getpid()))
    offered = probed()
    assert offered.tier == "cgroup v2: memory, cpu"
    assert root.processes == {1, os.getpid()}
    assert len(offered.folders) == 1
    offered.close()
    assert root.children == ["own.scope"]
    assert root._enabled == {"cpu", "memory"}


def test_groups_are_removed_when_the_last_process_of_an_environment_has_ended(own: GroupPath, child: int) -> None:
    """As the supervisor does after a death of the engine."""
    offered = probed()
    (procs,) = offered.group(128, 512).joins
    GroupPath(procs).write_text(str(child))
    assert not control_groups.remove_groups(offered.folders)
    del own.place[child]
    assert control_groups.remove_groups(offered.folders)
    assert own.processes == {os.getpid()}
    assert (own.children, own._enabled) == ([], set())


def test_a_group_that_is_busy_at_its_end_is_removed_before_the_next_is_made(own: GroupPath, child: int) -> None:
    offered = probed()
    group = offered.group(128, 512)
    GroupPath(group.joins[0]).write_text(str(child))
    group.close()
    environments = GroupPath(offered.folders[0])
    assert len(environments.children) == 1
    own.place[child] = str(own)
    offered.group(128, 512)
    assert len(environments.children) == 1


def test_a_busy_group_does_not_keep_the_others(own: GroupPath, child: int) -> None:
    offered = probed()
    names = [GroupPath(offered.group(128, 512).joins[0]).parent.name for _ in range(5)]
    environments = GroupPath(offered.folders[0])
    busy = environments.children[2]
    own.place[child] = str(environments / busy)
    assert busy in names
    assert not control_groups.remove_groups(offered.folders)
    assert environments.children == [busy]


def test_the_end_of_the_engine_kills_what_still_runs_in_its_groups(
    own: GroupPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = probed()
    (procs,) = offered.group(128, 512).joins
    with subprocess.Popen(["sleep", "60"]) as process:
        own.place[process.pid] = str(GroupPath(procs).parent)
        monkeypatch.setattr(control_groups, "PATIENCE_S", 0.0)  # the stand-in does not see the process end
        offered.close()
        assert process.wait(60) == -signal.SIGKILL


def test_groups_of_a_dead_engine_are_removed_and_those_of_a_live_one_stay(root: GroupPath) -> None:
    root.place[os.getpid()] = str(root)
    dead, live = probed(), probed()
    for limits in (dead, live):
        limits.group(128, 512)
    for descriptor in dead._claims:
        os.close(descriptor)  # as the kernel does at the end of a process
    control_groups.remove_dead_groups()
    assert root.children == [Path(folder).name for folder in live.folders]
    assert len(GroupPath(live.folders[0]).children) == 1


def test_an_engine_makes_other_groups_when_its_new_ones_were_taken_for_a_dead_ones(
    root: GroupPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.place[os.getpid()] = str(root)
    taken: list[Path] = []

    def first_removed(folder: Path) -> int:
        if not taken:
            taken.append(folder)
            folder.rmdir()
        return claim(folder)

    monkeypatch.setattr(control_groups, "claim", first_removed)
    offered = probed()
    assert offered.tier == "cgroup v2: memory, cpu"
    assert root.children == [Path(folder).name for folder in offered.folders]
    assert str(taken[0]) not in offered.folders


# The kernel itself


class Delegated(NamedTuple):
    """A group made for a test, and a controller for its children."""

    folder: Path
    controller: str


@pytest.fixture
def delegated() -> Iterator[Delegated]:
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    mounts = [Path(line[4]) for line in lines if line[line.index("-") + 1] == "cgroup2"]
    if not mounts or not os.access(mounts[0] / "cgroup.procs", os.W_OK):
        pytest.skip("needs a hierarchy of version 2 whose root can be written")
    control = mounts[0] / "cgroup.subtree_control"
    before = control.read_text().split()
    controllers = before or (mounts[0] / "cgroup.controllers").read_text().split()
    if not controllers:
        pytest.skip("needs a hierarchy of version 2 that has a controller")
    controller = "memory" if "memory" in controllers else controllers[0]
    folder = mounts[0] / f"cache-lab-test-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        control.write_text(f"+{controller}")
        yield Delegated(folder, controller)
        until(lambda: (folder / "cgroup.procs").read_text() == "")
    finally:
        folder.rmdir()
        if not before:
            control.write_text(f"-{controller}")


ENGINE = """
import errno, json, subprocess, sys
from pathlib import Path
from lab.engine.sandbox import control_groups
from lab.engine.sandbox.isolation import Isolation
from lab.engine.sandbox.supervisor import Supervisor

own, controller, work = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
(own / "cgroup.procs").write_text("0")
child = subprocess.Popen(["sleep", "60"])
try:
    (own / "cgroup.subtree_control").write_text(f"+{controller}")
except OSError as error:
    refused = errno.errorcode[error.errno]
folders = control_groups.make_room(own / "cache-lab", [controller])
supervisor = Supervisor(work, Isolation("process groups", None), folders)
leaf = Path(folders[1], "cgroup.procs").read_text().split()
enabled = (own / "cgroup.subtree_control").read_text()
print(json.dumps({"refused": refused, "leaf": len(leaf), "child": child.pid, "enabled": enabled}), flush=True)
sys.stdin.read()
supervisor.close()
print(control_groups.remove_groups(folders), (own / "cgroup.procs").read_text().split() != [], flush=True)
child.kill()
child.wait()
"""


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_the_kernel_enables_a_controller_once_all_have_moved(delegated: Delegated, tmp_path: Path, end: str) -> None:
    """It refuses before; and after the end, by ``kill -9`` too, all is as it was."""
    folder = tmp_path / "engine" / "environments"
    command = [sys.executable, "-c", ENGINE, str(delegated.folder), delegated.controller, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = json.loads(process.stdout.readline())
        assert (seen["refused"], seen["enabled"].split()) == ("EBUSY", [delegated.controller])
        assert seen["leaf"] == 3  # with the child and the supervisor
        if end == "closed":
            assert process.communicate()[0].split() == ["True", "True"]
        else:
            process.kill()
            until(lambda: not any(child.is_dir() for child in delegated.folder.iterdir()))
            with contextlib.suppress(ProcessLookupError):
                os.kill(seen["child"], signal.SIGKILL)
    assert not any(child.is_dir() for child in delegated.folder.iterdir())
    assert (delegated.folder / "cgroup.subtree_control").read_text().split() == []
