"""Event streams by the letter of the specification, and by the habits of servers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.wire.sse import ServerSentEvent, SSEDecoder, SSEError


def decode(*pieces: bytes) -> list[tuple[str, bytes]]:
    decoder = SSEDecoder()
    events: list[ServerSentEvent] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return [tuple(event) for event in events + decoder.finish()]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data: a\r\n\r\n", [("", b"a")]),
        (b"data: a\r\r", [("", b"a")]),
        (b"data:a\n\ndata:  b\n\n", [("", b"a"), ("", b" b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [("x", b"a"), ("", b"b")]),
        (b"data: a\ndata: b\ndata\n\n", [("", b"a\nb\n")]),
        (b": comment\n\n:\n\ndata: a\n:x\n\n", [("", b"a")]),
        (b"id: 1\nretry: 5\nnonsense\ndata: a\n\n", [("", b"a")]),
        (b"event: x\n\ndata: a\n\n", [("", b"a")]),
        (b"data:\n\n", [("", b"")]),
        (b"data: a", [("", b"a")]),  # the specification would drop it; see SSEDecoder.finish
        (b"data: a\n", [("", b"a")]),
        (b"event: x\n", []),
        (b"", []),
        (b"data: \xff\x00\n\n", [("", b"\xff\x00")]),
        (b"event: \xff\ndata: a\n\n", [("�", b"a")]),
        (b"DATA: a\ndata : a\n\n", []),
    ],
)
def test_events(stream: bytes, events: list[tuple[str, bytes]]) -> None:
    assert decode(stream) == events
    assert decode(*(stream[n : n + 1] for n in range(len(stream)))) == events


LINES = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b"data: ",
        b"event: e",
        b": c",
        b"",
        b"",
        b"",
        b"x",
        b"\xef\xbb\xbfdata: z",
        b"id: 1",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS)).map(lambda pairs: b"".join(line + end for line, end in pairs))


@given(STREAMS, st.lists(st.integers(0, 200)))
def test_cuts_change_nothing(stream: bytes, places: list[int]) -> None:
    bounds = [0, *sorted(place for place in places if place < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(bounds)]
    assert decode(*pieces) == decode(stream)


@given(STREAMS)
def test_line_endings_are_alike(stream: bytes) -> None:
    assert decode(stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")) == decode(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 100,
        b"data: " + b"x" * 100 + b"\n",
        b"data: 0123456789\n" * 10,
        b"x" * 200,
        b"data:\n" * 200,
    ],
)
def test_an_event_is_bounded(stream: bytes) -> None:
    whole = SSEDecoder(max_event=90)
    with pytest.raises(SSEError, match=r"^an event is larger than 90 bytes$"):
        whole.feed(stream)
    single = SSEDecoder(max_event=90)
    with pytest.raises(SSEError, match=r"^an event is larger than 90 bytes$"):
        for n in range(len(stream)):
            single.feed(stream[n : n + 1])


def test_many_small_events_and_comments_are_not() -> None:
    decoder = SSEDecoder(max_event=20)
    for _ in range(100):
        assert decoder.feed(b": still here\n") == []
        assert decoder.feed(b"data: 0123456789\n\n") == [ServerSentEvent("", b"0123456789")]
