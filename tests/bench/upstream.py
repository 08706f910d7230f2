"""The providers of the stand: ``python -m tests.bench.upstream openai=PORT anthropic-stream=PORT …``

One uvloop process with a port for each kind of answer, whatever the path. It must never be the bottleneck, so
answers are bytes made beforehand and a request is read only as far as its end.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Final, cast

import uvloop

from tests.bench import bodies

INTERVAL: Final = 0.02
"""Seconds between two chunks of a stream."""

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKS: Final = re.compile(rb'"(?:max_(?:completion_)?tokens|max(?:Output)?Tokens)" *: *(\d+)')
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


def request_end(buffer: bytes | bytearray) -> int:
    """Where the first request in `buffer` ends; 0: it has not wholly arrived.

    Envoy sends the next request only after the answer, so what has no length ends with the buffer.
    """
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    length = _LENGTH.search(buffer, 0, head)
    if length:
        end = head + 4 + int(length[1])
        return end if len(buffer) >= end else 0
    if b"chunked" in buffer[:head].lower():
        return len(buffer) if buffer.endswith(_LAST_CHUNK) else 0
    return head + 4


def chunks_wanted(body: bytes | bytearray) -> int:
    """How many chunks a request wants: its limit of tokens."""
    found = _CHUNKS.search(body)
    return int(found[1]) if found else 1


def whole(status: bytes, body: bytes) -> bytes:
    """An answer with a length."""
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (
        status,
        len(body),
    )
    return head + body


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Upstream(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while end := request_end(self._buffer):
            request = self._buffer[:end]
            del self._buffer[:end]
            self.answer(request)

    def answer(self, request: bytearray) -> None:
        raise NotImplementedError


class _Unary(_Upstream):
    def __init__(self, response: bytes) -> None:
        super().__init__()
        self._response = response

    def answer(self, request: bytearray) -> None:
        self._transport.write(self._response)


class _Stream(_Upstream):
    """One write for each chunk, so that Envoy sees one event at a time."""

    def __init__(
        self, begin: bytes, delta: bytes, end: bytes, content_type: bytes = b"text/event-stream"
    ) -> None:
        super().__init__()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % content_type
        self._begin, self._delta, self._end = head + chunk(begin), chunk(delta), chunk(end) + b"0\r\n\r\n"

    def answer(self, request: bytearray) -> None:
        self._left = chunks_wanted(request)
        self._next = asyncio.get_running_loop().time()
        self._transport.write(self._begin)
        self._wait()

    def _wait(self) -> None:
        # By the clock, not by the last chunk: delays do not add up.
        self._next += INTERVAL
        asyncio.get_running_loop().call_at(self._next, self._tick)

    def _tick(self) -> None:
        if self._transport.is_closing():
            return
        if self._left == 0:
            self._transport.write(self._end)
            return
        self._left -= 1
        self._transport.write(self._delta)
        self._wait()


FACES: Final[dict[str, Callable[[], asyncio.Protocol]]] = {
    "openai": lambda: _Unary(whole(b"200 OK", bodies.openai_answer())),
    "anthropic": lambda: _Unary(whole(b"200 OK", bodies.anthropic_answer())),
    "gemini": lambda: _Unary(whole(b"200 OK", bodies.gemini_answer())),
    "bedrock": lambda: _Unary(whole(b"200 OK", bodies.bedrock_answer())),
    "failing": lambda: _Unary(whole(b"503 Service Unavailable", bodies.openai_error())),
    "openai-stream": lambda: _Stream(*bodies.openai_stream()),
    "anthropic-stream": lambda: _Stream(*bodies.anthropic_stream()),
    "gemini-stream": lambda: _Stream(*bodies.gemini_stream()),
    "bedrock-stream": lambda: _Stream(*bodies.bedrock_stream(), b"application/vnd.amazon.eventstream"),
}
"""What a port answers."""


async def _serve(ports: Sequence[tuple[str, int]]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    servers = [await loop.create_server(FACES[face], "127.0.0.1", port, backlog=1024) for face, port in ports]
    await stop.wait()
    for server in servers:
        server.close()


def main() -> None:
    arguments = (argument.partition("=") for argument in sys.argv[1:])
    uvloop.run(_serve([(face, int(port)) for face, _, port in arguments]))


if __name__ == "__main__":
    main()
