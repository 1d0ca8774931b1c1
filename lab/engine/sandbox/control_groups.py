"""Memory and processor time of an environment: control groups where this machine lets us make them.

Lambda kills an environment's process that exceeds the function's memory, and gives it processor time in proportion to
its memory: 1,769 MB is one processor (AWS Lambda Developer Guide, "Configure Lambda function memory"). ``/tmp`` is not
part of the memory on Lambda; here it is a memory file system, so the group's own limit has room for it, and
`over_memory` looks at what the processes themselves hold.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Protocol

FULL_CPU_MB = 1769
CPU_PERIOD_US = 20_000
MEBIBYTE = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ROOT = Path("/sys/fs/cgroup")
LEAF = "-engine"
MOVES = 10


class Group(Protocol):
    """The limits of one environment."""

    joins: list[str]
    """Files to which the environment's first process writes 0 to come under the limits."""

    def start(self) -> None:
        """Init is over: from now on the processor share counts."""

    def over_memory(self, pid: int | None) -> bool:
        """Whether the environment's processes hold more memory than the function has; ``pid`` is the runtime's."""

    def was_killed(self) -> bool:
        """Whether the kernel has killed a process for want of memory since the last time that this was asked."""

    def close(self) -> None:
        """The environment has ended."""


class Limits(Protocol):
    """What this machine offers."""

    tier: str
    folders: list[str]
    """Where its groups are made, for whoever cleans up after a death."""

    def group(self, memory_mb: int, tmp_mb: int) -> Group:
        """Limits for a new environment."""

    def close(self) -> None:
        """Take away what is left."""


def probe(*, limit_memory: bool, limit_cpu: bool) -> Limits:
    """The best that works on this machine: cgroup v2, cgroup v1, or nothing."""
    if not (limit_memory or limit_cpu):
        return _NoLimits("off", limit_memory=False)
    for kind in (_CgroupV2, _CgroupV1):
        with contextlib.suppress(OSError):
            return kind(limit_memory=limit_memory, limit_cpu=limit_cpu)
    watched = "memory by resident size each 10 ms, processor share not limited" if limit_memory else "none"
    return _NoLimits(f"no writable control groups: {watched}", limit_memory=limit_memory)


