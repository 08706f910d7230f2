"""One HTTP/2 stream: a gRPC call, with its share of flow control.

Incoming bytes become messages, which the `Call` answers at once. While more than `MAX_QUEUED` bytes of
answers wait for the peer's window, nothing further is read from its messages and no credit is given: what a
slow reader makes us hold is bounded by that and by one stream window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from extproc.server import MAX_MESSAGE
from extproc.transport.calls import GONE, Call, Open, Status, log_bug
from extproc.transport.h2 import headers
from extproc.transport.h2.frames import (
    DATA,
    DEFAULT_FRAME_SIZE,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    ErrorCode,
    frame,
    window_update,
)

if TYPE_CHECKING:
    from extproc.transport.h2.connection import Connection

WINDOW: Final = 262_144
"""Bytes that a peer may send on a stream before it gets credit."""
MAX_QUEUED: Final = 262_144
"""Bytes of answers waiting for the peer's window, above which its next message must wait too."""
_PREFIX: Final = 5
"""Bytes before each gRPC message: the compressed flag and the length."""


class State(Enum):
    """https://www.rfc-editor.org/rfc/rfc9113#section-5.1, as this server sees it."""

    OPEN = auto()
    PEER_ENDED = auto()
    """The peer has said all, but its last messages wait until our answers are taken."""
    PEER_DONE = auto()
    """The peer has said all; our answers go on."""
    ANSWERED = auto()
    """We have said all; what the peer still sends is dropped until it is done."""
    CLOSED = auto()


