"""The server's side of one HTTP/2 connection, without I/O: https://www.rfc-editor.org/rfc/rfc9113

    receive(data) ─▶ frames ─▶ Stream ─▶ Call          out: what to write, after each `receive`

Made for one trusted peer, Envoy, but right for any: what breaks the protocol ends the connection with a
GOAWAY that says why; what breaks one stream resets that stream. Every buffer is bounded (see `stream`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final

from extproc.transport.calls import Methods, log_bug, unknown_method
from extproc.transport.h2 import frames
from extproc.transport.h2.blocks import Block, fragment, unpadded
from extproc.transport.h2.checks import check
from extproc.transport.h2.failure import ConnectionFailed
from extproc.transport.h2.frames import ErrorCode, frame
from extproc.transport.h2.greeting import CONNECTION_WINDOW, GREETING, MAX_STREAMS
from extproc.transport.h2.headers import HeaderReader, Request
from extproc.transport.h2.stream import Stream

log = logging.getLogger("extproc")

_MAX_ENDED: Final = 1024
_DRAINING: Final = b"draining"
"""The payload of the PING whose answer tells that the peer has heard of our draining."""


class State(Enum):
    GREETING = auto()
    """The peer's preface and its settings are awaited."""
    OPEN = auto()
    LEAVING = auto()
    """The peer is told, and may open calls until it has heard."""
    DRAINING = auto()
    """No new calls; over when the last one is."""
    CLOSED = auto()


