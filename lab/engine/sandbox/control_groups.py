"""Memory and processor time of an environment: control groups where this machine lets us make them.

Lambda kills an environment's process that exceeds the function's memory, and gives it processor time in proportion to
its memory: 1,769 MB is one processor (AWS Lambda Developer Guide, "Configure Lambda function memory"). ``/tmp`` is not
part of the memory on Lambda; here it is a memory file system, so the group's own limit has room for it, and
`Group.over_memory` looks at what the processes themselves hold.

An engine claims the groups in which it makes those of environments (`lab.engine.claims`); dead engines' are unclaimed.
"""

import contextlib
import dataclasses
import itertools
import os
import secrets
import signal
import time
from pathlib import Path

from lab.engine.claims import claim

FULL_CPU_MB = 1769
CPU_PERIOD_US = 20_000
MEBIBYTE = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ROOT = Path("/sys/fs/cgroup")
NAME = "cache-lab-engine-"
LEAF = "-own"
MOVES = 10
PATIENCE_S = 20.0
DEAD_PATIENCE_S = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Files:
    """The files of a group, by version of control groups. ``cpu``: what to write where, with period and quota."""

    limit: str
    usage: str
    anonymous: str
    events: str
    cpu: dict[str, str]


V1 = _Files(
    limit="memory.limit_in_bytes",
    usage="memory.usage_in_bytes",
    anonymous="total_rss",
    events="memory.oom_control",
    cpu={"cpu.cfs_period_us": "{period}", "cpu.cfs_quota_us": "{quota}"},
)
V2 = _Files(
    limit="memory.max",
    usage="memory.current",
    anonymous="anon",
    events="memory.events",
    cpu={"cpu.max": "{quota} {period}"},
)


class Group:
    """The limits of one environment.

    ``joins`` are the files to which the environment's first process writes 0 to come under the limits. ``busy`` gets
    the folders that cannot be removed yet, because a process is still ending.
    """

    def __init__(self, files: _Files, folders: dict[str, Path], memory_mb: int, busy: list[list[str]]) -> None:
        self._files = files
        self._memory = folders.get("memory")
        self._cpu = folders.get("cpu")
        self._memory_mb = memory_mb
        self._kills = 0
        self._busy = busy
        self._folders = list(dict.fromkeys(map(str, folders.values())))
        self.joins = [f"{folder}/cgroup.procs" for folder in self._folders]

    def start(self) -> None:
        """Limit the processor share: init, which has it all, is over."""
        if self._cpu is not None:
            for name, value in self._files.cpu.items():
                quota = cpu_quota_us(self._memory_mb)
                (self._cpu / name).write_text(value.format(period=CPU_PERIOD_US, quota=quota))

    def over_memory(self, pid: int | None) -> bool:
        """Whether the group's processes, else the runtime's (``pid``), hold more than the function's memory."""
        limit = self._memory_mb * MEBIBYTE
        with contextlib.suppress(OSError, ValueError):
            if self._memory is not None:
                if int((self._memory / self._files.usage).read_text()) > limit:
                    return _statistic(self._memory / "memory.stat", self._files.anonymous) > limit
            elif pid is not None:
                return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES > limit
        return False

    def was_killed(self) -> bool:
        """Whether the kernel has killed a process for memory since the last call."""
        before = self._kills
        if self._memory is not None:
            self._kills = _statistic(self._memory / self._files.events, "oom_kill")
        return self._kills > before

    def close(self) -> None:
        """Remove the group: the environment has ended."""
        if not remove_groups(self._folders):
            self._busy.append(self._folders)


class Limits:
    """What this machine offers: in which groups, one a controller, environments' groups are made.

    ``folders`` is what `remove_groups` needs to clean up after a death.
    """

    def __init__(self, tier: str, files: _Files, parents: dict[str, Path], folders: list[str]) -> None:
        self.tier = tier
        self.folders = folders
        self._files = files
        self._parents = parents
        self._busy: list[list[str]] = []
        self._claims: list[int] = []

    def claim(self) -> None:
        """Claim the groups for this process; `OSError` if another has taken them for those of a dead one."""
        self._claims += [claim(Path(folder)) for folder in self.folders]

    def group(self, memory_mb: int, tmp_mb: int) -> Group:
        """Limits for a new environment."""
        self._busy[:] = [folders for folders in self._busy if not remove_groups(folders)]
        name = secrets.token_hex(6)
        folders = {controller: parent / name for controller, parent in self._parents.items()}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        if "memory" in folders:
            (folders["memory"] / self._files.limit).write_text(str((memory_mb + tmp_mb) * MEBIBYTE))
        return Group(self._files, folders, memory_mb, self._busy)

    def close(self) -> None:
        """Remove what is left, with the processes in it."""
        end_groups(self.folders, PATIENCE_S)
        while self._claims:
            os.close(self._claims.pop())


