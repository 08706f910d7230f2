"""Reading the kernel's accounts."""

from __future__ import annotations

import os
import threading
import time

import pytest

from tests.bench import proc
from tests.bench.ticks import Ticks

STATUS = "Name:\tenvoy\nVmHWM:\t   81920 kB\nVmRSS:\t   40960 kB\n"
ROLLUP = "Rss: 40960 kB\nPrivate_Clean:      1024 kB\nPrivate_Dirty:     19456 kB\n"


def test_memory() -> None:
    assert proc.parse_memory(STATUS, ROLLUP) == proc.Memory(resident=40.0, peak=80.0, private=20.0)
    assert proc.memory(os.getpid()).resident > 1


def test_cpu_of_threads_that_have_ended_counts() -> None:
    used = []

    def work() -> None:
        while time.thread_time_ns() < 2_000_000:
            pass
        used.append(time.thread_time_ns())

    before = proc.cpu_ns(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert proc.cpu_ns(os.getpid()) - before >= used[0]


def test_no_such_process() -> None:
    with pytest.raises(ProcessLookupError):
        proc.cpu_ns(2**22 + 1)


def test_who_used_the_machine() -> None:
    before = proc.parse_usage("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 …\n")
    after = proc.parse_usage("cpu  150 0 150 890 0 0 0 10 0 0\ncpu0 …\n")
    assert proc.shares(before, after, ours=0.6) == pytest.approx((0.05, 0.2))
    assert proc.shares(before, after, ours=2.0) == (0.05, 0.0)
    assert proc.shares(before, before, ours=0.0) == (0.0, 0.0)


def test_ticks_are_counted() -> None:
    ticks = Ticks(interval=1_000_000, delay=0)
    try:
        taken = 0
        while taken < 3:
            taken += ticks.take()
        assert time.monotonic_ns() >= ticks.start + 2_000_000
    finally:
        ticks.close()