class Connection:
    """One peer.

    out: frames to write, which whoever writes them clears.
    wake: called when `out` has grown outside `receive`.
    """

    def __init__(self, methods: Methods, wake: Callable[[], None]) -> None:
        self._methods = methods
        self._wake = wake
        self.out: list[bytes] = [GREETING]
        self.state = State.GREETING
        self.streams: dict[int, Stream] = {}
        self.frame_size = frames.DEFAULT_FRAME_SIZE
        self._reader = HeaderReader()
        self._rest = b""
        self._preface = frames.PREFACE
        self._block: Block | None = None
        self._last_id = 0
        self._goaway_id = frames.STREAM_ID  # the last stream that the peer may count on; never grows
        self._window = frames.DEFAULT_WINDOW  # bytes that we may send
        self._stream_window = frames.DEFAULT_WINDOW  # of a new stream
        self._uncredited = 0
        self._waiting: dict[int, Stream] = {}
        self._ended: dict[int, None] = {}  # streams that we reset, the newest of them
        self._receiving = False
        self._corked = False

    @property
    def closed(self) -> bool:
        """Nothing more is read; what `out` holds is the last."""
        return self.state is State.CLOSED

    def receive(self, data: bytes) -> None:
        """Bytes of the peer's, in any pieces. Never raises."""
        self._receiving = True
        try:
            self._receive(data)
        except ConnectionFailed as failed:
            log.error("ext_proc connection ended: %s", failed)  # noqa: TRY400 - the reason is the message
            self._fail(failed.code, failed.reason)
        except Exception as error:  # noqa: BLE001 - it costs this connection, never the process
            log_bug(error)
            self._fail(ErrorCode.INTERNAL_ERROR, "internal error")
        finally:
            self._receiving = False

    def _receive(self, data: bytes) -> None:
        if self.state is State.CLOSED:
            return
        if self._preface:
            data = self._greeted(data)
        if self._rest:
            data = self._rest + data
        start, end = 0, len(data)
        head = frames.head
        while end - start >= frames.HEAD:
            high, low, kind, flags, stream_id = head(data, start)
            size = high << 8 | low
            if size > frames.DEFAULT_FRAME_SIZE:
                raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {size} bytes")
            stop = start + frames.HEAD + size
            if stop > end:
                break
            payload = data[start + frames.HEAD : stop]
            stream_id &= frames.STREAM_ID
            start = stop
            if kind == frames.DATA and self._block is None and self.state is not State.GREETING:
                self._data(flags, stream_id, payload)
            else:
                self._frame(kind, flags, stream_id, payload)
            if self.closed:
                return
        self._rest = data[start:]

    def _greeted(self, data: bytes) -> bytes:
        size = len(self._preface)
        if not data.startswith(self._preface[: len(data)]):
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "not an HTTP/2 client")
        self._preface = self._preface[len(data) :]
        return data[size:]

    def _frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is not None and (kind != frames.CONTINUATION or stream_id != self._block.stream_id):
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "a header block was interrupted")
        if self.state is State.GREETING:
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            self.state = State.OPEN
        handle = _HANDLERS.get(kind)
        if handle is not None:  # other types are to be ignored
            if kind != frames.HEADERS:  # the frequent ones, which `_headers` checks
                check(kind, flags, stream_id, len(payload))
            handle(self, flags, stream_id, payload)

    # Frames of a stream.

    def _data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._uncredited += size
        if self._uncredited > CONNECTION_WINDOW // 2:
            if self._uncredited > CONNECTION_WINDOW:
                raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, "more data than the window allows")
            self.out.append(frames.window_update(0, self._uncredited))
            self._uncredited = 0
        if flags & frames.PADDED:
            payload = unpadded(payload)
        stream = self.streams.get(stream_id)
        if stream is None:
            self._on_closed(stream_id, "DATA")
            return
        if stream.peer_done:
            self.reset(stream, ErrorCode.STREAM_CLOSED)
            return
        if size:
            stream.receive(payload, size)
        if flags & frames.END_STREAM:
            stream.half_close()

    def _headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if not stream_id & 1:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, f"HEADERS on stream {stream_id}")
        part = fragment(flags, payload)
        if flags & frames.END_HEADERS:
            self._open(flags, stream_id, part)
        else:
            self._block = Block(flags, stream_id, part)

    def _continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        block = self._block
        if block is None:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, f"CONTINUATION on stream {stream_id}")
        block.add(payload)
        if flags & frames.END_HEADERS:
            self._block = None
            self._open(block.flags, stream_id, bytes(block.data))

    def _open(self, flags: int, stream_id: int, block: bytes) -> None:
        request = self._reader.read(block)  # always: the next block builds on it
        if stream_id <= self._last_id:
            self._trailers(flags, stream_id, request)
            return
        self._last_id = stream_id
        if self.state is State.DRAINING or len(self.streams) >= MAX_STREAMS:
            self._refuse(stream_id, ErrorCode.REFUSED_STREAM)
            return
        if request.problem:
            log.error("ext_proc stream refused: %s", request.problem)
            self._refuse(stream_id, ErrorCode.PROTOCOL_ERROR)
            return
        opener = self._methods.get(request.path, unknown_method)
        stream = self.streams[stream_id] = Stream(stream_id, self, opener, self._stream_window)
        if flags & frames.END_STREAM:
            stream.half_close()

    def _trailers(self, flags: int, stream_id: int, request: Request) -> None:
        stream = self.streams.get(stream_id)
        if stream is None:
            self._on_closed(stream_id, "HEADERS")
        elif stream.peer_done:
            self.reset(stream, ErrorCode.STREAM_CLOSED)
        elif flags & frames.END_STREAM and request.trailers:
            stream.half_close()
        else:
            self.reset(stream, ErrorCode.PROTOCOL_ERROR)

    def _rst_stream(self, _: int, stream_id: int, __: bytes) -> None:
        self._not_idle(stream_id, "RST_STREAM")
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.lose()

    def _window_update(self, _: int, stream_id: int, payload: bytes) -> None:
        increment = int.from_bytes(payload, "big") & frames.LARGEST_WINDOW
        if stream_id == 0:
            if increment == 0:
                raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
            self._window += increment
            if self._window > frames.LARGEST_WINDOW:
                raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large")
            self._pump()
            return
        self._not_idle(stream_id, "WINDOW_UPDATE")
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        if increment == 0:
            self.reset(stream, ErrorCode.PROTOCOL_ERROR)
            return
        stream.window += increment
        if stream.window > frames.LARGEST_WINDOW:
            self.reset(stream, ErrorCode.FLOW_CONTROL_ERROR)
        else:
            stream.writable()

    # Frames of the connection.

    def _settings(self, flags: int, _: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        before = self._stream_window
        for at in range(0, len(payload), 6):
            self._set(*frames.pair(payload, at))
        self.out.append(frame(frames.SETTINGS, frames.ACK, 0))  # before what they allow
        if self._stream_window > before:
            for stream in list(self.streams.values()):
                stream.writable()

    def _set(self, setting: int, value: int) -> None:
        """What is about the dynamic table or pushing is about nothing of ours."""
        match setting:
            case frames.INITIAL_WINDOW_SIZE:
                if value > frames.LARGEST_WINDOW:
                    raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, f"an initial window of {value}")
                more = value - self._stream_window
                self._stream_window = value
                for stream in self.streams.values():
                    stream.window += more
                    if stream.window > frames.LARGEST_WINDOW:
                        raise ConnectionFailed(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window is too large")
            case frames.MAX_FRAME_SIZE:
                if not frames.DEFAULT_FRAME_SIZE <= value <= frames.LARGEST_FRAME_SIZE:
                    raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, f"a largest frame of {value}")
                self.frame_size = value
            case frames.ENABLE_PUSH if value > 1:
                raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH of {value}")

    def _ping(self, flags: int, _: int, payload: bytes) -> None:
        if not flags & frames.ACK:
            self.out.append(frame(frames.PING, frames.ACK, 0, payload))
        elif payload == _DRAINING and self.state is State.LEAVING:
            self._stop_opening()

    def _goaway(self, _: int, __: int, payload: bytes) -> None:
        """The peer opens no more streams; those that are open go on."""
        if code := int.from_bytes(payload[4:8], "big"):
            said = payload[8:200].decode("utf-8", "replace")
            log.error("Envoy ends an ext_proc connection with code %d: %r", code, said)

    # The end.

    def drain(self) -> None:
        """Let the peer's open calls finish, refuse new ones, then close.

        First every stream is still allowed; a PING's round trip later the peer knows, and the last one is
        named (RFC 9113, section 6.8).
        """
        if self.state is State.GREETING:
            self._fail(ErrorCode.NO_ERROR, "draining")
        elif self.state is State.OPEN:
            self.state = State.LEAVING
            self.out.append(frames.goaway(frames.STREAM_ID, ErrorCode.NO_ERROR, "draining"))
            self.out.append(frame(frames.PING, 0, 0, _DRAINING))
        self.written()

    def _stop_opening(self) -> None:
        self.state = State.DRAINING
        self._goaway_id = self._last_id
        self.out.append(frames.goaway(self._goaway_id, ErrorCode.NO_ERROR, "draining"))
        for stream in list(self.streams.values()):
            self.answered(stream)
        self._over()

    def _over(self) -> None:
        if self.state is State.DRAINING and not self.streams:
            self.state = State.CLOSED

    def _fail(self, code: ErrorCode, reason: str) -> None:
        last = min(self._last_id, self._goaway_id)
        self.out.append(frames.goaway(last, code, reason))
        self.lose()

    def lose(self) -> None:
        """The connection is gone, and with it every call."""
        self.state = State.CLOSED
        for stream in list(self.streams.values()):
            stream.lose()

    # What streams ask.

    def allowed(self, stream: Stream, size: int) -> int:
        """Bytes of `size` that may go now, in one frame."""
        return 0 if self._corked else min(size, self.frame_size, self._window, stream.window)

    def take(self, stream: Stream, size: int) -> bool:
        """Whether `size` bytes may go now; if so, the windows shrink by them."""
        if size > self._window or size > stream.window or self._corked:
            return False
        self._window -= size
        stream.window -= size
        return True

    def wait(self, stream: Stream) -> None:
        """Tell `stream` when the connection's window has grown; of its own it hears anyway."""
        if stream.window > 0:
            self._waiting[stream.id] = stream

    def written(self) -> None:
        """`out` has grown."""
        if not self._receiving:
            self._wake()

    def forget(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        self._waiting.pop(stream.id, None)
        self._over()

    def answered(self, stream: Stream) -> None:
        """`stream` may have said all; while draining that is its end, whatever the peer has left to say."""
        if self.state is State.DRAINING and stream.answered:
            self.reset(stream, ErrorCode.NO_ERROR)

    def reset(self, stream: Stream, code: ErrorCode) -> None:
        self._refuse(stream.id, code)
        stream.lose()

    def cork(self, *, corked: bool) -> None:
        """Corked: the peer does not read what was written, so that no more data is to be sent."""
        self._corked = corked
        if not corked:
            self._pump()
            self.written()

    def _pump(self) -> None:
        waiting, self._waiting = self._waiting, {}
        while waiting and self._window > 0:
            waiting.pop(next(iter(waiting))).writable()
        self._waiting = waiting | self._waiting  # who had a turn comes last

    def _refuse(self, stream_id: int, code: ErrorCode) -> None:
        self.out.append(frames.rst_stream(stream_id, code))
        self._ended[stream_id] = None
        if len(self._ended) > _MAX_ENDED:
            del self._ended[next(iter(self._ended))]

    def _not_idle(self, stream_id: int, what: str) -> None:
        if stream_id == 0 or stream_id > self._last_id or not stream_id & 1:
            raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, f"{what} on stream {stream_id}")

    def _on_closed(self, stream_id: int, what: str) -> None:
        """What was under way when we reset a stream is dropped; other frames on a closed one are errors."""
        self._not_idle(stream_id, what)
        if stream_id not in self._ended:
            self._refuse(stream_id, ErrorCode.STREAM_CLOSED)


_HANDLERS: Final[Mapping[int, Callable[[Connection, int, int, bytes], None]]] = {
    frames.HEADERS: Connection._headers,  # noqa: SLF001 - a table of its own methods
    frames.PRIORITY: lambda *_: None,  # deprecated, and of no effect (RFC 9113, section 5.3.2)
    frames.RST_STREAM: Connection._rst_stream,  # noqa: SLF001
    frames.SETTINGS: Connection._settings,  # noqa: SLF001
    frames.PUSH_PROMISE: lambda *_: None,  # never right
    frames.PING: Connection._ping,  # noqa: SLF001
    frames.GOAWAY: Connection._goaway,  # noqa: SLF001
    frames.WINDOW_UPDATE: Connection._window_update,  # noqa: SLF001
    frames.CONTINUATION: Connection._continuation,  # noqa: SLF001
}
