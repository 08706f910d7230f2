"""A clock that ticks at exact times: the event loop's own timers are rounded to milliseconds."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_CLOCK_MONOTONIC: Final = 1
_TFD_NONBLOCK: Final = os.O_NONBLOCK
_TFD_CLOEXEC: Final = os.O_CLOEXEC
_TFD_TIMER_ABSTIME: Final = 1
_BILLION: Final = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


class _Itimerspec(ctypes.Structure):
    _fields_ = [("interval", _Timespec), ("value", _Timespec)]


class Ticks:
    """Ticks `interval` nanoseconds apart from ``start`` on (``time.monotonic_ns``), as a file descriptor.

    timerfd_create(2); Python has it from 3.13 on.
    """

    def __init__(self, interval: int, delay: int = 10_000_000) -> None:
        self.fd = _LIBC.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self.start = time.monotonic_ns() + delay
        spec = _Itimerspec(_timespec(interval), _timespec(self.start))
        if _LIBC.timerfd_settime(self.fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None) != 0:
            self.close()
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def take(self) -> int:
        """How many ticks there were since the last call."""
        try:
            return int.from_bytes(os.read(self.fd, 8), "little")
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self.fd)


def _timespec(ns: int) -> _Timespec:
    return _Timespec(ns // _BILLION, ns % _BILLION)
