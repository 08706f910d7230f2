"""AWS's event streams against AWS's own parser, and by the letter."""

from __future__ import annotations

import struct
from binascii import crc32
from itertools import pairwise
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import example, given
from hypothesis import strategies as st

from extproc.wire.eventstream import EventStreamDecoder, EventStreamError, Message
from tests.extproc.wire.frames import message, raw_header, string

SMALL = message(string(":event-type", "x"), b"{}")


def decode(*pieces: bytes, max_message: int = 1 << 20) -> tuple[list[tuple[Any, bytes]], str | None]:
    """The messages and, if there is one, the error after them."""
    decoder = EventStreamDecoder(max_message)
    messages: list[Message] = []
    try:
        for piece in pieces:
            messages.extend(decoder.feed(piece))
        decoder.finish()
    except EventStreamError as error:
        return [tuple(each) for each in messages], str(error)
    return [tuple(each) for each in messages], None


def singly(stream: bytes) -> list[bytes]:
    return [stream[n : n + 1] for n in range(len(stream))]


NAMES = st.text(min_size=1, max_size=8)
VALUES = st.one_of(
    st.just((0, b"")),
    st.just((1, b"")),
    *(st.tuples(st.just(kind), st.binary(min_size=size, max_size=size)) for kind, size in ((2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))),
    st.binary(max_size=20).map(lambda value: (6, struct.pack("!H", len(value)) + value)),
    st.text(max_size=9).map(lambda value: (7, struct.pack("!H", len(value.encode())) + value.encode())),
)  # fmt: skip
HEADERS = st.dictionaries(NAMES, VALUES, max_size=5).map(
    lambda headers: b"".join(raw_header(name, kind, value) for name, (kind, value) in headers.items())
)
MESSAGES = st.builds(message, HEADERS, st.binary(max_size=50))
STREAMS = st.lists(MESSAGES, max_size=4).map(b"".join)


def by_botocore(stream: bytes) -> list[tuple[Any, bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [(each.headers, each.payload) for each in buffer]


@given(STREAMS)
def test_any_stream_as_aws_reads_it(stream: bytes) -> None:
    assert decode(stream) == (by_botocore(stream), None)


@given(STREAMS, st.lists(st.integers(0, 400)))
def test_cuts_change_nothing(stream: bytes, places: list[int]) -> None:
    bounds = [0, *sorted(place for place in places if place < len(stream)), len(stream)]
    whole = decode(stream)
    assert decode(*(stream[start:end] for start, end in pairwise(bounds))) == whole
    assert decode(*singly(stream)) == whole


@given(STREAMS, st.integers(0, 1000), st.integers(1, 255))
@example(SMALL + SMALL, len(SMALL), 1)
def test_one_wrong_byte_is_noticed(stream: bytes, place: int, difference: int) -> None:
    if not stream:
        return
    place %= len(stream)
    broken = stream[:place] + bytes([stream[place] ^ difference]) + stream[place + 1 :]
    messages, error = decode(broken)
    assert error is not None
    assert messages == by_botocore(stream)[: len(messages)]
    assert decode(*singly(broken))[0] == messages


@given(STREAMS, st.integers(1, 1000))
def test_a_stream_that_breaks_off(stream: bytes, missing: int) -> None:
    if not stream:
        return
    kept = stream[: -(missing % len(stream)) or len(stream)]
    messages, error = decode(kept)
    whole = sum(len(one) for one in pieces_of(stream)[: len(messages)])
    assert error == (
        f"the stream ended {len(kept) - whole} bytes into a message" if len(kept) > whole else None
    )


def pieces_of(stream: bytes) -> list[bytes]:
    pieces = []
    while stream:
        length = int.from_bytes(stream[:4])
        pieces.append(stream[:length])
        stream = stream[length:]
    return pieces


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_any_bytes_of_headers(headers: bytes, payload: bytes) -> None:
    """What AWS's parser refuses is refused, and what it takes means the same (it takes cut values, we do not)."""
    stream = message(headers, payload)
    messages, error = decode(stream)
    try:
        known = by_botocore(stream)
    except (ParserError, struct.error, UnicodeDecodeError, KeyError, IndexError):
        assert error is not None
        return
    assert error is not None or messages == known


def prelude(total: int, headers: int) -> bytes:
    begun = struct.pack("!II", total, headers)
    return begun + struct.pack("!I", crc32(begun))


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"HTTP/1.1 502 Bad Gateway", "the checksum of a message's beginning is wrong"),
        (prelude(2000, 0), "a message is larger than 1000 bytes"),
        (prelude(900, 200_000), "the headers of a message are larger than 131072 bytes"),
        (prelude(20, 5), "a message of 20 bytes cannot have 5 bytes of headers"),
        (prelude(12, 0), "a message of 12 bytes cannot have 0 bytes of headers"),
        (SMALL[:-1] + b"\0", "the checksum of a message is wrong"),
        (message(b"\x05ab", b""), "a header is longer than all of them together"),
        (message(b"\x01a", b""), "a header is longer than all of them together"),
        (message(raw_header("a", 4, b"\0"), b""), "a header is longer than all of them together"),
        (message(raw_header("a", 7, b"\0\5abc"), b""), "a header is longer than all of them together"),
        (message(raw_header("a", 10, b""), b""), "a header has a value of the unknown type 10"),
        (message(raw_header("a", 7, b"\0\1\xff"), b""), "a header is not UTF-8"),
        (message(b"\x01\xff\0", b""), "the name of a header is not UTF-8"),
        (message(raw_header("a", 0, b"") * 2, b""), "a header is there twice"),
    ],
)
def test_broken_streams(stream: bytes, error: str) -> None:
    for pieces in ([SMALL + stream], singly(SMALL + stream)):
        assert decode(*pieces, max_message=1000) == ([({":event-type": "x"}, b"{}")], error)


def test_values_of_headers() -> None:
    headers = [
        raw_header("yes", 0, b""), raw_header("no", 1, b""), raw_header("byte", 2, b"\xff"),
        raw_header("short", 3, b"\1\0"), raw_header("int", 4, b"\xff\xff\xff\xfe"),
        raw_header("long", 5, b"\0" * 7 + b"\5"), raw_header("bytes", 6, b"\0\2\0\1"),
        raw_header("when", 8, b"\0" * 7 + b"\7"), raw_header("id", 9, bytes(range(16))), string("s", "ä"),
    ]  # fmt: skip
    [read] = EventStreamDecoder().feed(message(b"".join(headers), b""))
    assert read.headers == {
        "yes": True, "no": False, "byte": -1, "short": 256, "int": -2, "long": 5, "bytes": b"\0\1",
        "when": 7, "id": bytes(range(16)), "s": "ä",
    }  # fmt: skip
    assert (read.text("s"), read.text("int"), read.text("none")) == ("ä", "", "")
