"""One row, once: what it did, and what it cost the Envoy under load and its worker."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from tests.bench import bodies, proc, wrk
from tests.bench.http1 import post
from tests.bench.load import Exchange, connected
from tests.bench.rows import Row
from tests.bench.stand import Site
from tests.bench.summary import percentile
from tests.bench.upstream import INTERVAL

STREAMS: Final = 100
CHUNKS: Final = 100
RATE: Final = 200
"""Requests a second for latencies: what two cores sustain without a queue, wherever the time goes."""
_CONNECTIONS: Final = 32
_WARM_UP_CHUNKS: Final = 5
_STAGGER: Final = 0.0051
"""Seconds between two starts of streams: a modest rate, and few have their chunks at the same moment."""
_WARM_UP_STAGGER: Final = 0.0021


@dataclass(frozen=True, slots=True)
class Effort:
    """How much: seconds of closed loop, seconds at the fixed rate, seconds of warm-up, rounds."""

    closed: int
    open: float
    warm_up: int
    rounds: int


FULL: Final = Effort(closed=5, open=5.0, warm_up=1, rounds=3)
QUICK: Final = Effort(closed=1, open=1.0, warm_up=0, rounds=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """figures: by name, see the keys in `report`; CPU in µs a request, or a chunk where streams are measured.

    problem: why the row failed; then the figures are worth nothing.
    """

    row: str
    figures: Mapping[str, float]
    problem: str = ""


class _Cost:
    """What a block of code cost: `envoy` and `python` in seconds of CPU.

    stolen, others: shares of the machine that other guests of the host and other processes had meanwhile.
    """

    def __init__(self) -> None:
        self.envoy = self.python = self.seconds = self.stolen = self.others = 0.0


@contextlib.contextmanager
def _cost(site: Site) -> Iterator[_Cost]:
    cost = _Cost()
    machine, started, before = proc.usage(), time.monotonic(), _seconds(site)
    yield cost
    envoy, python, load = (now - then for now, then in zip(_seconds(site), before, strict=True))
    cost.envoy, cost.python = envoy, python
    cost.seconds = time.monotonic() - started
    cost.stolen, cost.others = proc.shares(machine, proc.usage(), envoy + python + load)


def _seconds(site: Site) -> tuple[float, float, float]:
    """CPU so far of Envoy, of Python, and of what makes the load: the provider and ourselves."""
    python = proc.cpu_ns(site.worker) / 1e9 if site.worker else 0.0
    return proc.cpu_ns(site.envoy) / 1e9, python, proc.cpu_ns(site.provider) / 1e9 + proc.own_seconds()


def measure(row: Row, site: Site, effort: Effort, directory: Path) -> Measured:
    """Never raises for what the load met: that is the row's problem."""
    try:
        if row.kind == "stream":
            return uvloop.run(_stream(row, site))
        return _unary(row, site, effort, directory)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return Measured(row.name, {}, f"{type(error).__name__}: {error}")


def _unary(row: Row, site: Site, effort: Effort, directory: Path) -> Measured:
    port = site.ports["unary"]
    body = row.api.request(row.model, stream=False)
    problem = uvloop.run(_probe(row, port, body))
    if problem:
        return Measured(row.name, {}, problem)
    script = directory / f"{row.name}.lua"
    script.write_text(wrk.script(body))
    if effort.warm_up:
        wrk.run(port, row.api.path, script, effort.warm_up)
    with _cost(site) as closed:
        summary = wrk.run(port, row.api.path, script, effort.closed)
    if summary.problem:
        return Measured(row.name, {}, summary.problem)
    figures = {
        "requests": summary.requests,
        "rps": summary.requests / summary.seconds,
        **_each(closed, summary.requests),
        "stolen": closed.stolen,
        "others": closed.others,
    }
    at_rate, problem = uvloop.run(_at_rate(row, site, body, effort.open))
    return Measured(row.name, figures | at_rate, problem)


def _each(cost: _Cost, count: int) -> dict[str, float]:
    """Microseconds for each of `count`."""
    envoy, python = cost.envoy * 1e6 / count, cost.python * 1e6 / count
    return {"envoy_us": envoy, "python_us": python, "total_us": envoy + python}


