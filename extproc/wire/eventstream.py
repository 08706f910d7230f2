"""AWS's binary event streams: bytes in, whole messages out.

The format: https://smithy.io/2.0/aws/amazon-eventstream.html

    total length 4 | length of headers 4 | CRC-32 of these 8 4 | headers | payload | CRC-32 of all before 4
    header: length of name 1 | name | type 1 | value

Numbers are big-endian, lengths unsigned and values signed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

MAX_MESSAGE: Final = 24 * 1024 * 1024
"""Bytes that one message may have: what AWS's own clients accept."""
MAX_HEADERS: Final = 128 * 1024

_PRELUDE: Final = 12
_CRC: Final = 4
_LEAST: Final = _PRELUDE + _CRC

_TRUE: Final = 0
_FALSE: Final = 1
_BYTES: Final = 6
_STRING: Final = 7
_UUID: Final = 9
_INTEGERS: Final = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8}
"""Type -> bytes; 8 is a time, in milliseconds since the epoch."""

Header = bool | int | bytes | str
"""The value of a header; a time is its number, a UUID its 16 bytes."""


class EventStreamError(ValueError):
    """The bytes are not an event stream, or not one that we would want to read."""


class Message(NamedTuple):
    """headers: by name, as ``:event-type``."""

    headers: dict[str, Header]
    payload: bytes

    def text(self, name: str) -> str:
        """The header `name`; empty if it is not there or no string."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class EventStreamDecoder:
    """Takes a stream in any pieces. The same bytes give the same messages however they are cut."""

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._max = max_message
        self._pieces: list[bytes] = []
        self._size = 0
        self._need = _PRELUDE  # bytes without which there is nothing to do

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that `chunk` completes, each before what comes after it is looked at.

        To be read to its end.

        Raises:
            EventStreamError: what follows is broken, or larger than allowed.
        """
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size < self._need:
            return
        data = b"".join(self._pieces)
        at = 0
        while True:
            left = len(data) - at
            self._need = _PRELUDE if left < _PRELUDE else self._length(data, at)
            if left < self._need:
                break
            end = at + self._need
            yield _message(data, at, end)
            at = end
        self._pieces = [data[at:]]
        self._size = len(data) - at

    def finish(self) -> None:
        """Raises: EventStreamError if the stream has ended within a message."""
        if self._size:
            raise EventStreamError(f"the stream ended {self._size} bytes into a message")

    def _length(self, data: bytes, at: int) -> int:
        """The length of the message at `at`, of which at least the prelude is there."""
        total, headers, checksum = struct.unpack_from(">III", data, at)
        if crc32(data[at : at + _PRELUDE - _CRC]) != checksum:
            raise EventStreamError("the checksum of a message's beginning is wrong")
        if total > self._max:
            raise EventStreamError(f"a message is larger than {self._max} bytes")
        if headers > MAX_HEADERS:
            raise EventStreamError(f"the headers of a message are larger than {MAX_HEADERS} bytes")
        if headers + _LEAST > total:
            raise EventStreamError(f"a message of {total} bytes cannot have {headers} bytes of headers")
        length: int = total
        return length


def _message(data: bytes, at: int, end: int) -> Message:
    if crc32(data[at : end - _CRC]) != int.from_bytes(data[end - _CRC : end]):
        raise EventStreamError("the checksum of a message is wrong")
    payload = at + _PRELUDE + int.from_bytes(data[at + 4 : at + 8])
    return Message(_headers(data[at + _PRELUDE : payload]), data[payload : end - _CRC])


def _headers(data: bytes) -> dict[str, Header]:
    headers: dict[str, Header] = {}
    at = 0
    while at < len(data):
        start = at + 1
        at = start + data[at]
        name = _text(_cut(data, start, at), "the name of a header")
        if name in headers:
            raise EventStreamError("a header is there twice")
        headers[name], at = _value(data, at)
    return headers


def _value(data: bytes, at: int) -> tuple[Header, int]:
    """The value whose type stands at `at`, and where it ends."""
    kind = _cut(data, at, at + 1)[0]
    at += 1
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(_cut(data, at, end), signed=True), end
    if kind == _UUID:
        return _cut(data, at, at + 16), at + 16
    if kind not in (_BYTES, _STRING):
        raise EventStreamError(f"a header has a value of the unknown type {kind}")
    start = at + 2
    end = start + int.from_bytes(_cut(data, at, start))
    value = _cut(data, start, end)
    return (_text(value, "a header") if kind == _STRING else value), end


def _cut(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise EventStreamError("a header is longer than all of them together")
    return data[start:end]


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise EventStreamError(f"{what} is not UTF-8") from None
