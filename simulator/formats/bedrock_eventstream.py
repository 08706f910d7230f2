"""AWS's binary event streams, as a provider writes them: https://smithy.io/2.0/aws/amazon-eventstream.html"""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

import msgspec

_STRING: Final = 7
"""The type of a header's value."""
_PADDING: Final = "abcdefghijklmnopqrstuvwxyz"


def event(kind: str, body: dict[str, Any], serial: int) -> bytes:
    """An event of Bedrock's, padded as theirs are so that its length tells nothing."""
    padded = {**body, "p": _PADDING[: 1 + serial % len(_PADDING)]}
    return _framed({":event-type": kind, ":message-type": "event"}, msgspec.json.encode(padded))


def exception(kind: str, message: str) -> bytes:
    headers = {":exception-type": kind, ":message-type": "exception"}
    return _framed(headers, msgspec.json.encode({"message": message}))


def _framed(headers: dict[str, str], payload: bytes) -> bytes:
    named = {**headers, ":content-type": "application/json"}
    told = b"".join(_header(name, value) for name, value in named.items())
    head = _number(16 + len(told) + len(payload)) + _number(len(told))
    message = head + _number(crc32(head)) + told + payload
    return message + _number(crc32(message))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([_STRING]) + len(value).to_bytes(2) + value.encode()


def _number(value: int) -> bytes:
    return value.to_bytes(4)
