"""Processes of the stand: none outlives the benchmark, however it ends."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_START_LIMIT = 20.0
_PATIENCE = 5.0


class StandError(Exception):
    """A piece of the stand does not work; the message says which, and what it said."""


@contextlib.contextmanager
def running(
    argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that dies with us, even if we are killed; its output goes to `log`.

    In a session of its own: a Ctrl-C is ours, and we end it.
    """
    launcher = [sys.executable, "-m", "controlplane.launch", str(os.getpid())]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*launcher, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, what: str) -> None:
    """Wait for `condition`. Raises: StandError: it stays false, or the process ends."""
    deadline = time.monotonic() + _START_LIMIT
    while not condition():
        ended = process.poll()
        if ended is not None or time.monotonic() > deadline:
            state = "does not start" if ended is None else f"ended with status {ended}"
            raise StandError(f"{what} {state}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def accepts_unix(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return path.exists() and probe.connect_ex(str(path)) == 0
