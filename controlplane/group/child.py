"""A child process that is kept running: started again after each death, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from controlplane.group import news
from controlplane.group.deaths import Deaths, Limits
from controlplane.group.output import Tail, to_stderr

log = logging.getLogger("supervisor")

_LAUNCH: Final = Path(__file__).parents[1] / "launch.py"
_POLL: Final = 0.05
_LAST_WORDS: Final = 1.0
"""Seconds for what a dead process has written to be read."""


class CrashLoop(Exception):  # noqa: N818 - what it is
    """A process dies each time it is started."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. environment: added to ours. inherited: descriptors that it gets, under their numbers."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    inherited: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Ties:
    """What connects a child with the rest of the group.

    on_change: called after each start and death.
    serves: whether the process has come to the point of doing its work, asked until it is true; None where
        it tells by `on_news` (then whoever hears it calls `is_serving`).
    on_news: gets what the process tells, see `controlplane.group.news`.
    output: gets what it prints to stderr.
    """

    on_change: Callable[[], None]
    serves: Callable[[], Awaitable[bool]] | None = None
    on_news: Callable[[news.News], None] = lambda _: None
    output: Callable[[bytes], None] = to_stderr


class Child:
    """One process under supervision.

    command: what to run, asked again before each start.
    """

    def __init__(self, name: str, command: Callable[[], Command], ties: Ties) -> None:
        self.name = name
        self._command = command
        self._ties = ties
        self._process: asyncio.subprocess.Process | None = None
        self._to_end = False
        self.deaths = Deaths(Limits())
        self.serving = False
        """The process that runs now does its work, or did until a moment ago."""
        self.served = True
        """The last process that died had come to do its work; True before the first death."""
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """None while none runs."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    def is_serving(self) -> None:
        self.serving = True

    def let_end(self) -> None:
        """Do not start it again."""
        self._to_end = True

    def send_signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def keep_running(self) -> None:
        """Returns when the process has ended after `let_end` or `stop`.

        Raises: CrashLoop, OSError (the program cannot be started at all).
        """
        while not self._to_end:
            started = asyncio.get_running_loop().time()
            tail = Tail(self._ties.output)
            status = await self._run(tail)
            self.served, self.serving = self.serving, False
            if self._to_end:
                return
            pause = self.deaths.pause(served=self.served, lived=asyncio.get_running_loop().time() - started)
            if pause is None:
                raise CrashLoop(self._obituary(status, tail))
            log.warning("%s ended with %s; starting it again", self.name, _reason(status))
            self.restarts += 1
            self._ties.on_change()
            await asyncio.sleep(pause)

    async def _run(self, tail: Tail) -> int:
        """One life. The exit status, negative for a signal."""
        with news.pipe() as (reader, inherited):
            self._process = process = await self._start(inherited)
        if self._to_end:
            self.send_signal(signal.SIGKILL)  # told to end while it was starting
        reading = [asyncio.create_task(news.hear(reader, self._ties.on_news))]
        if process.stderr is not None:
            reading.append(asyncio.create_task(tail.follow(process.stderr)))
        probing = asyncio.create_task(self._until_serving())
        try:
            self._ties.on_change()
            status = await process.wait()
            await asyncio.wait(reading, timeout=_LAST_WORDS)
        finally:
            for task in (probing, *reading):
                task.cancel()
        return status

    async def _start(self, news_to: int) -> asyncio.subprocess.Process:
        command = self._command()
        # Out of our process group: a Ctrl-C is ours to handle. The launcher ties its life to ours.
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), *command.argv),
            env={**os.environ, **command.environment, news.ENVIRONMENT: str(news_to)},
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            pass_fds=[news_to, *command.inherited],
        )

    async def _until_serving(self) -> None:
        while self._ties.serves is not None and not self.serving:
            self.serving = await self._ties.serves()
            await asyncio.sleep(_POLL)

    def _obituary(self, status: int, tail: Tail) -> str:
        how = "" if self.served else " without ever serving"
        lines = [f"{self.name} ended {self.deaths.in_a_row} times in a row{how}, last with {_reason(status)}"]
        return "\n".join([*lines, *(f"  {line}" for line in tail.lines())])

    async def stop(self, patience: float) -> None:
        """SIGTERM, and SIGKILL after `patience` seconds."""
        self._to_end = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            log.warning("%s did not end in %.0f s; killed", self.name, patience)
            self.send_signal(signal.SIGKILL)
            await process.wait()


def _reason(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
