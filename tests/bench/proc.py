"""What the kernel knows of processes: CPU time, memory, and how much of the machine others took."""

from __future__ import annotations

import ctypes
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def cpu_clock(pid: int) -> int:
    """The CPU-time clock of process `pid`, for ``time.clock_gettime_ns``.

    clock_getcpuclockid(3): in nanoseconds, over all threads, those that have ended included.
    /proc/PID/stat counts in ticks of 10 ms; /proc/PID/schedstat is the first thread's alone, and a sum over
    /proc/PID/task loses the threads that have ended.

    Raises: ProcessLookupError.
    """
    clock = ctypes.c_int()
    if _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)) != 0:
        raise ProcessLookupError(f"no process {pid}")
    return clock.value


def cpu_ns(pid: int) -> int:
    """Nanoseconds of CPU that `pid` has used. Raises: ProcessLookupError, OSError."""
    return time.clock_gettime_ns(cpu_clock(pid))


@dataclass(frozen=True, slots=True)
class Memory:
    """In MiB: resident now, the most it ever was, and the private share of it."""

    resident: float
    peak: float
    private: float


def memory(pid: int) -> Memory:
    """Raises: OSError."""
    directory = Path("/proc") / str(pid)
    return parse_memory((directory / "status").read_text(), (directory / "smaps_rollup").read_text())


def parse_memory(status: str, rollup: str) -> Memory:
    """From the text of /proc/PID/status and /proc/PID/smaps_rollup."""

    def mib(field: str, text: str) -> float:
        found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    private = mib("Private_Clean", rollup) + mib("Private_Dirty", rollup)
    return Memory(mib("VmRSS", status), mib("VmHWM", status), private)


@dataclass(frozen=True, slots=True)
class Usage:
    """Ticks of all cores since boot: busy, and stolen by other guests of the host."""

    busy: int
    stolen: int
    total: int


def usage() -> Usage:
    return parse_usage(Path("/proc/stat").read_text())


def parse_usage(stat: str) -> Usage:
    """From the first line of /proc/stat (proc_stat(5)): user nice system idle iowait irq softirq steal."""
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, stat.split("\n", 1)[0].split()[1:9])
    busy = user + nice + system + irq + softirq
    return Usage(busy, steal, busy + idle + iowait + steal)


def shares(before: Usage, after: Usage, ours: float) -> tuple[float, float]:
    """Of the machine's time between the two: what other guests of the host had, and other processes here.

    ours: seconds of CPU that are accounted for.
    """
    total = after.total - before.total
    if not total:
        return 0.0, 0.0
    others = after.busy - before.busy - ours * os.sysconf("SC_CLK_TCK")
    return (after.stolen - before.stolen) / total, max(others / total, 0.0)


def own_seconds() -> float:
    """CPU of this process and of its children that have ended."""
    return sum(os.times()[:4])


def load_average() -> float:
    return os.getloadavg()[0]
