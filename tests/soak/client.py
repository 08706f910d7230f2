"""An HTTP/1.1 client that costs little: one connection, one request at a time, asyncio streams."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """headers: lower-case names. body: all of it; of an aborted stream, what came until then."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Cut(Exception):  # noqa: N818 - what it is
    """The connection ended, or could not be made, before the answer was whole."""

    def __init__(self, why: str, status: int | None, body: bytes) -> None:
        super().__init__(f"{why}; status {status}, {len(body)} bytes")
        self.status = status
        self.body = body


class Connection:
    """To 127.0.0.1; opened when it is needed, kept while it can be."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes, *, abort_after: int | None = None) -> Answer:
        """abort_after: chunks of a streamed answer after which the client hangs up. Raises: Cut."""
        status, so_far = None, bytearray()
        try:
            reader, writer = await self._open()
            head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            status, headers = _head(await reader.readuntil(b"\r\n\r\n"))
            if (length := headers.get(b"content-length")) is not None:
                so_far += await reader.readexactly(int(length))
            else:
                await _chunks(reader, so_far, abort_after)
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise Cut(type(error).__name__, status, bytes(so_far)) from error
        except BaseException:
            await self.close()
            raise
        if abort_after is not None or headers.get(b"connection") == b"close":
            await self.close()
        return Answer(status, headers, bytes(so_far))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and not self._streams[0].at_eof():
            return self._streams
        await self.close()
        self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=_LIMIT)
        return self._streams

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _chunks(reader: asyncio.StreamReader, so_far: bytearray, abort_after: int | None) -> None:
    number = 0
    while abort_after is None or number < abort_after:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        so_far += (await reader.readexactly(size + 2))[:size]
        if size == 0:
            return
        number += 1


def _head(text: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = text[:-4].split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}
