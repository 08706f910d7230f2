"""A peer of `Connection` without I/O: frames in, frames out, read by another implementation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpack import Decoder
from hpack.hpack import Encoder
from hyperframe.frame import Frame, GoAwayFrame, RstStreamFrame

from extproc.transport.calls import Methods
from extproc.transport.h2 import frames as f
from extproc.transport.h2.connection import Connection
from tests.extproc.transport.methods import ECHO
from tests.extproc.transport.methods import methods as served

REQUEST = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", ECHO),
    (":authority", "gateway"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)
WIDE = (f.INITIAL_WINDOW_SIZE, 1 << 30)


def framed(*messages: bytes) -> bytes:
    """As gRPC puts messages into DATA."""
    return b"".join(b"\0" + len(message).to_bytes(4, "big") + message for message in messages)


def parsed(data: bytes) -> list[Any]:
    """The frames in `data`, which has nothing else."""
    found = []
    view = memoryview(data)
    while view:
        frame, size = Frame.parse_frame_header(view[: f.HEAD], strict=True)
        assert len(view) >= f.HEAD + size
        frame.parse_body(view[f.HEAD : f.HEAD + size])
        found.append(frame)
        view = view[f.HEAD + size :]
    return found


class Talk:
    """A connection whose greeting is over.

    woken: how often it said that there is output.
    """

    def __init__(self, methods: Methods | None = None, *settings: tuple[int, int], window: int = 0) -> None:
        self.woken = 0
        self.connection = Connection(methods or served(), self._wake)
        self.encoder = Encoder()
        self.decoder = Decoder()
        more = f.window_update(0, window) if window else b""
        self.greeting = self.tell(f.PREFACE, f.settings(*settings), more)

    def _wake(self) -> None:
        self.woken += 1

    def tell(self, *data: bytes) -> list[Any]:
        self.connection.receive(b"".join(data))
        return self.heard()

    def heard(self) -> list[Any]:
        out = b"".join(self.connection.out)
        self.connection.out.clear()
        return parsed(out)

    def block(self, headers: Mapping[str, str] | None = None, path: str = ECHO) -> bytes:
        """The block of a request. headers: other values, or more of them; an empty one is left out."""
        wanted = {**dict(REQUEST), ":path": path, **(headers or {})}
        return bytes(self.encoder.encode([(k, v) for k, v in wanted.items() if v or k not in dict(REQUEST)]))

    def opening(self, stream: int, path: str = ECHO, flags: int = 0, **headers: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return f.frame(f.HEADERS, f.END_HEADERS | flags, stream, self.block(named, path))

    def trailers(self, frame: Any) -> dict[str, str]:
        return {str(name): str(value) for name, value in self.decoder.decode(frame.data)}


def data(stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return f.frame(f.DATA, flags, stream, payload)


def padded(stream: int, payload: bytes, padding: int, flags: int = 0) -> bytes:
    return data(stream, bytes([padding]) + payload + bytes(padding), flags | f.PADDED)


def names(frames: list[Any]) -> list[str]:
    """Like ``["HEADERS 1", "DATA 1", "RST_STREAM 1 CANCEL"]``."""
    return [_name(frame) for frame in frames]


def _name(frame: Any) -> str:
    kind = type(frame).__name__.removesuffix("Frame")
    kind = {"RstStream": "RST_STREAM", "GoAway": "GOAWAY", "WindowUpdate": "WINDOW_UPDATE"}.get(
        kind, kind.upper()
    )
    end = " END" if "END_STREAM" in frame.flags else ""
    ack = " ACK" if "ACK" in frame.flags else ""
    code = ""
    if isinstance(frame, RstStreamFrame | GoAwayFrame):
        code = f" {f.ErrorCode(frame.error_code).name}"
    return f"{kind} {frame.stream_id}{code}{end}{ack}"


def bodies(frames: list[Any], stream: int) -> bytes:
    """What DATA carried on `stream`."""
    return b"".join(frame.data for frame in frames if _name(frame).startswith(f"DATA {stream}"))
