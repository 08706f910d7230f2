"""The client's reader of responses."""

from __future__ import annotations

import pytest

from tests.bench.http1 import ResponseReader, post

SIZED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nX-Thing:  a b \r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nb;x=y\r\n to you all\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("raw", "status", "body"), [(SIZED, 503, b"hello"), (CHUNKED, 200, b"hello to you all")]
)
def test_any_cut(raw: bytes, status: int, body: bytes, size: int) -> None:
    reader = ResponseReader()
    pieces = [raw[i : i + size] for i in range(0, len(raw), size)]
    assert [reader.feed(piece) for piece in pieces] == [*[False] * (len(pieces) - 1), True]
    assert (reader.status, bytes(reader.body)) == (status, body)


def test_header_names_are_in_lower_case() -> None:
    reader = ResponseReader()
    reader.feed(SIZED)
    assert reader.headers["x-thing"] == "a b"


@pytest.mark.parametrize("raw", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n"])
def test_what_it_cannot_read(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"status line|neither"):
        ResponseReader().feed(raw)


def test_a_request_has_its_length() -> None:
    head, _, body = post("127.0.0.1:1", "/v1/messages", b'{"a": 1}').partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert head.startswith(b"POST /v1/messages HTTP/1.1\r\n")
    assert b"\r\ncontent-length: 8" in head
