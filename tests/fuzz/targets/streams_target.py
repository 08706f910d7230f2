"""Providers' streams: nothing is raised, cuts make no difference, and what comes of them can be written.

The first byte of an input says whose stream it is and how it is cut.
"""

from __future__ import annotations

import contextlib
import re
from random import Random
from typing import Any

from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS
from extproc.errors import GatewayError
from extproc.providers import WIRE_FORMATS
from extproc.wire.sse import MAX_EVENT, SSEDecoder, SSEError
from tests.extproc.providers.google_recordings import _all as recorded_of_google
from tests.extproc.providers.google_recordings import framed
from tests.extproc.recordings import _all
from tests.extproc.streams import BEGIN, BLOCK, END, PING, delta, overloaded
from tests.fuzz.mutation import mutate_bytes, mutate_lines
from tests.fuzz.targets.messages_target import mutate_line

FORMATS = ("anthropic", "openai", "google")
REPLY = ReplyContext(model="fast", created=1, request_id="req-1", include_usage=True)


def seeds() -> list[bytes]:
    recorded = [
        bytes([FORMATS.index(recording.wire_format)]) + recording.body
        for recording in (*_all(), *recorded_of_google())
        if recording.stream and len(recording.body) < 20_000
    ]
    chunk = (
        b'data: {"id": "1", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]}\n\n'
    )
    parts = [{"text": "a", "thought": True}, {"functionCall": {"name": "f"}, "thoughtSignature": "eA=="}]
    answer = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": "r"}
    return [
        b"\0" + BEGIN + PING + BLOCK + delta("Hello") + END,
        b"\3" + BEGIN.replace(b"\n", b"\r\n") + b": comment\r\n" + BLOCK + overloaded(),
        b"\1" + chunk + b"data: [DONE]\n\n",
        b"\4\xef\xbb\xbf" + chunk.replace(b"\n", b"\r") + b"event\nid: 1\nretry: 5\n\n" + chunk,
        b"\2" + framed([answer]),
        *recorded,
    ]


def check(given: bytes) -> None:
    how, said = (given[0], given[1:]) if given else (0, b"")
    pieces = list(_pieces(said, how))
    assert _decoded([said]) == _decoded(pieces), "events depend on the cuts"
    _decoded(pieces, max_event=1000)
    whole = _read(FORMATS[how % len(FORMATS)], [said])
    assert _shown(_read(FORMATS[how % len(FORMATS)], pieces)) == _shown(whole), (
        "what is read depends on the cuts"
    )
    for dialect in DIALECTS.values():
        try:
            writer = dialect.stream_writer(REPLY)
        except GatewayError:  # a dialect without streams
            continue
        written = b"".join(writer.write([event]) for event in whole)
        written.decode()


def _pieces(said: bytes, seed: int) -> list[bytes]:
    dice = Random(seed)
    pieces, at = [], 0
    while at < len(said):
        size = dice.choice((0, 1, 2, 7, 30, 200, 2000))
        pieces.append(said[at : at + size])
        at += size
    return pieces


def _decoded(pieces: list[bytes], max_event: int = MAX_EVENT) -> list[Any]:
    decoder = SSEDecoder(max_event)
    events: list[Any] = []
    # Just what is too large depends on the cuts: the end of a line that has not come is not known to be data.
    with contextlib.suppress(SSEError):
        for piece in pieces:
            events += decoder.feed(piece)
        events += decoder.finish()
    return events


def _read(name: str, pieces: list[bytes]) -> list[Any]:
    reader = WIRE_FORMATS[name].stream_reader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.finish()


def _shown(events: list[Any]) -> str:
    """Exceptions compare by identity, and raw JSON shows where it lies."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(events))


def mutate(given: bytes, dice: Random) -> bytes:
    if dice.random() < 0.2:
        return mutate_bytes(given, dice)
    return given[:1] + mutate_lines(given[1:], dice, mutate_line)
