"""gRPC methods for the tests of transports: what they answer is easy to foretell."""

from __future__ import annotations

import asyncio
from typing import Any

from extproc.transport.calls import GONE, Methods, Status, unary

ECHO = "/test.Test/Echo"
"""Each message back, as it is."""
FLOOD = "/test.Test/Flood"
"""A message with a number: so many bytes, in one message."""
UPPER = "/test.Test/Upper"
"""Unary: the message in capitals."""
SLOW = "/test.Test/Slow"
"""Unary: after so many seconds, the message."""
BROKEN = "/test.Test/Broken"
"""Fails with a bug of its own: at `open`, `message` or `half_close`, as the test says."""


SECRET = "what the request said"


class Echo:
    def __init__(self, replies: Any) -> None:
        self.replies = replies

    def message(self, data: bytes) -> None:
        self.replies.send((data,))

    def half_close(self) -> None:
        self.replies.finish(Status.OK)

    def lost(self) -> None: ...


class Flood(Echo):
    def message(self, data: bytes) -> None:
        self.replies.send((bytes(int(data)),))


class Broken(Echo):
    def message(self, data: bytes) -> None:
        if data == b"message":
            raise RuntimeError(SECRET)

    def half_close(self) -> None:
        raise RuntimeError(SECRET)

    def lost(self) -> None:
        raise RuntimeError(SECRET)


class Recorder:
    """What happened to the calls of a method, in order; it answers nothing by itself."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.replies: list[Any] = []

    def __call__(self, replies: Any) -> Any:
        said: list[Any] = []
        self.calls.append(said)
        self.replies.append(replies)

        class Call:
            def message(self, data: bytes) -> None:
                said.append(data)

            def half_close(self) -> None:
                said.append("half closed")

            def lost(self) -> None:
                said.append("lost")

        return Call()


class Slow:
    """Counts what becomes of its calls."""

    def __init__(self) -> None:
        self.started = self.finished = self.cancelled = 0
        self.ended = asyncio.Event()

    async def answer(self, request: bytes) -> bytes:
        self.started += 1
        try:
            await asyncio.sleep(float(request))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        else:
            self.finished += 1
            return request
        finally:
            self.ended.set()


async def _upper(request: bytes) -> bytes:
    if request == b"bug":
        raise RuntimeError(SECRET)
    if request == b"":
        raise ValueError("an empty message")
    return request.upper()


def methods(slow: Slow | None = None) -> Methods:
    return {
        ECHO: Echo,
        FLOOD: Flood,
        UPPER: unary(_upper),
        BROKEN: Broken,
        SLOW: unary((slow or Slow()).answer),
        "/test.Test/BrokenOpen": lambda _: 1 // 0,
        "/test.Test/Ends": _ends,
    }


def _ends(replies: Any) -> Any:
    """Ends the call before anything is said."""
    replies.finish(Status.OK)
    return GONE
