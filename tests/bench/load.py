"""The clients that keep time: requests at a fixed rate, whatever the answers do, and many streams at once."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from tests.bench import bodies
from tests.bench.http1 import ResponseReader
from tests.bench.ticks import Ticks

_PATIENCE = 10.0
"""Seconds that answers may take beyond what they should."""


@dataclass(slots=True)
class Exchange:
    """One request, and what became of it. Times are ``time.monotonic_ns``.

    due: when it was to be sent, which is what latency counts from: a late client is not a fast gateway.
    first: when the first content was there.
    """

    due: int
    sent: int = 0
    first: int = 0
    done: int = 0
    response: ResponseReader = field(default_factory=ResponseReader)
    error: str = ""

    @property
    def chunks(self) -> int:
        return self.response.body.count(bodies.MARK)


class _Connection(asyncio.Protocol):
    def __init__(self, finished: Callable[[_Connection], None]) -> None:
        self._finished = finished
        self.exchange: Exchange | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast(asyncio.Transport, transport)

    def send(self, exchange: Exchange, request: bytes) -> None:
        self.exchange = exchange
        exchange.sent = time.monotonic_ns()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self.transport.close()
            return
        now = time.monotonic_ns()
        try:
            complete = exchange.response.feed(data)
        except ValueError as error:
            exchange.error = str(error)
            self.transport.close()
            return
        if not exchange.first and bodies.MARK in exchange.response.body:
            exchange.first = now
        if complete:
            exchange.done = now
            self.exchange = None
            self._finished(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.exchange is not None:
            self.exchange.error = self.exchange.error or str(exc or "closed before the answer was complete")
            self.exchange = None
            self._finished(self)


class Client:
    """Keep-alive connections to one address. A request takes an idle one, or waits for one.

    Connections stand before anything is measured: what they cost is not the requests'.
    """

    def __init__(self) -> None:
        self._idle: list[_Connection] = []
        self._waiting: list[tuple[Exchange, bytes]] = []
        self._running = 0
        self._drained = asyncio.Event()

    async def connect(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(self._finished), "127.0.0.1", port
            )
            self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.transport.close()

    def send(self, exchange: Exchange, request: bytes) -> None:
        self._running += 1
        if self._idle:
            self._idle.pop().send(exchange, request)
        else:
            self._waiting.append((exchange, request))

    def _finished(self, connection: _Connection) -> None:
        self._running -= 1
        if not connection.transport.is_closing():
            self._idle.append(connection)
        while self._waiting and self._idle:
            exchange, request = self._waiting.pop(0)
            self._idle.pop().send(exchange, request)
        if not self._running:
            self._drained.set()

    async def run(self, request: bytes, *, count: int, interval: float, longest: float) -> list[Exchange]:
        """Send `count` requests `interval` seconds apart and wait for the answers, at most `longest` more."""
        exchanges: list[Exchange] = []
        ticks = Ticks(int(interval * 1e9))
        all_sent = asyncio.Event()

        def tick() -> None:
            for _ in range(min(ticks.take(), count - len(exchanges))):
                exchange = Exchange(ticks.start + len(exchanges) * int(interval * 1e9))
                exchanges.append(exchange)
                self.send(exchange, request)
            if len(exchanges) == count:
                all_sent.set()

        loop = asyncio.get_running_loop()
        loop.add_reader(ticks.fd, tick)
        gc.disable()
        try:
            await all_sent.wait()
            loop.remove_reader(ticks.fd)
            if self._running:
                self._drained.clear()
                await asyncio.wait_for(self._drained.wait(), longest + _PATIENCE)
        except TimeoutError:
            for exchange in exchanges:
                if not exchange.done:
                    exchange.error = exchange.error or "no answer in time"
        finally:
            loop.remove_reader(ticks.fd)
            ticks.close()
            gc.enable()
        return exchanges


@asynccontextmanager
async def connected(port: int, connections: int) -> AsyncIterator[Client]:
    client = Client()
    try:
        await client.connect(port, connections)
        yield client
    finally:
        client.close()
