"""A gRPC client made of the ``h2`` library: its windows, and when it reads, are the test's to say."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes

from tests.extproc.transport.talk import REQUEST, framed


class Stream:
    """What has come of one call. credit: whether what has come is read, as the server sees it."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.trailers: dict[str, str] = {}
        self.data = bytearray()
        self.reset: int | None = None
        self.ended = asyncio.Event()

    @property
    def status(self) -> tuple[str | None, str | None]:
        told = {**self.headers, **self.trailers}
        return told.get("grpc-status"), told.get("grpc-message")


class Peer:
    """One connection."""

    def __init__(self, window: int, frame_size: int, *, credit: bool) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = window
        self.h2.local_settings[SettingCodes.MAX_FRAME_SIZE] = frame_size
        self.h2.local_settings.acknowledge()
        self.h2.max_inbound_frame_size = frame_size
        self.credit = credit
        self.streams: dict[int, Stream] = defaultdict(Stream)
        self.pongs: list[bytes] = []
        self.goaways: list[ConnectionTerminated] = []
        self.settled = asyncio.Event()
        self.gone = asyncio.Event()
        self._news = asyncio.Condition()

    async def run(self, address: str) -> None:
        if address.startswith("unix:"):
            opened = asyncio.open_unix_connection(address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            opened = asyncio.open_connection(host, int(port))
        self.reader, self.writer = await opened
        self.h2.initiate_connection()
        self._reading = asyncio.create_task(self._read())
        await self.flush()
        await self.settled.wait()

    async def _read(self) -> None:
        try:
            with contextlib.suppress(OSError):
                while received := await self.reader.read(65_536):
                    for event in self.h2.receive_data(received):
                        self._on(event)
                    await self.flush()
                    async with self._news:
                        self._news.notify_all()
        finally:
            self.gone.set()
            for stream in self.streams.values():
                stream.ended.set()

    def _on(self, event: Any) -> None:
        match event:
            case ResponseReceived():
                self.streams[event.stream_id].headers = dict(event.headers)
            case TrailersReceived():
                self.streams[event.stream_id].trailers = dict(event.headers)
            case DataReceived():
                self.streams[event.stream_id].data += event.data
                if self.credit and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.streams[event.stream_id].ended.set()
            case StreamReset():
                self.streams[event.stream_id].reset = int(event.error_code)
                self.streams[event.stream_id].ended.set()
            case PingAckReceived():
                self.pongs.append(event.ping_data)
            case ConnectionTerminated():
                self.goaways.append(event)
            case SettingsAcknowledged():
                self.settled.set()

    async def flush(self) -> None:
        with contextlib.suppress(OSError):
            self.writer.write(self.h2.data_to_send())
            await self.writer.drain()

    async def open(self, path: str, **headers: str) -> tuple[int, Stream]:
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, list({**dict(REQUEST), ":path": path, **headers}.items()))
        await self.flush()
        return number, self.streams[number]

    async def send(self, stream: int, data: bytes, *, end: bool = False, piece: int = 1 << 30) -> None:
        """As fast as the server's windows allow. piece: the largest DATA frame."""
        at = 0
        while at < len(data):
            window = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, piece)
            if window == 0:
                async with self._news:
                    await self._news.wait()
                continue
            self.h2.send_data(stream, data[at : at + window])
            at += window
            await self.flush()
        if end:
            self.h2.end_stream(stream)
            await self.flush()

    async def call(self, path: str, *messages: bytes, **options: Any) -> Stream:
        """A call from its beginning to its end."""
        number, stream = await self.open(path)
        sending = asyncio.create_task(self.send(number, framed(*messages), end=True, **options))
        await stream.ended.wait()
        await sending
        return stream

    async def close(self) -> None:
        self.writer.close()
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await self._reading
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


async def until(condition: Callable[[], Any]) -> None:
    """Waits until `condition` gives something true."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def connected(
    address: str, *, window: int = 65_535, frame_size: int = 16_384, credit: bool = True
) -> AsyncIterator[Peer]:
    peer = Peer(window, frame_size, credit=credit)
    await peer.run(address)
    try:
        yield peer
    finally:
        await peer.close()
