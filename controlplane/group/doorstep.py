"""A worker's listening socket, which the supervisor holds: it outlives the worker, so nobody is ever refused.

Who connects between two lives of a worker waits in the queue for the next one, some tenths of a second. As
long as other workers serve, that is a waste: then who comes is sent away at once, and Envoy turns to another
(docs/decisions/0005).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Final

_QUEUE: Final = 1024
_TIMEOUT: Final = 5.0
_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""A client's preface and its empty SETTINGS (https://www.rfc-editor.org/rfc/rfc9113#section-3.4)."""


class Doorstep:
    """Listens on `path`, a unix socket, until the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(_QUEUE)
        self._socket.setblocking(False)
        self._turning_away = False

    @property
    def descriptor(self) -> int:
        """For the worker to inherit."""
        return self._socket.fileno()

    def turn_away(self, *, everybody: bool) -> None:
        """Close each connection as it comes, from now on, or no longer."""
        if everybody == self._turning_away:
            return
        self._turning_away = everybody
        loop = asyncio.get_running_loop()
        if everybody:
            loop.add_reader(self._socket, self._turn_away)
        else:
            loop.remove_reader(self._socket)

    def _turn_away(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._socket.accept()[0].close()

    def close(self) -> None:
        self.turn_away(everybody=False)
        self._socket.close()

    async def somebody_answers(self) -> bool:
        """A worker greets us as HTTP/2 servers do; that the connection is made says nothing."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                reader, writer = await asyncio.open_unix_connection(str(self._path))
                try:
                    writer.write(_HELLO)
                    return bool(await reader.read(1))
                finally:
                    writer.transport.abort()
        except (OSError, TimeoutError):
            return False
