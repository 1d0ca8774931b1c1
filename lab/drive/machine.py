"""The machine that drives: its description, how busy its CPUs are, its priority and its limit of open files."""

import contextlib
import os
import platform
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FIRST: Final = -10
_STAT = Path("/proc/stat")
_PRESSURE = Path("/proc/pressure/cpu")
_CPUINFO = Path("/proc/cpuinfo")
_AUTOGROUP = Path("/proc/self/autogroup")


def describe_machine() -> dict[str, Any]:
    """Return what ``run.json`` says of the machine: ``cpus``, ``cpu_model``, ``memory_gb``, ``os``, ``python``."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": cpu_count(),
        "cpu_model": _cpu_model(),
        "memory_gb": round(memory / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def cpu_count() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*: *(.+)$", _CPUINFO.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


class CpuMeter:
    """Measures how busy all CPUs together were, and how long something waited for one."""

    def __init__(self) -> None:
        self._last = _cpu_times()
        self._waited = _pressure_us()
        self._made_at = time.perf_counter()

    def busy_share(self) -> float | None:
        """Return the busy share (0 to 1) since the last call; None if no time has passed.

        Outside Linux it is estimated by the load average of the last minute.
        """
        now = _cpu_times()
        if now is None or self._last is None:
            return min(1.0, os.getloadavg()[0] / cpu_count())
        busy, total = (after - before for after, before in zip(now, self._last, strict=True))
        self._last = now
        return busy / total if total > 0 else None

    def pressure(self) -> float | None:
        """Return the share of the time since the meter was made in which something waited for a CPU; None: unknown."""
        waited, seconds = _pressure_us(), time.perf_counter() - self._made_at
        if waited is None or self._waited is None or seconds <= 0:
            return None
        return min(1.0, (waited - self._waited) / 1e6 / seconds)


def _pressure_us() -> int | None:
    """Return how long some task has waited for a CPU since the start of the system, microseconds.

    Linux, "PSI - Pressure Stall Information": the line "some" of /proc/pressure/cpu.
    """
    with contextlib.suppress(OSError):
        found = re.match(r"some .*total=(\d+)", _PRESSURE.read_text(encoding="ascii"))
        return int(found[1]) if found else None
    return None


def _cpu_times() -> tuple[int, int] | None:
    """Return busy and total time of all CPUs, in ticks: the first line of /proc/stat (proc(5)), guest time once."""
    try:
        with _STAT.open(encoding="ascii") as lines:
            user, nice, system, idle, io_wait, *rest = map(int, lines.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + io_wait


@contextlib.contextmanager
def going_first() -> Iterator[None]:
    """Give this process priority over all others, where it may (as root): its waits are in every latency."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    _set_priority(FIRST)
    try:
        yield
    finally:
        _set_priority(before)


def _set_priority(nice: int) -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    # With autogroups (sched(7)), niceness counts within a session's group, and the group has a niceness too.
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(nice), encoding="ascii")


def allow_many_connections() -> None:
    """Raise the limit of open files to its maximum: each invocation under way holds a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