def cpu_quota_us(memory_mb: int) -> int:
    """Processor time for each period, microseconds."""
    return max(1_000, CPU_PERIOD_US * memory_mb // FULL_CPU_MB)


class _NoLimits:
    def __init__(self, tier: str, *, limit_memory: bool) -> None:
        self.tier = tier
        self.folders: list[str] = []
        self._limit_memory = limit_memory

    def group(self, memory_mb: int, tmp_mb: int) -> Group:  # noqa: ARG002 - the protocol's
        return _NoGroup(memory_mb if self._limit_memory else None)

    def close(self) -> None:
        return


class _NoGroup:
    def __init__(self, memory_mb: int | None) -> None:
        self.joins: list[str] = []
        self._memory_mb = memory_mb

    def start(self) -> None:
        return

    def over_memory(self, pid: int | None) -> bool:
        if self._memory_mb is None or pid is None:
            return False
        with contextlib.suppress(OSError, ValueError):
            resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
            return resident > self._memory_mb * MEBIBYTE
        return False

    def was_killed(self) -> bool:
        return False

    def close(self) -> None:
        return


class _CgroupV1:
    """The memory and cpu hierarchies of version 1."""

    def __init__(self, *, limit_memory: bool, limit_cpu: bool) -> None:
        name = f"cache-lab-{os.getpid()}-{secrets.token_hex(3)}"
        self._parents = {
            controller: ROOT / controller / name
            for controller, wanted in (("memory", limit_memory), ("cpu", limit_cpu))
            if wanted
        }
        for parent in self._parents.values():
            parent.mkdir()
        self.tier = "cgroup v1: " + ", ".join(self._parents)
        self.folders = [str(parent) for parent in self._parents.values()]

    def group(self, memory_mb: int, tmp_mb: int) -> Group:
        name = secrets.token_hex(6)
        folders = {controller: parent / name for controller, parent in self._parents.items()}
        for folder in folders.values():
            folder.mkdir()
        if "memory" in folders:
            (folders["memory"] / "memory.limit_in_bytes").write_text(str((memory_mb + tmp_mb) * MEBIBYTE))
        return _GroupV1(folders, memory_mb)

    def close(self) -> None:
        remove_groups(self.folders)


class _GroupV1:
    def __init__(self, folders: dict[str, Path], memory_mb: int) -> None:
        self._folders = folders
        self._memory_mb = memory_mb
        self._kills = 0
        self.joins = [str(folder / "cgroup.procs") for folder in folders.values()]

    def start(self) -> None:
        folder = self._folders.get("cpu")
        if folder is not None:
            (folder / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(cpu_quota_us(self._memory_mb)))

    def over_memory(self, pid: int | None) -> bool:  # noqa: ARG002 - the group knows its processes
        folder = self._folders.get("memory")
        if folder is None:
            return False
        limit = self._memory_mb * MEBIBYTE
        with contextlib.suppress(OSError, ValueError):
            if int((folder / "memory.usage_in_bytes").read_text()) > limit:
                return _statistic(folder / "memory.stat", "total_rss") > limit
        return False

    def was_killed(self) -> bool:
        folder = self._folders.get("memory")
        before, self._kills = (
            self._kills,
            0 if folder is None else _statistic(folder / "memory.oom_control", "oom_kill"),
        )
        return self._kills > before

    def close(self) -> None:
        remove_groups([str(folder) for folder in self._folders.values()])


class _CgroupV2:
    """The unified hierarchy, below the group that this process is in, where that was delegated to us.

    A group other than the root may limit its children only while it holds no process itself (Linux kernel
    documentation, "Control Group v2", no internal process constraint). So this process and its children move to a leaf
    beside the environments' groups: they get a share of the processors as large as that of all environments together.
    """

    def __init__(self, *, limit_memory: bool, limit_cpu: bool) -> None:
        if not (ROOT / "cgroup.controllers").is_file():
            raise FileNotFoundError("the root is not of version 2")
        line = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        own = ROOT / line.removeprefix("0::").lstrip("/")
        self._wanted = [name for name, use in (("memory", limit_memory), ("cpu", limit_cpu)) if use]
        self._parent = own / f"cache-lab-{os.getpid()}-{secrets.token_hex(3)}"
        self.tier = "cgroup v2: " + ", ".join(self._wanted)
        self.folders = make_room(self._parent, self._wanted)

    def group(self, memory_mb: int, tmp_mb: int) -> Group:
        folder = self._parent / secrets.token_hex(6)
        folder.mkdir()
        if "memory" in self._wanted:
            (folder / "memory.max").write_text(str((memory_mb + tmp_mb) * MEBIBYTE))
        return _GroupV2(folder, memory_mb, self._wanted)

    def close(self) -> None:
        remove_groups(self.folders)


class _GroupV2:
    def __init__(self, folder: Path, memory_mb: int, wanted: list[str]) -> None:
        self._folder = folder
        self._memory_mb = memory_mb
        self._wanted = wanted
        self._kills = 0
        self.joins = [str(folder / "cgroup.procs")]

    def start(self) -> None:
        if "cpu" in self._wanted:
            (self._folder / "cpu.max").write_text(f"{cpu_quota_us(self._memory_mb)} {CPU_PERIOD_US}")

    def over_memory(self, pid: int | None) -> bool:  # noqa: ARG002 - the group knows its processes
        if "memory" not in self._wanted:
            return False
        limit = self._memory_mb * MEBIBYTE
        with contextlib.suppress(OSError, ValueError):
            if int((self._folder / "memory.current").read_text()) > limit:
                return _statistic(self._folder / "memory.stat", "anon") > limit
        return False

    def was_killed(self) -> bool:
        wanted = "memory" in self._wanted
        before, self._kills = self._kills, _statistic(self._folder / "memory.events", "oom_kill") if wanted else 0
        return self._kills > before

    def close(self) -> None:
        remove_groups([str(self._folder)])


def _statistic(path: Path, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def make_room(parent: Path, controllers: list[str]) -> list[str]:
    """Make the group ``parent``, of version 2, whose children can be limited by the controllers.

    Processes of the group around it go to a leaf: this process and those that it has started.

    Returns:
        What `remove_groups` has to be given to undo it.

    Raises:
        OSError: it cannot be done, for want of leave or of a controller, or because the group around ``parent`` holds
            processes that are not ours; all is as before.
    """
    own = parent.parent
    missing = set(controllers) - set((own / "cgroup.controllers").read_text().split())
    if missing:
        raise FileNotFoundError(f"{own} lacks {', '.join(missing)}")
    is_root = not (own / "cgroup.type").exists()
    leaf = own / (parent.name + LEAF)
    folders = [str(parent), *([] if is_root else [str(leaf)])]
    try:
        if not is_root:
            _move_to(leaf)
        parent.mkdir()
        for folder in (own, parent):
            (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    except OSError:
        remove_groups(folders)
        raise
    return folders


def _move_to(leaf: Path) -> None:
    own = leaf.parent
    for _ in range(MOVES):  # a process may start another meanwhile
        processes = _processes(own)
        # A process that has ended has no parent, and is not listed a second time.
        if any(not _is_ours(pid) and pid in _processes(own) for pid in processes):
            raise PermissionError(f"{own} holds processes that are not ours")
        leaf.mkdir(exist_ok=True)
        _move(processes, leaf)
        if not processes:
            return


def _processes(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "cgroup.procs").read_text().split()]


def _is_ours(pid: int) -> bool:
    """Whether it is this process, or was started by it or by one that was."""
    with contextlib.suppress(OSError):
        while pid > 1 and pid != os.getpid():
            pid = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return pid == os.getpid()


def _move(processes: list[int], folder: Path) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            (folder / "cgroup.procs").write_text(str(pid))


def _empty(leaf: Path) -> None:
    """Move its processes back to where they came from, which must not limit its children any more for that."""
    control = leaf.parent / "cgroup.subtree_control"
    control.write_text(" ".join(f"-{name}" for name in control.read_text().split()))
    _move(_processes(leaf), leaf.parent)


def remove_groups(folders: list[str]) -> bool:
    """Remove groups and those below them; False if a process is still in one, as for a moment after its death.

    A leaf of `make_room` comes after the group beside it; the processes in it, this one among them, are moved out.
    """
    for folder in map(Path, folders):
        try:
            if not folder.is_dir():
                continue
            if folder.name.endswith(LEAF):
                _empty(folder)
            for child in list(folder.iterdir()):
                if child.is_dir():
                    child.rmdir()
            folder.rmdir()
        except OSError:
            return False
    return True
