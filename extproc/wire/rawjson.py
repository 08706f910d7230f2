"""JSON text: decoded with one kind of error, and edited without re-encoding.

Re-encoding a body changes numbers (1.0, 1e3, integers above 2**64), key order and escapes, so
an edit replaces the bytes of one value and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Raw

T = TypeVar("T")

JSONText: TypeAlias = Any
"""bytes, str or Raw. msgspec's types call Raw a kind of bytes, which it is not, and compiled code would
believe them."""

_BOM: Final = b"\xef\xbb\xbf"

ABSENT: Final = Raw()
"""The default of a field of type ``Raw``, which msgspec cannot decode as a union with None."""

MAX_REASON: Final = 300
"""Characters of a decoder's reason that are worth repeating."""


class MalformedJSON(ValueError):  # noqa: N818 - reads as what it is
    """Text that is not JSON, or not of the shape asked for.

    path: where, as ``messages[0].content``; empty for the whole text.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


Decode: TypeAlias = Callable[[JSONText], T]
"""JSON text -> its value. Raises: MalformedJSON."""


def decoder(shape: type[T]) -> Decode[T]:
    """`decode` for one shape, prepared: to look a shape up costs more than to read a small text.

    A function and not an object that can be called: Python calls it twice as fast.
    """
    read = msgspec.json.Decoder(shape).decode

    def decode(data: JSONText) -> T:
        try:
            if type(data) is bytes and data.isascii():  # most texts: nothing to check or to skip
                return read(data)
            return read(_checked(data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(error) from None

    return decode


@lru_cache(maxsize=256)
def _decoder(shape: Any) -> Decode[Any]:
    return decoder(shape)


def decode(data: JSONText, shape: type[T]) -> T:
    """`data` as `shape`. A byte order mark is skipped; invalid UTF-8 anywhere is refused.

    Raises:
        MalformedJSON: not JSON (NaN, lone surrogates and more than about 1,000 nested levels
            included), or another shape.
    """
    value: T = _decoder(shape)(data)  # type: ignore[arg-type] # classes are hashable
    return value


_read_fields: Final = decoder(dict[str, Raw])
_read_string: Final = decoder(str)


def _checked(data: JSONText) -> bytes | str:
    """`data` as it may go to msgspec, which skips over some bad UTF-8."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    text = bytes(data)
    if text.isascii():
        return text
    str(text, "utf-8")  # not for its result, which msgspec would have to encode again
    return text.removeprefix(_BOM)


def _malformed(error: Exception) -> MalformedJSON:
    if isinstance(error, RecursionError):
        return MalformedJSON("JSON is nested too deeply")
    if not isinstance(error, msgspec.ValidationError):
        return MalformedJSON(str(error)[:MAX_REASON])
    reason, _, at = str(error).partition(" - at `")
    path = at.rstrip("`").removeprefix("$").lstrip(".")
    if (missing := _MISSING.fullmatch(reason)) is not None:
        return MalformedJSON("required field is missing", join(path, missing[1]))
    return MalformedJSON(reason[:MAX_REASON], path)


def present(value: Raw) -> Raw | None:
    """A field that was decoded as text (default `ABSENT`); None if it was null or not there."""
    if value is ABSENT:  # nearly always, and cheap to see
        return None
    return None if bytes(value) in (b"", b"null") else value


encode: Final[Callable[[object], bytes]] = msgspec.json.Encoder().encode
"""A value as JSON without spaces; ``Raw`` parts verbatim."""


def raw(value: object) -> Raw:
    """`value` as JSON text to put into something larger."""
    return Raw(encode(value))


_MISSING: Final = re.compile("Object missing required field `(.*)`")
_SPACE: Final = rb"[ \t\r\n]*"
_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_KEY: Final = _SPACE + b"(" + _STRING + b")" + _SPACE + b":" + _SPACE
_FIRST: Final = re.compile(_SPACE + rb"\{" + _KEY, re.DOTALL)
_NEXT: Final = re.compile(_SPACE + b"(?:," + _KEY + rb"|\})", re.DOTALL)
"""What follows a value in an object: another key, or the end."""
_TOKEN: Final = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
_SCALAR: Final = re.compile(_STRING + rb"|[^,}\s]+", re.DOTALL)


def decode_field(data: Raw, shape: type[T], path: str) -> T:
    """`decode`, for text found under `path`."""
    try:
        return decode(data, shape)
    except MalformedJSON as error:
        raise MalformedJSON(error.reason, join(path, error.path)) from None


def join(path: str, inner: str) -> str:
    """The path of `inner` as seen from where `path` starts."""
    return path + ("" if not path or not inner or inner.startswith("[") else ".") + inner


def replace_string(body: bytes, key: str, value: str) -> bytes:
    """`body` with `value` for the string under `key` of its outermost object; all other bytes stay.

    Every duplicate of the key is replaced (parsers disagree about which one counts), however the
    key is escaped. A byte order mark is removed: RFC 8259 forbids sending one.

    Raises:
        MalformedJSON: not a JSON object with a string under `key`.
    """
    fields = _read_fields(body)
    if key not in fields:
        raise MalformedJSON("required field is missing", key)
    decode_field(fields[key], str, key)
    body = body.removeprefix(_BOM)
    new = encode(value)
    pieces: list[bytes] = []
    done = 0
    for name, start, end in _members(body, fields):
        if name == key:
            pieces += (body[done:start], new)
            done = end
    pieces.append(body[done:])
    return b"".join(pieces)


def _members(body: bytes, fields: dict[str, Raw]) -> Iterator[tuple[str, int, int]]:
    """Key, start and end of every value in the object `body`, which decodes to `fields`.

    Values are found by comparing with what the decoder saw, so a large one costs no scan.
    """
    member = _FIRST.match(body)
    while member is not None and member[1] is not None:
        name = _read_string(member[1])
        value = bytes(fields[name])
        start = member.end()
        end = start + len(value)
        member = _NEXT.match(body, end)
        if member is None or not body.startswith(value, start):
            end = _end_of_value(body, start)  # an earlier duplicate: the decoder kept the last
            member = _NEXT.match(body, end)
        yield name, start, end


def _end_of_value(body: bytes, pos: int) -> int:
    if body[pos] not in b"{[":
        scalar = _SCALAR.match(body, pos)
        return pos if scalar is None else scalar.end()
    depth = 0
    for token in _TOKEN.finditer(body, pos):
        first = body[token.start()]
        depth += (first in b"{[") - (first in b"}]")
        if depth == 0:
            return token.end()
    return pos
