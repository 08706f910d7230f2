"""``grpc.health.v1.Health``, which Envoy's active health checks ask.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from extproc.server import PROCESS_METHOD
from extproc.transport.calls import Methods, Replies, Status, UnknownService, unary
from extproc.wire.protobuf import MalformedProtobuf, field_at, varint

_NAMES: Final = ("", PROCESS_METHOD.strip("/").partition("/")[0])
"""What can be asked for: the server, and the one service that matters."""
_SERVICE: Final = 0x0A  # HealthCheckRequest.service = 1, as it stands on the wire
_STATUS: Final = b"\x08"  # HealthCheckResponse.status = 1


class _State(IntEnum):
    """``HealthCheckResponse.ServingStatus``."""

    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


class Health:
    """Serving until `shut_down`, which everybody who watches is told of."""

    def __init__(self) -> None:
        self._state = _State.SERVING
        self._watchers: dict[Replies, str] = {}

    def shut_down(self) -> None:
        self._state = _State.NOT_SERVING
        for watcher, name in self._watchers.items():
            if name in _NAMES:
                watcher.send((self._told(name),))

    def methods(self) -> Methods:
        service = "/grpc.health.v1.Health/"
        return {f"{service}Check": unary(self._check), f"{service}Watch": lambda peer: _Watch(self, peer)}

    async def _check(self, request: bytes) -> bytes:
        name = _asked(request)
        if name not in _NAMES:
            raise UnknownService(f"no service named {name[:100]!r}")
        return self._told(name)

    def watch(self, request: bytes, replies: Replies) -> None:
        """Raises: ValueError."""
        name = _asked(request)
        self._watchers[replies] = name
        replies.send((self._told(name),))

    def forget(self, replies: Replies) -> None:
        self._watchers.pop(replies, None)

    def _told(self, name: str) -> bytes:
        return _STATUS + varint(self._state if name in _NAMES else _State.SERVICE_UNKNOWN)


def _asked(request: bytes) -> str:
    """Raises: ValueError."""
    name = ""
    try:
        at = 0
        while at < len(request):
            tag, start, at = field_at(request, at, len(request))
            if tag == _SERVICE:
                name = request[start:at].decode()
    except (MalformedProtobuf, UnicodeDecodeError) as error:
        raise ValueError(f"not a HealthCheckRequest: {error}") from None
    return name


class _Watch:
    """A stream of states, until the peer ends it."""

    def __init__(self, health: Health, replies: Replies) -> None:
        self._health = health
        self._replies = replies
        self._asked = False

    def message(self, data: bytes) -> None:
        if self._asked:
            self._refuse("one message was expected")
            return
        self._asked = True
        try:
            self._health.watch(data, self._replies)
        except ValueError as error:
            self._refuse(str(error))

    def half_close(self) -> None:
        """A watcher has nothing more to say, and goes on listening."""
        if not self._asked:
            self._refuse("a message was expected")

    def _refuse(self, reason: str) -> None:
        self._health.forget(self._replies)
        self._replies.finish(Status.INVALID_ARGUMENT, reason)

    def lost(self) -> None:
        self._health.forget(self._replies)
