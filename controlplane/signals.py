"""Signals that ask a process to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping

ENDING = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def handled(handlers: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """Within the running loop's last task: those signals call those functions, and after it do nothing.

    asyncio closes the pipe that signals wake it by before it forgets its handlers: one that comes while the
    process ends would print a traceback.
    """
    loop = asyncio.get_running_loop()
    for number, call in handlers.items():
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