class Stream:
    """See `extproc.transport.calls.Replies`, which it is for its call."""

    __slots__ = (
        "_begun",
        "_call",
        "_connection",
        "_ending",
        "_need",
        "_partial",
        "_queue",
        "_queued",
        "_uncredited",
        "id",
        "state",
        "window",
    )

    def __init__(self, stream_id: int, connection: Connection, opener: Open, window: int) -> None:
        self.id = stream_id
        self.state = State.OPEN
        self.window = window
        self._connection = connection
        self._partial = bytearray()
        self._need = _PREFIX  # bytes in `_partial` before it is worth a look
        self._uncredited = 0
        self._begun = False
        self._queue: deque[bytearray | memoryview] = deque()  # DATA that waits for a window
        self._queued = 0  # bytes of it
        self._ending = b""  # the frame that ends the stream, sent once the queue is empty
        self._call: Call = GONE
        try:
            self._call = opener(self)
        except Exception as error:  # noqa: BLE001 - it costs this call, never the connection
            self._bug(error)

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    @property
    def answered(self) -> bool:
        return self.state is State.ANSWERED

    @property
    def peer_done(self) -> bool:
        return self.state is State.PEER_ENDED or self.state is State.PEER_DONE

    # What the peer says.

    def receive(self, payload: bytes, size: int) -> None:
        """DATA. size: of the frame's whole payload, padding included, which is what flow control counts."""
        self._uncredited += size
        if self._uncredited > WINDOW:
            self._connection.reset(self, ErrorCode.FLOW_CONTROL_ERROR)
            return
        if self._ending:
            if self.answered and self._uncredited > WINDOW // 2:
                self._connection.reset(self, ErrorCode.NO_ERROR)  # RFC 9113, section 8.1: stop sending
            return
        partial = self._partial
        if partial or self._queued > MAX_QUEUED:
            partial += payload
            if len(partial) >= self._need and self._queued <= MAX_QUEUED:
                self._read_partial()
        else:
            rest = self._read(payload)
            if rest:
                partial += rest
        self._credit()

    def _credit(self) -> None:
        if self._uncredited > WINDOW // 2 and self._queued <= MAX_QUEUED and not self._ending:
            self._connection.out.append(window_update(self.id, self._uncredited))
            self._uncredited = 0

    def _read_partial(self) -> None:
        data = bytes(self._partial)
        self._partial.clear()
        self._partial += self._read(data)

    def _read(self, data: bytes) -> bytes:
        """Hand over the messages in `data`; what is left of it."""
        start, end = 0, len(data)
        while end - start >= _PREFIX:
            size = int.from_bytes(data[start + 1 : start + _PREFIX], "big")
            if data[start]:
                self.finish(Status.UNIMPLEMENTED, "compressed messages are not accepted")
                return b""
            if size > MAX_MESSAGE:
                self.finish(Status.RESOURCE_EXHAUSTED, f"a message of {size} bytes, above {MAX_MESSAGE}")
                return b""
            stop = start + _PREFIX + size
            if stop > end:
                self._need = _PREFIX + size
                return data[start:]
            try:
                self._call.message(data[start + _PREFIX : stop])
            except Exception as error:  # noqa: BLE001 - it costs this call, never the connection
                self._bug(error)
            start = stop
            if self._ending or self.state is State.CLOSED:
                return b""
            if self._queued > MAX_QUEUED:
                break
        self._need = _PREFIX
        return data[start:]

    def half_close(self) -> None:
        """END_STREAM."""
        if self.state is State.CLOSED:
            return  # by the frame that END_STREAM came with
        if self.state is State.ANSWERED:
            self._close()
        elif self._queued > MAX_QUEUED:
            self.state = State.PEER_ENDED
        else:
            self._tell_half_close()

    def _tell_half_close(self) -> None:
        self.state = State.PEER_DONE
        if self._ending:
            return
        if self._partial:
            self.finish(Status.INTERNAL, "the call ended within a message")
        else:
            try:
                self._call.half_close()
            except Exception as error:  # noqa: BLE001 - it costs this call, never the connection
                self._bug(error)

    def lose(self) -> None:
        """The peer reset the stream, or the connection is gone."""
        call, answered = self._call, self.state is State.ANSWERED
        self._close()
        if not answered:
            try:
                call.lost()
            except Exception as error:  # noqa: BLE001 - nor the other calls of a connection that is gone
                log_bug(error)

    def _bug(self, error: Exception) -> None:
        log_bug(error)
        self.finish(Status.INTERNAL, "internal error")

    def _close(self) -> None:
        self.state = State.CLOSED
        self._call = GONE  # or the two would keep each other alive until the next garbage collection
        self._partial.clear()
        self._queue.clear()
        self._queued = 0
        self._connection.forget(self)

    # What the call says.

    def send(self, messages: Sequence[bytes]) -> None:
        if self._ending or self.state is State.CLOSED:
            return
        connection = self._connection
        if not self._begun:
            self._begun = True
            connection.out.append(frame(HEADERS, END_HEADERS, self.id, headers.RESPONSE))
        parts: list[bytes] = []
        for message in messages:
            parts += (b"\0", len(message).to_bytes(4, "big"), message)
        payload = b"".join(parts)
        size = len(payload)
        if not self._queue and size <= connection.frame_size and connection.take(self, size):
            connection.out.append(frame(DATA, 0, self.id, payload))
        else:
            self._enqueue(payload, size)
            self.pump()
        connection.written()

    def finish(self, status: Status, text: str = "") -> None:
        if self._ending or self.state is State.CLOSED:
            return
        block = headers.trailers(status, text)
        if not self._begun:
            block = headers.RESPONSE + block
        self._ending = frame(HEADERS, END_HEADERS | END_STREAM, self.id, block)
        self._partial.clear()
        if not self._queue:
            self._end()
        self._connection.written()

    def _end(self) -> None:
        self._connection.out.append(self._ending)
        if self.state is State.OPEN:
            self.state = State.ANSWERED
            self._connection.answered(self)
        else:
            self._close()

    def _enqueue(self, payload: bytes, size: int) -> None:
        """Small messages share an entry, or the entries would take far more memory than the messages."""
        self._queued += size
        last = self._queue[-1] if self._queue else None
        if isinstance(last, bytearray) and len(last) + size <= DEFAULT_FRAME_SIZE:
            last += payload
        elif size < DEFAULT_FRAME_SIZE:
            self._queue.append(bytearray(payload))
        else:
            self._queue.append(memoryview(payload))

    def pump(self) -> None:
        """Send of the queue what the windows allow."""
        connection = self._connection
        queue = self._queue
        while queue:
            payload = queue[0]
            size = connection.allowed(self, len(payload))
            if size <= 0:
                connection.wait(self)
                return
            connection.take(self, size)
            self._queued -= size
            if size == len(payload):
                queue.popleft()
            else:
                payload = memoryview(payload)
                queue[0] = payload[size:]
                payload = payload[:size]
            connection.out.append(frame(DATA, 0, self.id, payload))
        if self._ending:
            self._end()

    def writable(self) -> None:
        """A window has grown: send on, and read on if that had to wait."""
        if not self._queue:
            return  # and nothing waits, not even the end
        held = self._queued > MAX_QUEUED
        self.pump()
        if not held or self._queued > MAX_QUEUED or self.closed:
            return
        if len(self._partial) >= self._need:
            self._read_partial()
        if self._queued > MAX_QUEUED or self.closed:
            return
        if self.state is State.PEER_ENDED:
            self._tell_half_close()
        else:
            self._credit()
