"""What a transport serves: gRPC calls, free of HTTP/2 and of sockets.

A transport opens a `Call` for each gRPC call, hands it the peer's messages, and writes what the call says
through `Replies`.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import IntEnum
from typing import Final, Protocol, TypeAlias

from extproc.messages import ProtocolError
from extproc.server import PROCESS_METHOD, Stream

log = logging.getLogger("extproc")


class Status(IntEnum):
    """https://grpc.github.io/grpc/core/md_doc_statuscodes.html"""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13


class Replies(Protocol):
    """Where a call's answers go. After `finish`, and after the peer has gone, both are without effect."""

    def send(self, messages: Sequence[bytes]) -> None: ...

    def finish(self, status: Status, text: str = "") -> None: ...


class Call(Protocol):
    """One gRPC call."""

    def message(self, data: bytes) -> None:
        """The peer's next message."""
        ...

    def half_close(self) -> None:
        """The peer has said all."""
        ...

    def lost(self) -> None:
        """The peer has gone, or wants no answer any more."""
        ...


class _Gone:
    """Nobody any more: what a stream that is over has for a call."""

    def message(self, data: bytes) -> None: ...

    def half_close(self) -> None: ...

    def lost(self) -> None: ...


GONE: Final[Call] = _Gone()


def log_bug(error: Exception) -> None:
    """Without its message: what an exception says may quote a request."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("bug in the ext_proc transport: %s\n%s", type(error).__qualname__, where)


Open: TypeAlias = Callable[[Replies], Call]
Methods: TypeAlias = Mapping[str, Open]
"""Path, as ``/package.Service/Method`` -> what opens a call of it."""


def unknown_method(replies: Replies) -> Call:
    """A call of what nobody serves."""
    replies.finish(Status.UNIMPLEMENTED, "no such method")
    return GONE


class ProcessCall:
    """``ExternalProcessor/Process``: one `Stream`."""

    __slots__ = ("_replies", "_stream")

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._stream = Stream()

    def message(self, data: bytes) -> None:
        try:
            output = self._stream.receive(data)
        except ProtocolError as error:
            self._replies.finish(Status.INTERNAL, str(error))
            return
        if output.messages:
            self._replies.send(output.messages)
        if output.close:
            self._replies.finish(Status.OK)

    def half_close(self) -> None:
        self._replies.finish(Status.OK)

    def lost(self) -> None:
        """Envoy resets the stream of an attempt that is over; that is not an error (trap 14)."""


class UnknownService(Exception):  # noqa: N818 - what it is
    """A unary method knows nothing of what it was asked for: NOT_FOUND."""


class UnaryCall:
    """A method with one message each way, which may take its time.

    It raises ValueError for a message that is none of its own (INVALID_ARGUMENT), or UnknownService.
    """

    __slots__ = ("_answer", "_replies", "_request", "_task")

    def __init__(self, answer: Callable[[bytes], Awaitable[bytes]], replies: Replies) -> None:
        self._answer = answer
        self._replies = replies
        self._request: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    def message(self, data: bytes) -> None:
        if self._request is not None:
            self._replies.finish(Status.INVALID_ARGUMENT, "one message was expected")
            return
        self._request = data

    def half_close(self) -> None:
        if self._request is None:
            self._replies.finish(Status.INVALID_ARGUMENT, "a message was expected")
            return
        self._task = asyncio.get_running_loop().create_task(self._run(self._request))

    async def _run(self, request: bytes) -> None:
        try:
            self._replies.send((await self._answer(request),))
        except ValueError as error:
            self._replies.finish(Status.INVALID_ARGUMENT, str(error))
        except UnknownService as error:
            self._replies.finish(Status.NOT_FOUND, str(error))
        except Exception as error:  # noqa: BLE001 - it costs this call only
            log_bug(error)
            self._replies.finish(Status.INTERNAL, "internal error")
        else:
            self._replies.finish(Status.OK)

    def lost(self) -> None:
        if self._task is not None:
            self._task.cancel()


def unary(answer: Callable[[bytes], Awaitable[bytes]]) -> Open:
    """The method that answers with `answer`."""
    return lambda replies: UnaryCall(answer, replies)


PROCESS: Final[Methods] = {PROCESS_METHOD: ProcessCall}
