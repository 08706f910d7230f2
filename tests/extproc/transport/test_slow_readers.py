"""A peer that sends and does not read: what the server holds for it stays within limits."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket as unix
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from extproc.transport.h2 import frames as f
from extproc.transport.h2.server import H2Server, _Peer
from tests.extproc.transport.h2_peer import connected
from tests.extproc.transport.methods import ECHO, FLOOD
from tests.extproc.transport.methods import methods as served
from tests.extproc.transport.talk import Talk, data, framed

MEGABYTE = 1024 * 1024
SERVER = """
import asyncio, sys, uvloop
from tests.extproc.transport.methods import methods
from tests.extproc.transport.servers import TRANSPORTS

async def serve():
    server = TRANSPORTS[sys.argv[1]]([sys.argv[2]], methods())
    await server.start()
    print("serving", flush=True)
    await asyncio.Event().wait()

uvloop.run(serve())
"""


class Server:
    """A process of its own, so that its memory can be told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.before = self.memory()

    def memory(self) -> float:
        """Resident megabytes."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def growth(self) -> float:
        return self.memory() - self.before


@contextlib.asynccontextmanager
async def running(transport: str, address: str) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, transport, address, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"serving\n"
        async with connected(address) as peer:
            await peer.call(ECHO, b"warm")
        yield Server(process)
    finally:
        process.kill()
        await process.communicate()


class Deaf:
    """Sends until the server takes nothing more for half a second, or it has taken too much; reads nothing."""

    def __init__(self, address: str, window: int) -> None:
        self.talk = Talk(served())
        self.socket = unix.socket(unix.AF_UNIX)
        self.socket.connect(address.removeprefix("unix:"))
        self.socket.settimeout(0.5)
        greeting = f.PREFACE + f.settings((f.INITIAL_WINDOW_SIZE, window))
        self.socket.sendall(greeting + f.window_update(0, 1 << 30))

    def send(self, pieces: Callable[[], bytes], limit: int) -> int:
        """Bytes that the server took."""
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < limit:
                piece = pieces()
                self.socket.sendall(piece)
                sent += len(piece)
        return sent

    def open(self, *streams: int, path: str = ECHO) -> None:
        self.socket.sendall(b"".join(self.talk.opening(stream, path) for stream in streams))


async def test_windows_that_never_open(transport, socket):
    """Each stream sends as much as its window has."""
    streams = range(1, 101, 2)
    async with running(transport, socket) as server:
        deaf = Deaf(socket, window=0)
        deaf.open(*streams)
        for stream in streams:
            message = framed(bytes(16_379))
            deaf.socket.sendall(data(stream, message) * 4)  # within every server's first window
        await asyncio.sleep(0.5)
        assert server.growth < 40
        async with connected(socket) as peer:
            assert (await peer.call(ECHO, b"on")).data == framed(b"on")
        deaf.socket.close()


async def test_a_stream_that_goes_on_as_long_as_it_gets_credit(transport, socket):
    async with running(transport, socket) as server, connected(socket, window=10, credit=False) as peer:
        number, _ = await peer.open(ECHO)
        sending = asyncio.create_task(peer.send(number, framed(*[bytes(10_000)] * 5000)))
        done, _ = await asyncio.wait({sending}, timeout=1)
        assert not done
        assert server.growth < 40
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        async with connected(socket) as other:
            assert (await other.call(ECHO, b"on")).data == framed(b"on")


async def test_a_socket_that_is_never_read(socket):
    """The windows are wide open; only the socket holds the server back."""
    async with running("h2", socket) as server:
        deaf = Deaf(socket, window=1 << 30)
        deaf.open(*range(1, 201, 2))
        piece = b"".join(data(stream, framed(bytes(1000))) for stream in range(1, 201, 2))
        assert deaf.send(lambda: piece, 100 * MEGABYTE) < 20 * MEGABYTE
        assert server.growth < 40
        async with connected(socket) as peer:
            assert (await peer.call(ECHO, b"on")).data == framed(b"on")
        deaf.socket.close()


@pytest.mark.parametrize("kind", ["PING", "SETTINGS", "HEADERS"])
async def test_floods_of_frames_that_want_an_answer(socket, kind):
    async with running("h2", socket) as server:
        deaf = Deaf(socket, window=1 << 30)
        block = deaf.talk.block(path="/nobody")
        deaf.socket.sendall(f.frame(f.HEADERS, 5, 1, block))
        block = deaf.talk.block(path="/nobody")
        streams = itertools.count(3, 2)
        piece = {
            "PING": lambda: f.frame(f.PING, 0, 0, b"12345678") * 1000,
            "SETTINGS": lambda: f.settings() * 1000,
            "HEADERS": lambda: b"".join(f.frame(f.HEADERS, 5, next(streams), block) for _ in range(1000)),
        }[kind]
        assert deaf.send(piece, 20 * MEGABYTE) < 20 * MEGABYTE
        assert server.growth < 40
        deaf.socket.close()


async def test_while_a_large_answer_is_not_read_nothing_is(socket):
    async with running("h2", socket) as server:
        deaf = Deaf(socket, window=1 << 30)
        deaf.open(1, 3, path=FLOOD)
        deaf.socket.sendall(data(1, framed(b"%d" % (20 * MEGABYTE))))
        await asyncio.sleep(0.3)
        deaf.socket.sendall(data(3, framed(b"%d" % (20 * MEGABYTE))) * 50)
        await asyncio.sleep(0.3)
        assert server.growth < 80
        deaf.socket.close()


class FakeTransport:
    """A socket whose buffer is `room` bytes; it pauses its protocol from within `write`, as asyncio's do."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written = bytearray()
        self.reading = True
        self.paused = False
        self.closed = False

    def set_write_buffer_limits(self, high: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data
        if len(self.written) > self.room and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def take(self) -> bytes:
        """The peer reads everything."""
        taken = bytes(self.written)
        self.written.clear()
        self.paused = False
        self.protocol.resume_writing()
        return taken

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True


def connection(room: int) -> tuple[FakeTransport, _Peer, Talk]:
    peer = _Peer(H2Server([], served()))
    transport = FakeTransport(room)
    transport.protocol = peer
    peer.connection_made(transport)
    peer.data_received(f.PREFACE + f.settings((f.INITIAL_WINDOW_SIZE, 1 << 30)) + f.window_update(0, 1 << 30))
    return transport, peer, Talk()


async def test_reading_stops_while_the_socket_is_full_and_goes_on_after():
    transport, peer, talk = connection(1000)
    peer.data_received(talk.opening(1) + data(1, framed(bytes(2000))))
    assert not transport.reading
    assert transport.take()
    assert transport.reading


async def test_output_that_fills_the_socket_at_once_again_keeps_reading_stopped():
    transport, peer, talk = connection(1000)
    peer.data_received(talk.opening(1, FLOOD) + data(1, framed(b"2000")))
    assert not transport.reading
    peer.data_received(data(1, framed(b"50000")))  # was under way
    assert len(transport.take()) < 4000
    assert not transport.reading
    assert len(transport.take()) > 50_000
    assert transport.reading


async def test_a_connection_that_ends_while_its_socket_is_full_is_closed():
    transport, peer, talk = connection(1000)
    peer.data_received(talk.opening(1) + data(1, framed(bytes(2000))) + f.frame(f.PING, 0, 1, bytes(8)))
    assert transport.closed
    transport.take()
    assert not transport.reading
    peer.connection_lost(None)


async def test_a_peer_that_was_accepted_just_before_the_drain():
    transport, peer, _ = connection(1000)
    server = peer._server
    draining = asyncio.create_task(server.drain(20))
    await asyncio.sleep(0)
    late = FakeTransport(1000)
    late.protocol = _Peer(server)
    late.protocol.connection_made(late)
    assert late.closed
    late.protocol.connection_lost(None)
    peer.data_received(f.frame(f.PING, f.ACK, 0, b"draining"))
    assert transport.closed
    peer.connection_lost(None)
    await draining