def probe(*, limit_memory: bool, limit_cpu: bool) -> Limits:
    """The best that works on this machine: cgroup v2, cgroup v1, or nothing."""
    wanted = [name for name, use in (("memory", limit_memory), ("cpu", limit_cpu)) if use]
    if not wanted:
        return Limits("off", V2, {}, [])
    name = NAME + secrets.token_hex(6)
    for make in (_version_2, _version_1):
        with contextlib.suppress(OSError):
            limits = make(name, wanted)
            try:
                limits.claim()
            except (BlockingIOError, FileNotFoundError):  # `remove_dead_groups` of another process was faster
                limits.close()
                return probe(limit_memory=limit_memory, limit_cpu=limit_cpu)
            return limits
    watched = "memory by resident size each 10 ms, processor share not limited" if limit_memory else "none"
    return Limits(f"no writable control groups: {watched}", V2, {}, [])


def _version_1(name: str, wanted: list[str]) -> Limits:
    """The memory and cpu hierarchies of version 1."""
    parents = {controller: ROOT / controller / name for controller in wanted}
    for parent in parents.values():
        parent.mkdir()
    return Limits(f"cgroup v1: {', '.join(wanted)}", V1, parents, list(map(str, parents.values())))


def _version_2(name: str, wanted: list[str]) -> Limits:
    """The unified hierarchy, below the group that this process is in, where that was delegated to us.

    A group other than the root may limit its children only while it holds no process itself (Linux kernel
    documentation, "Control Group v2", no internal process constraint). So this process and its children move to a leaf
    beside the environments' groups: they get a share of the processors as large as that of all environments together.
    """
    if not (ROOT / "cgroup.controllers").is_file():
        raise FileNotFoundError("the root is not of version 2")
    line = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    parent = ROOT / line.removeprefix("0::").lstrip("/") / name
    folders = make_room(parent, wanted)
    return Limits(f"cgroup v2: {', '.join(wanted)}", V2, dict.fromkeys(wanted, parent), folders)


def cpu_quota_us(memory_mb: int) -> int:
    """Processor time for each period, microseconds."""
    return max(1_000, CPU_PERIOD_US * memory_mb // FULL_CPU_MB)


def _statistic(path: Path, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def make_room(parent: Path, controllers: list[str]) -> list[str]:
    """Make the group ``parent`` of version 2, so that the controllers can limit its children.

    Processes of the group around it go to a leaf: this process and those that it has started.

    Returns:
        What `remove_groups` needs to undo it.

    Raises:
        OSError: a permission or a controller is missing, or the group around ``parent`` holds processes that this
            process did not start; all is as before.
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
    """Move its processes back to where they came from, which must stop limiting its children for that."""
    control = leaf.parent / "cgroup.subtree_control"
    control.write_text(" ".join(f"-{name}" for name in control.read_text().split()))
    _move(_processes(leaf), leaf.parent)


def remove_groups(folders: list[str]) -> bool:
    """Remove groups and those below them; False if a process is still in one, as for a moment after its death.

    A leaf of `make_room` comes after the group beside it; the processes in it, this one among them, are moved out.
    """
    for folder in map(Path, folders):
        with contextlib.suppress(OSError):
            if folder.name.endswith(LEAF):
                _empty(folder)
        for group in (*_below(folder), folder):
            with contextlib.suppress(OSError):
                group.rmdir()
    return not any(Path(folder).exists() for folder in folders)


def end_groups(folders: list[str], patience_s: float) -> bool:
    """Kill the processes of the groups below these, and remove them all; False if one is left after so many seconds."""
    until = time.monotonic() + patience_s
    while True:
        for group in itertools.chain.from_iterable(map(_below, map(Path, folders))):
            with contextlib.suppress(OSError):
                for pid in filter(None, _processes(group)):  # 0: of another process namespace
                    os.kill(pid, signal.SIGKILL)
        removed = remove_groups(folders)
        if removed or time.monotonic() > until:
            return removed
        time.sleep(0.02)


def remove_dead_groups() -> None:
    """Remove the groups of engines that died without removing them."""
    for place, names, _ in os.walk(ROOT):
        for name in [name for name in names if name.startswith(NAME)]:
            names.remove(name)
            folder = Path(place, name)
            with contextlib.suppress(OSError):
                held = claim(folder)
                end_groups([str(folder)], DEAD_PATIENCE_S)
                os.close(held)


def _below(folder: Path) -> list[Path]:
    try:
        return [child for child in folder.iterdir() if child.is_dir()]
    except OSError:
        return []
