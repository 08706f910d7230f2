"""HTTP/2 frames as bytes: https://www.rfc-editor.org/rfc/rfc9113#section-4

Only what this server says and hears; nothing here has state.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD: Final = 9
"""Bytes of a frame before its payload: length (24 bits), type, flags, stream id."""

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

HEADER_TABLE_SIZE: Final = 1
ENABLE_PUSH: Final = 2
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_FRAME_SIZE: Final = 5
MAX_HEADER_LIST_SIZE: Final = 6

DEFAULT_WINDOW: Final = 65_535
DEFAULT_FRAME_SIZE: Final = 16_384
LARGEST_FRAME_SIZE: Final = 16_777_215
LARGEST_WINDOW: Final = 2**31 - 1
STREAM_ID: Final = 2**31 - 1
"""The mask of a stream id, whose highest bit is reserved."""
_LONGEST_REASON: Final = 400


class ErrorCode(IntEnum):
    """https://www.rfc-editor.org/rfc/rfc9113#section-7"""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


head = struct.Struct(">HBBBL").unpack_from
"""The 9 bytes: upper 16 and lower 8 bits of the length, type, flags, stream id with its reserved bit."""

pair = struct.Struct(">HL").unpack_from
"""One setting: identifier, value."""

_head = struct.Struct(">HBBBL").pack


def frame(kind: int, flags: int, stream: int, payload: bytes | bytearray | memoryview = b"") -> bytes:
    size = len(payload)
    return _head(size >> 8, size & 0xFF, kind, flags, stream) + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HL", *one) for one in pairs))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def rst_stream(stream: int, code: ErrorCode) -> bytes:
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def goaway(last_stream: int, code: ErrorCode, reason: str) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">LL", last_stream, code) + reason.encode()[:_LONGEST_REASON])
