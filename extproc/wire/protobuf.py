"""Protobuf's wire format, as far as ext_proc's few messages need it.

https://protobuf.dev/programming-guides/encoding/

Making objects out of a message costs the protobuf library more than all of this does once it is compiled. The
tests compare it with the library's reading of the same bytes.
"""

from __future__ import annotations

from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5

_LONGEST_VARINT: Final = 10
_MORE: Final = 0x80


class MalformedProtobuf(ValueError):  # noqa: N818 - reads as what it is
    """The bytes are no protobuf message."""


def field_at(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """The field of a message that begins at `at`, where the message ends at `end`.

    Returns its tag (number and wire type in one, as it stands on the wire), where its content begins (the
    number itself for a varint), and where the next field begins.

    Raises: MalformedProtobuf.
    """
    tag, at = _varint_at(data, at, end)
    kind = tag & 7
    if kind == VARINT:
        value, at = _varint_at(data, at, end)
        return tag, value, at
    if kind == LENGTH:
        size, at = _varint_at(data, at, end)
    elif kind == FIXED64:
        size = 8
    elif kind == FIXED32:
        size = 4
    else:
        raise MalformedProtobuf(f"wire type {kind}")
    if size > end - at:
        raise MalformedProtobuf(f"a field of {size} bytes where {end - at} are left")
    return tag, at, at + size


def _varint_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    if at >= end:
        raise MalformedProtobuf("cut short")
    byte = data[at]
    if byte < _MORE:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    for place in range(at + 1, min(at + _LONGEST_VARINT, end)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value, place + 1
        shift += 7
    raise MalformedProtobuf("a number without end")


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL: Final = tuple(_encoded(value) for value in range(4096))


def varint(value: int) -> bytes:
    """`value`, not negative."""
    return _SMALL[value] if value < len(_SMALL) else _encoded(value)


def field(tag: bytes, content: bytes) -> bytes:
    """A field whose content has a length; `tag` as it stands on the wire."""
    return tag + varint(len(content)) + content
