"""What is wrong with a frame, whatever the state: https://www.rfc-editor.org/rfc/rfc9113#section-6"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from extproc.transport.h2 import frames
from extproc.transport.h2.failure import ConnectionFailed
from extproc.transport.h2.frames import ErrorCode

_SIZES: Final[Mapping[int, int]] = {
    frames.PRIORITY: 5,
    frames.RST_STREAM: 4,
    frames.PING: 8,
    frames.WINDOW_UPDATE: 4,
}
_OF_THE_CONNECTION: Final = frozenset({frames.SETTINGS, frames.PING, frames.GOAWAY})
_OF_A_STREAM: Final = frozenset({frames.PRIORITY, frames.RST_STREAM, frames.CONTINUATION})
_GOAWAY: Final = 8
_SETTING: Final = 6


def check(kind: int, flags: int, stream_id: int, size: int) -> None:
    """Raises: ConnectionFailed."""
    misplaced = kind in (_OF_THE_CONNECTION if stream_id else _OF_A_STREAM)
    if misplaced or kind == frames.PUSH_PROMISE:
        raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, f"{_NAMES[kind]} on stream {stream_id}")
    wrong_size = _SIZES.get(kind, size) != size
    if kind == frames.SETTINGS:
        wrong_size = size % _SETTING != 0 or (size > 0 and flags & frames.ACK != 0)
    elif kind == frames.GOAWAY:
        wrong_size = size < _GOAWAY
    if wrong_size:
        raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, f"{_NAMES[kind]} of {size} bytes")


_NAMES: Final = (
    *("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY"),
    *("WINDOW_UPDATE", "CONTINUATION"),
)