async def _probe(row: Row, port: int, body: bytes) -> str:
    """Whether one answer is what the row is about; the problem if not."""
    async with connected(port, 1) as client:
        [exchange] = await client.run(_post(row, port, body), count=1, interval=0.001, longest=2)
    if problem := _problem_of([exchange]):
        return problem
    if bodies.ANSWER.encode() not in exchange.response.body:
        return f"the answer lacks the provider's text: {bytes(exchange.response.body[:200])!r}"
    return _attempts_problem(row, exchange)


def _attempts_problem(row: Row, exchange: Exchange) -> str:
    told = exchange.response.headers.get("x-llm-gateway-attempts")
    if row.attempts is not None and told != str(row.attempts):
        return f"{told} attempts instead of {row.attempts}"
    return ""


async def _at_rate(row: Row, site: Site, body: bytes, seconds: float) -> tuple[dict[str, float], str]:
    port = site.ports["unary"]
    request = _post(row, port, body)
    count = int(RATE * seconds)
    async with connected(port, _CONNECTIONS) as client:
        await client.run(request, count=_CONNECTIONS, interval=0.001, longest=5)
        with _cost(site) as cost:
            exchanges = await client.run(request, count=count, interval=1 / RATE, longest=5)
    if problem := _problem_of(exchanges):
        return {}, problem
    latencies = [(exchange.done - exchange.due) / 1e6 for exchange in exchanges]
    at_rate = {f"{name}_at_rate": value for name, value in _each(cost, count).items()}
    return {**_percentiles("ms", latencies), **at_rate}, ""


async def _stream(row: Row, site: Site) -> Measured:
    port = site.ports["stream"]
    body = row.api.request(row.model, stream=True, chunks=CHUNKS)
    warm_up = _post(row, port, row.api.request(row.model, stream=True, chunks=_WARM_UP_CHUNKS))
    async with connected(port, STREAMS) as client:
        # As many streams as later: connections to the provider stand, and code is warm.
        warm = await client.run(
            warm_up, count=STREAMS, interval=_WARM_UP_STAGGER, longest=_WARM_UP_CHUNKS * INTERVAL
        )
        if problem := _stream_problem(row, warm, _WARM_UP_CHUNKS):
            return Measured(row.name, {}, problem)
        with _cost(site) as cost:
            exchanges = await client.run(
                _post(row, port, body), count=STREAMS, interval=_STAGGER, longest=CHUNKS * INTERVAL
            )
    if problem := _stream_problem(row, exchanges, CHUNKS):
        return Measured(row.name, {}, problem)
    chunks = sum(exchange.chunks for exchange in exchanges)
    # The provider's first chunk comes an interval after the request.
    first = [(exchange.first - exchange.due) / 1e6 - INTERVAL * 1e3 for exchange in exchanges]
    figures = {
        "chunks": chunks,
        "chunks_per_second": chunks / cost.seconds,
        **_each(cost, chunks),
        **_percentiles("ms", first),
        "stolen": cost.stolen,
        "others": cost.others,
    }
    return Measured(row.name, figures)


def _stream_problem(row: Row, exchanges: Sequence[Exchange], chunks: int) -> str:
    if problem := _problem_of(exchanges):
        return problem
    for exchange in exchanges:
        if exchange.chunks != chunks:
            return f"a stream had {exchange.chunks} chunks instead of {chunks}"
        if not exchange.response.body.endswith(row.api.end):
            return f"a stream did not end with {row.api.end.decode().strip()}"
    return _attempts_problem(row, exchanges[0])


def _problem_of(exchanges: Sequence[Exchange]) -> str:
    bad = [exchange for exchange in exchanges if exchange.error or exchange.response.status != 200]
    if not bad:
        return ""
    first = bad[0]
    why = first.error or f"status {first.response.status}: {bytes(first.response.body[:200])!r}"
    return f"{len(bad)} of {len(exchanges)} requests failed: {why}"


def _percentiles(unit: str, values: Sequence[float]) -> dict[str, float]:
    return {f"p{rank}_{unit}": percentile(values, rank) for rank in (50, 95, 99)}


def _post(row: Row, port: int, body: bytes) -> bytes:
    return post(f"127.0.0.1:{port}", row.api.path, body)
