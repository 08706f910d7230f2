"""Payloads put together: without their padding, and header blocks of several frames."""

from __future__ import annotations

from typing import Final

from extproc.transport.h2.failure import ConnectionFailed
from extproc.transport.h2.frames import PADDED, WITH_PRIORITY, ErrorCode
from extproc.transport.h2.headers import MAX_BLOCK

_MAX_CONTINUATIONS: Final = 64
_PRIORITY: Final = 5
"""Bytes of a deprecated dependency and weight."""


class Block:
    """A header block that CONTINUATION frames complete."""

    def __init__(self, flags: int, stream_id: int, payload: bytes) -> None:
        self.flags = flags
        self.stream_id = stream_id
        self.data = bytearray(payload)
        self._count = 0

    def add(self, payload: bytes) -> None:
        self.data += payload
        self._count += 1
        if len(self.data) > MAX_BLOCK or self._count > _MAX_CONTINUATIONS:
            raise ConnectionFailed(ErrorCode.ENHANCE_YOUR_CALM, "a header block without end")


def unpadded(payload: bytes) -> bytes:
    """What a PADDED frame carries."""
    if not payload:
        raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without its padding's length")
    if payload[0] >= len(payload):
        raise ConnectionFailed(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return payload[1 : len(payload) - payload[0]]


def fragment(flags: int, payload: bytes) -> bytes:
    """What a HEADERS frame has of the header block."""
    if flags & PADDED:
        payload = unpadded(payload)
    if flags & WITH_PRIORITY:
        if len(payload) < _PRIORITY:
            raise ConnectionFailed(ErrorCode.FRAME_SIZE_ERROR, "HEADERS without their priority")
        payload = payload[_PRIORITY:]
    return payload
