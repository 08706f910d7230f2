"""The ADS server: grpc.aio around the sessions. It moves messages and keeps timers, no more.

Nothing queues: of snapshots a stream sees the newest when it is ready to write, and a request is
read when the answers to the one before are written.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from controlplane.ads.delta import DeltaSession
from controlplane.ads.ledger import Ledger
from controlplane.ads.publisher import Publisher, Rejection
from controlplane.ads.reply import Acked, Nacked, Reply, StreamStatus, Synced, Timer
from controlplane.ads.session import SETTLE, Session
from controlplane.ads.sotw import StateOfTheWorldSession
from protos.api import DeltaDiscoveryRequest, DiscoveryRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from controlplane.snapshot import Snapshot

_SERVICE: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_MIB: Final = 1024 * 1024
_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    # A delta Envoy that reconnects names all that it has, with versions.
    ("grpc.max_receive_message_length", 64 * _MIB),
    # A peer that vanished without a word is noticed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Envoy sends keepalives of its own (xds/bootstrap.py); grpc would end the connection after a few.
    ("grpc.http2.max_ping_strikes", 0),
    # A port that another process has is an error, not half of the connections.
    ("grpc.so_reuseport", 0),
)


class Observer:
    """Told what happens; the default is not to care. Called in the event loop: do not block or raise."""

    def stream_opened(self, stream: StreamStatus) -> None: ...

    def stream_closed(self, stream: StreamStatus) -> None: ...

    def acked(self, stream: StreamStatus, type_url: str, version: str) -> None: ...

    def nacked(self, stream: StreamStatus, type_url: str, version: str, message: str) -> None: ...

    def rolled_back(self, rejection: Rejection) -> None:
        """All Envoys go back to ``rejection.rolled_back_to``."""

    def accepted(self, version: str) -> None:
        """Every connected Envoy took all of the snapshot with this version."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen; one of both, or both.

    unix_socket: a path; its mode becomes 0600, since secrets travel over it.
    address: ``host:port``; port 0 takes a free one.
    credentials: for `address`, see `controlplane.ads.tls`; None is plain text.
    """

    unix_socket: Path | None = None
    address: str | None = None
    credentials: grpc.ServerCredentials | None = None


@dataclass(slots=True, eq=False)
class _Stream:
    session: Session
    generation: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    running: dict[Timer, asyncio.TimerHandle] = field(default_factory=dict)
    fired: list[Timer] = field(default_factory=list)

    def start(self, timer: Timer, seconds: float) -> None:
        if before := self.running.get(timer):
            before.cancel()
        self.running[timer] = asyncio.get_running_loop().call_later(seconds, self._fire, timer)

    def _fire(self, timer: Timer) -> None:
        del self.running[timer]
        self.fired.append(timer)
        self.wake.set()

    def stop(self) -> None:
        for handle in self.running.values():
            handle.cancel()


class AdsServer:
    """Serves one Publisher's snapshot to any number of Envoys, state-of-the-world and delta.

    settle: see `Session`.
    clock: seconds since the epoch.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        settle: float = SETTLE,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoint = endpoint
        self._settle = settle
        self._observer = observer or Observer()
        self._clock = clock
        self._publisher = Publisher()
        self._ledger = Ledger()
        self._ids = itertools.count(1)
        self._streams: dict[int, _Stream] = {}
        self._server: grpc.aio.Server | None = None
        self._stopping = False
        self._port = 0
        self._told_accepted = ""

    @property
    def port(self) -> int:
        """The TCP port, 0 without an address or before `start`."""
        return self._port

    @property
    def publisher(self) -> Publisher:
        """For reading: what is current, and the last rejection."""
        return self._publisher

    def streams(self) -> list[StreamStatus]:
        return [stream.session.status() for stream in self._streams.values()]

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: an address is taken, or not ours to take.
        """
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((self._handlers(),))
        if path := self._endpoint.unix_socket:
            _listen(server.add_insecure_port, f"unix:{path}")
            path.chmod(0o600)
        if address := self._endpoint.address:
            add = server.add_insecure_port
            if credentials := self._endpoint.credentials:
                add = partial(server.add_secure_port, server_credentials=credentials)
            self._port = _listen(add, address)
        await server.start()
        self._server = server

    def publish(self, snapshot: Snapshot) -> None:
        """Make `snapshot` the one that every Envoy is to have."""
        self._publisher.publish(snapshot)
        self._tell_accepted()
        self._wake_all()

    def remember(self, snapshot: Snapshot) -> None:
        """See `Publisher.remember`."""
        self._publisher.remember(snapshot)

    async def stop(self, grace: float = 1.0) -> None:
        """End all streams cleanly; what has not ended after `grace` seconds is cut."""
        self._stopping = True
        self._wake_all()
        if self._server is not None:
            await self._server.stop(grace)

    def _handlers(self) -> grpc.GenericRpcHandler:
        def method(request: Any, make: Callable[..., Session]) -> grpc.RpcMethodHandler[Any, Any]:
            async def handler(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
                session = make(
                    self._clock, stream_id=next(self._ids), peer=context.peer(), settle=self._settle
                )
                await self._serve(context, session)

            return grpc.stream_stream_rpc_method_handler(
                handler,
                request_deserializer=request.FromString,
                response_serializer=lambda response: response.SerializeToString(),
            )

        return grpc.method_handlers_generic_handler(
            _SERVICE,
            {
                "StreamAggregatedResources": method(
                    DiscoveryRequest, partial(StateOfTheWorldSession, ledger=self._ledger)
                ),
                "DeltaAggregatedResources": method(DeltaDiscoveryRequest, DeltaSession),
            },
        )

    async def _serve(self, context: grpc.aio.ServicerContext[Any, Any], session: Session) -> None:
        stream = _Stream(session)
        self._streams[session.id] = stream
        self._publisher.opened(session.id)
        self._observer.stream_opened(session.status())
        try:
            await self._converse(context, stream)
        except asyncio.CancelledError:
            # An Envoy that goes, or our own stop: normal. Raised on, grpc would log a traceback.
            pass
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        finally:
            stream.stop()
            del self._streams[session.id]
            self._publisher.closed(session.id)
            self._tell_accepted()
            self._observer.stream_closed(session.status())

    async def _converse(self, context: grpc.aio.ServicerContext[Any, Any], stream: _Stream) -> None:
        session = stream.session
        reading = asyncio.ensure_future(context.read())
        waking = asyncio.ensure_future(stream.wake.wait())
        try:
            while not self._stopping:
                current = self._publisher.current
                if current is not None and stream.generation != self._publisher.generation:
                    stream.generation = self._publisher.generation
                    if session.version != current.version:
                        self._publisher.heard(session.id)
                    await self._answer(context, stream, session.on_snapshot(current))
                    continue
                await asyncio.wait({reading, waking}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    request = reading.result()
                    if request is grpc.aio.EOF:
                        return
                    await self._answer(context, stream, session.on_request(request))
                    reading = asyncio.ensure_future(context.read())
                if waking.done():
                    stream.wake.clear()
                    waking = asyncio.ensure_future(stream.wake.wait())
                    while stream.fired:
                        await self._answer(context, stream, session.on_timer(stream.fired.pop(0)))
        finally:
            reading.cancel()
            waking.cancel()

    async def _answer(
        self, context: grpc.aio.ServicerContext[Any, Any], stream: _Stream, reply: Reply
    ) -> None:
        for timer, seconds in reply.timers:
            stream.start(timer, seconds)
        for event in reply.events:
            self._note(stream.session.status(), event)
        for message in reply.messages:
            await context.write(message)

    def _note(self, status: StreamStatus, event: Acked | Nacked | Synced) -> None:
        match event:
            case Acked(type_url, version):
                self._observer.acked(status, type_url, version)
            case Nacked(type_url, version, _, message):
                self._observer.nacked(status, type_url, version, message)
                if rejection := self._publisher.nacked(status.node_id, event, self._clock()):
                    self._observer.rolled_back(rejection)
                    self._wake_all()
            case Synced(version):
                self._publisher.synced(status.id, version)
                self._tell_accepted()

    def _tell_accepted(self) -> None:
        current = self._publisher.current
        if current is not None and self._publisher.accepted and self._told_accepted != current.version:
            self._told_accepted = current.version
            self._observer.accepted(current.version)

    def _wake_all(self) -> None:
        for stream in self._streams.values():
            stream.wake.set()


def _listen(add: Callable[[str], int], address: str) -> int:
    """Raises: OSError."""
    try:
        port = add(address)
    except RuntimeError as error:
        raise OSError(f"ADS cannot listen on {address}: {error}") from error
    return port
