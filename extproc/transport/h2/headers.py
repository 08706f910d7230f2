"""Header blocks: HPACK by the ``hpack`` library, once for each block that is new, and what gRPC puts in them.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from hpack import Decoder
from hpack.exceptions import OversizedHeaderListError
from hpack.hpack import Encoder

from extproc.transport.calls import Status
from extproc.transport.h2.failure import ConnectionFailed
from extproc.transport.h2.frames import ErrorCode

MAX_BLOCK: Final = 65_536
"""Bytes of one header list, encoded or decoded."""

_MAX_REMEMBERED: Final = 256
_CONNECTION_SPECIFIC: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_REQUIRED: Final = frozenset({b":method", b":scheme", b":path"})
_PSEUDO: Final = _REQUIRED | {b":authority"}
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE: Final = re.compile(rb"(?:[^\0\r\n \t](?:[^\0\r\n]*[^\0\r\n \t])?)?")
_LONGEST_TEXT: Final = 1000
"""Characters of a status's text: whatever they are, the trailers fit into one frame."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a header block asks for.

    path: of the gRPC method.
    problem: why this is no gRPC request; the stream is reset.
    trailers: it may be what ends a request instead.
    """

    path: str = ""
    problem: str = ""
    trailers: bool = False


class HeaderReader:
    """The header blocks of one connection, in order.

    Envoy opens each stream with the same headers, so that after the first of them a block is nothing but
    indices. A block that left the dynamic table as it was means the same until the table changes.
    """

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=MAX_BLOCK)
        self._known: dict[bytes, Request] = {}

    def read(self, block: bytes) -> Request:
        """Raises: ConnectionFailed: the block is not HPACK, or too large; the connection's state is lost."""
        known = self._known.get(block)
        if known is not None:
            return known
        table = self._decoder.header_table
        entries = table.dynamic_entries
        before = len(entries), table.maxsize
        newest = entries[0] if entries else None  # held, so that no later entry can be the same object
        try:
            headers = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError:
            reason = f"a header list above {MAX_BLOCK} bytes"
            raise ConnectionFailed(ErrorCode.ENHANCE_YOUR_CALM, reason) from None
        except Exception as error:  # noqa: BLE001 - hpack raises IndexError and others besides its own
            # Not what hpack says: that may show where its buffer lies in memory.
            raise ConnectionFailed(ErrorCode.COMPRESSION_ERROR, type(error).__qualname__) from None
        request = _understand([(bytes(name), bytes(value)) for name, value in headers])
        # Entries come at the front and go at the back: with the newest and their number, all are the same.
        if (len(entries), table.maxsize) != before or (entries and entries[0] is not newest):
            self._known.clear()
        elif len(self._known) < _MAX_REMEMBERED:
            self._known[block] = request
        return request


def _understand(headers: list[tuple[bytes, bytes]]) -> Request:
    """See https://www.rfc-editor.org/rfc/rfc9113#section-8.2 and 8.3 for what is malformed."""
    pseudo: dict[bytes, bytes] = {}
    content_type = b""
    regular = False
    for name, value in headers:
        if not _VALUE.fullmatch(value):
            return Request(problem=f"the value of header {_shown(name)} is malformed")
        if name.startswith(b":"):
            if regular or name in pseudo or name not in _PSEUDO:
                return Request(problem=f"pseudo-header {_shown(name)} is misplaced")
            pseudo[name] = value
            continue
        regular = True
        if (
            not _NAME.fullmatch(name)
            or name in _CONNECTION_SPECIFIC
            or (name == b"te" and value != b"trailers")
        ):
            return Request(problem=f"header {_shown(name)} is not allowed")
        if name == b"content-type":
            content_type = value
    if not pseudo.keys() >= _REQUIRED:
        return Request(problem="a pseudo-header is missing", trailers=not pseudo)
    if pseudo[b":method"] != b"POST" or not content_type.startswith(b"application/grpc"):
        return Request(problem="not a gRPC request")
    return Request(path=pseudo[b":path"].decode("latin-1"))


def _shown(name: bytes) -> str:
    return name[:50].decode("latin-1")


def _block(*headers: tuple[str, str]) -> bytes:
    """A block that neither side's dynamic table has a part in."""
    encoder = Encoder()
    encoder.header_table_size = 0
    encoder.encode([])  # says the table's size, which is nobody's business here
    return bytes(encoder.encode([(name, value, True) for name, value in headers], huffman=False))


RESPONSE: Final = _block((":status", "200"), ("content-type", "application/grpc"))
_OK: Final = _block(("grpc-status", "0"))


def trailers(status: Status, text: str) -> bytes:
    """The block that ends a call."""
    if status is Status.OK:
        return _OK
    return _block(
        ("grpc-status", str(int(status))),
        ("grpc-message", quote(text[:_LONGEST_TEXT], safe=" !#$&'()*+,/:;=?@[]", errors="replace")),
    )
