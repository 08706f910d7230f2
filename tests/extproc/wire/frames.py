"""Messages of AWS's event streams, written by hand: nothing of the decoder's is used."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from typing import Any


def string(name: str, value: str) -> bytes:
    return raw_header(name, 7, struct.pack("!H", len(value.encode())) + value.encode())


def raw_header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def message(headers: bytes, payload: bytes) -> bytes:
    """A message with correct lengths and checksums."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    begun = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return begun + struct.pack("!I", crc32(begun))


def event(kind: str, body: Any) -> bytes:
    """An event of Bedrock's."""
    headers = string(":event-type", kind) + string(":content-type", "application/json")
    return message(headers + string(":message-type", "event"), json.dumps(body).encode())


def exception(kind: str, body: Any) -> bytes:
    headers = string(":exception-type", kind) + string(":content-type", "application/json")
    return message(headers + string(":message-type", "exception"), json.dumps(body).encode())


def error(code: str, words: str) -> bytes:
    """An error that the modelled service does not know: it has no payload."""
    headers = string(":error-code", code) + string(":error-message", words)
    return message(headers + string(":message-type", "error"), b"")
