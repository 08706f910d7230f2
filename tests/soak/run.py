"""The run itself: a group, its clients, and looks at what the processes hold."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from simulator import Simulator, running
from tests.e2e.harness import Gateway
from tests.e2e.processes import alive, children, group_directory
from tests.soak import mix
from tests.soak.client import Answer, Connection, Cut
from tests.soak.memory import Held, of_group
from tests.soak.report import Run

CLIENTS: Final = 32
_PATH: Final = "/v1/chat/completions"
QUIET: Final = 3.0
_LATE: Final = 60.0
"""Seconds for one answer."""

Say = Callable[[str], None]


async def soak(requests: int, say: Say, *, quiet: float = QUIET) -> Run:
    """A tenth of the requests is the warm-up. quiet: seconds without requests before each look at memory."""
    run = Run()
    async with running(process=True) as simulator:
        mix.prepare(simulator)
        with tempfile.TemporaryDirectory(prefix="soak-") as directory:
            gateway = _gateway(Path(directory), simulator)
            await asyncio.to_thread(gateway.start)
            try:
                await _ask(gateway, run, requests, say, quiet)
            finally:
                pids = [gateway.pid, *(pid for found in children(gateway.pid).values() for pid in found)]
                private = group_directory(gateway.pid)
                status = await asyncio.to_thread(gateway.stop)
            if status != 0:
                run.wrong[f"exit status {status}"] += 1
            run.wrong.update(line.strip()[:200] for line in gateway.log if "Traceback" in line)
            run.left = [f"process {pid}" for pid in pids if alive(pid)]
            if private.exists():
                run.left.append(str(private))
            run.left += [name for name in _sockets() if name.startswith(str(private))]
    return run


def _gateway(directory: Path, simulator: Simulator) -> Gateway:
    (directory / "key").write_text("sk-soak")
    return Gateway(directory, mix.CONFIG.replace("{sim}", simulator.url))


async def _ask(gateway: Gateway, run: Run, requests: int, say: Say, quiet: float) -> None:
    run.idle = await _look(gateway, quiet)
    started = time.monotonic()
    warm_up = requests // 10
    await _ask_some(gateway, run, 0, warm_up)
    run.warm = await _look(gateway, quiet)
    for part in range(9):
        first = warm_up + part * (requests - warm_up) // 9
        await _ask_some(gateway, run, first, warm_up + (part + 1) * (requests - warm_up) // 9)
        now = sum(held.rss for held in of_group(gateway.pid, children(gateway.pid)).values())
        say(f"{sum(run.asked.values()):,} requests, {time.monotonic() - started:.0f} s, {now:.1f} MiB")
    run.seconds = time.monotonic() - started - quiet
    run.end = await _look(gateway, quiet)
    if ejected := await asyncio.to_thread(_ejected_workers, gateway):
        run.wrong["a healthy worker was ejected"] += ejected


def _ejected_workers(gateway: Gateway) -> int:
    return int(
        gateway.metric(
            'envoy_cluster_outlier_detection_ejections_enforced_total{envoy_cluster_name="ext_proc"}'
        )
    )


async def _look(gateway: Gateway, quiet: float) -> dict[str, Held]:
    await asyncio.sleep(quiet)
    return of_group(gateway.pid, children(gateway.pid))


async def _ask_some(gateway: Gateway, run: Run, first: int, end: int) -> None:
    """Those with the numbers from `first` to before `end`."""
    numbers = iter(range(first, end))
    await asyncio.gather(*(_client(gateway.port, run, numbers) for _ in range(CLIENTS)))


_CYCLE: Final = mix.order()


async def _client(port: int, run: Run, numbers: Iterator[int]) -> None:
    connection = Connection(port)
    for number in numbers:
        kind = _CYCLE[number % len(_CYCLE)]
        outcome: Answer | Cut
        try:
            async with asyncio.timeout(_LATE):
                outcome = await connection.post(_PATH, kind.body, abort_after=kind.abort_after)
        except Cut as cut:
            outcome = cut
        except TimeoutError:
            outcome = Cut(f"no answer in {_LATE:.0f} s", None, b"")
        run.asked[kind.name] += 1
        if not kind.right(outcome):
            run.wrong[f"{kind.name}: {_told(outcome)}"] += 1
    await connection.close()


def _told(outcome: Answer | Cut) -> str:
    text = outcome.body[-120:].decode(errors="replace").strip()
    what = str(outcome) if isinstance(outcome, Cut) else f"status {outcome.status}"
    return f"{what} …{text}"


def _sockets() -> Iterator[str]:
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    return (line.split()[-1] for line in lines)
