"""The fast transport: HTTP/2 on uvloop's sockets, with all the answers to one read in one write."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from extproc.transport.address import check_free, inherited
from extproc.transport.calls import PROCESS, Methods
from extproc.transport.h2.connection import Connection
from extproc.transport.health import Health

_HIGH_WATER: Final = 4 * 1024 * 1024
"""Bytes written but not taken by the peer's end of the socket, above which we stop reading from it."""
_BACKLOG: Final = 1024


class _Peer(asyncio.Protocol):
    """One connection: bytes from the socket to `Connection` and back."""

    def __init__(self, server: H2Server) -> None:
        self._server = server
        self._connection = Connection(server.methods, self._flush)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own classes are none of asyncio's
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._server.peers.add(self)
        if self._server.draining:  # it was accepted just before
            self._connection.drain()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._connection.receive(data)
        self._flush()

    def _flush(self) -> None:
        out = self._connection.out
        if out:
            data = b"".join(out)
            out.clear()
            self._transport.write(data)  # which may call `pause_writing`
        if self._connection.closed:
            self._transport.close()

    def pause_writing(self) -> None:
        self._transport.pause_reading()
        self._connection.cork(corked=True)

    def resume_writing(self) -> None:
        if not self._connection.closed:
            self._transport.resume_reading()
        self._connection.cork(corked=False)  # whose output may pause both again

    def connection_lost(self, _: Exception | None) -> None:
        self._connection.lose()
        self._server.gone(self)

    def drain(self) -> None:
        self._connection.drain()

    def abort(self) -> None:
        self._transport.abort()


class H2Server:
    """Serves ext_proc on `listen`: ``unix:PATH``, ``HOST:PORT`` (port 0: a free one) or ``fd:N`` each.

    methods: beyond ext_proc and health.
    addresses: where it listens once it has started.
    peers: its connections.
    """

    def __init__(self, listen: Sequence[str], methods: Methods | None = None) -> None:
        self._listen = listen
        self._health = Health()
        self.methods: Methods = {**PROCESS, **self._health.methods(), **(methods or {})}
        self.addresses: list[str] = []
        self.peers: set[_Peer] = set()
        self.draining = False
        self._servers: list[asyncio.AbstractServer] = []
        self._all_gone = asyncio.Event()

    async def start(self) -> None:
        """Raises: OSError: an address cannot be bound."""
        self.addresses = [await self._bind(address) for address in self._listen]

    async def _bind(self, address: str) -> str:
        loop = asyncio.get_running_loop()
        if (listening := inherited(address)) is not None:
            server = await loop.create_unix_server(lambda: _Peer(self), sock=listening, backlog=_BACKLOG)
            self._servers.append(server)
            return address
        check_free(address)
        if address.startswith("unix:"):
            path = address.removeprefix("unix:")
            self._servers.append(await loop.create_unix_server(lambda: _Peer(self), path, backlog=_BACKLOG))
            return address
        host, _, port = address.rpartition(":")
        tcp = await loop.create_server(
            lambda: _Peer(self), host.strip("[]"), int(port), backlog=_BACKLOG, reuse_address=True
        )
        self._servers.append(tcp)
        return f"{host}:{tcp.sockets[0].getsockname()[1]}"

    def gone(self, peer: _Peer) -> None:
        self.peers.discard(peer)
        if not self.peers:
            self._all_gone.set()

    async def drain(self, grace: float) -> None:
        """Fail the health checks, let streams finish for `grace` seconds, then stop."""
        self.draining = True
        self._health.shut_down()
        for server in self._servers:
            server.close()
        self._remove_sockets()
        for peer in list(self.peers):
            peer.drain()
        if self.peers:
            self._all_gone.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), grace)
        for peer in list(self.peers):
            peer.abort()

    def _remove_sockets(self) -> None:
        for address in self.addresses:
            if address.startswith("unix:"):
                Path(address.removeprefix("unix:")).unlink(missing_ok=True)
