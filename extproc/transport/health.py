"""``grpc.health.v1.Health``, which Envoy's active health checks ask.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from extproc.server import PROCESS_METHOD
from extproc.transport.calls import Call, Methods, Replies, Status, UnknownService, unary

_NAMES: Final = ("", PROCESS_METHOD.strip("/").partition("/")[0])
"""What can be asked for: the server, and the one service that matters."""
_State: Any = health_pb2.HealthCheckResponse


class Health:
    """Serving until `shut_down`, which everybody who watches is told of."""

    def __init__(self) -> None:
        self._state: int = _State.SERVING
        self._watchers: list[Replies] = []

    def shut_down(self) -> None:
        self._state = _State.NOT_SERVING
        for watcher in self._watchers:
            watcher.send((self._told(""),))

    def methods(self) -> Methods:
        service = "/grpc.health.v1.Health/"
        return {f"{service}Check": unary(self._check), f"{service}Watch": self._watch}

    async def _check(self, request: bytes) -> bytes:
        name = _asked(request)
        if name not in _NAMES:
            raise UnknownService(f"no service named {name!r}")
        return self._told(name)

    def _watch(self, replies: Replies) -> Call:
        return _Watch(self, replies)

    def watch(self, request: bytes, replies: Replies) -> None:
        replies.send((self._told(_asked(request)),))
        self._watchers.append(replies)

    def forget(self, replies: Replies) -> None:
        self._watchers = [watcher for watcher in self._watchers if watcher is not replies]

    def _told(self, name: str) -> bytes:
        status = self._state if name in _NAMES else _State.SERVICE_UNKNOWN
        told: bytes = _State(status=status).SerializeToString()
        return told


def _asked(request: bytes) -> str:
    """Raises: ValueError."""
    try:
        return str(health_pb2.HealthCheckRequest.FromString(request).service)
    except DecodeError as error:
        raise ValueError(f"not a HealthCheckRequest: {error}") from None


class _Watch:
    """A stream of states, until the peer ends it."""

    def __init__(self, health: Health, replies: Replies) -> None:
        self._health = health
        self._replies = replies

    def message(self, data: bytes) -> None:
        try:
            self._health.watch(data, self._replies)
        except ValueError as error:
            self._replies.finish(Status.INVALID_ARGUMENT, str(error))

    def half_close(self) -> None:
        """A watcher has nothing more to say, and goes on listening."""

    def lost(self) -> None:
        self._health.forget(self._replies)
