"""The machine that drives: what it is, and how busy it is."""

import contextlib
import os
import platform
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FIRST: Final = -10
_STAT = Path("/proc/stat")
_CPUINFO = Path("/proc/cpuinfo")
_AUTOGROUP = Path("/proc/self/autogroup")


def describe_machine() -> dict[str, Any]:
    """The machine, as a run's folder states it: ``cpus``, ``cpu_model``, ``memory_gb``, ``os``, ``python``."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": cpu_count(),
        "cpu_model": _cpu_model(),
        "memory_gb": round(memory / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def cpu_count() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


class CpuMeter:
    """How busy all CPUs together were since the last reading."""

    def __init__(self) -> None:
        self._last = _cpu_times()

    def busy_share(self) -> float | None:
        """The busy share (0 to 1) since the last call, or the making; None where the machine does not tell.

        Linux counts the time exactly. Elsewhere the load average of the last minute stands in, as far as it goes.
        """
        now = _cpu_times()
        if now is None or self._last is None:
            return min(1.0, os.getloadavg()[0] / cpu_count())
        busy, total = (after - before for after, before in zip(now, self._last, strict=True))
        self._last = now
        return busy / total if total > 0 else None


def _cpu_times() -> tuple[int, int] | None:
    """Busy and total time of all CPUs, in ticks: the first line of /proc/stat (proc(5)), guest time counted once."""
    try:
        with _STAT.open(encoding="ascii") as lines:
            user, nice, system, idle, io_wait, *rest = map(int, lines.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + io_wait


@contextlib.contextmanager
def going_first() -> Iterator[None]:
    """Let this process have the CPUs before all others, where it may (as root).

    It sends for all variants, so when it has to wait its turn, every latency has that wait in it.
    """
    before = os.getpriority(os.PRIO_PROCESS, 0)
    _set_priority(FIRST)
    try:
        yield
    finally:
        _set_priority(before)


def _set_priority(nice: int) -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    # Where the kernel groups processes by session (sched(7)), niceness counts within a group, which has its own.
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(nice), encoding="ascii")


def allow_many_connections() -> None:
    """Raise the limit of open files as far as it goes: each invocation under way holds a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
