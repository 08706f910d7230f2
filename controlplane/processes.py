"""Child processes that are kept running: restarted with growing pauses, never left behind."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

log = logging.getLogger("supervisor")

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_SETTLED: Final = 10.0
"""Seconds of life after which a process counts as started."""
_MOST_CRASHES: Final = 8
"""Deaths in a row, each before `_SETTLED`, after which restarting is pointless."""


class CrashLoop(Exception):  # noqa: N818 - what it is
    """A process dies each time it is started."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `environment` is added to ours."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]


class Child:
    """One process under supervision."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def keep_running(self) -> None:
        """Returns after `stop`.

        Raises: CrashLoop, OSError (the program cannot be started at all).
        """
        loop = asyncio.get_running_loop()
        pause, crashes = _FIRST_PAUSE, 0
        while not self._stopping:
            started = loop.time()
            process = await self._start()
            status = await process.wait()
            if self._stopping:
                return
            if loop.time() - started > _SETTLED:
                pause, crashes = _FIRST_PAUSE, 0
            crashes += 1
            if crashes >= _MOST_CRASHES:
                raise CrashLoop(
                    f"{self._command.name} ended {crashes} times in a row, last with {_reason(status)}"
                )
            log.warning("%s ended with %s; starting it again", self._command.name, _reason(status))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            self.restarts += 1

    async def _start(self) -> asyncio.subprocess.Process:
        # Out of our process group: a Ctrl-C is ours to handle. The launcher ties its life to ours.
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "controlplane.launch", str(os.getpid()), *self._command.argv),
            env={**os.environ, **self._command.environment},
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._process

    async def stop(self, patience: float) -> None:
        """SIGTERM, and SIGKILL after `patience` seconds."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            log.warning("%s did not end in %.0f s; killed", self._command.name, patience)
            process.kill()
            await process.wait()


def _reason(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
