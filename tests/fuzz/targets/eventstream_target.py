"""AWS's event streams: what AWS's own parser takes is taken and means the same, cuts make no difference.

The first byte of an input says how it is cut; the rest is the stream.
"""

from __future__ import annotations

import re
import struct
from random import Random
from typing import Any

from botocore.eventstream import EventStreamBuffer, ParserError

from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS
from extproc.wire.eventstream import EventStreamDecoder, EventStreamError
from tests.extproc.wire.frames import error, event, exception, message, raw_header, string
from tests.fuzz.mutation import mutate_bytes

REPLY = ReplyContext(model="fast", created=1, request_id="req-1", include_usage=True)
_PRELUDE, _CRC = 12, 4
_MOST = 1 << 16

_ANSWER = (
    event("messageStart", {"role": "assistant"})
    + event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}})
    + event(
        "contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}
    )
    + event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}})
    + event("contentBlockStop", {"contentBlockIndex": 1})
    + event("messageStop", {"stopReason": "tool_use"})
    + event("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2}})
)
_HEADERS = b"".join(
    (raw_header("a", 0, b""), raw_header("b", 2, b"\xff"), raw_header("c", 6, b"\0\1x"), raw_header("d", 9, bytes(16)), string("e", "ä"))
)  # fmt: skip


def seeds() -> list[bytes]:
    return [
        b"\0" + _ANSWER,
        b"\1" + _ANSWER[:200] + exception("throttlingException", {"message": "m"}),
        b"\2" + error("Odd", "words"),
        b"\3" + message(_HEADERS, b"payload") * 2,
    ]


def check(given: bytes) -> None:
    how, said = (given[0], given[1:]) if given else (0, b"")
    pieces = list(_pieces(said, how))
    messages, broken = _decoded([said])
    assert _decoded(pieces) == (messages, broken), "messages depend on the cuts"
    theirs, refused = _by_botocore(said)
    assert messages == theirs[: len(messages)], "another meaning than AWS's"
    assert not refused or broken or len(messages) == len(theirs), "AWS refuses it"
    whole = _read([said])
    assert _shown(_read(pieces)) == _shown(whole), "what is read depends on the cuts"
    writer = DIALECTS["openai_chat"].stream_writer(REPLY)
    b"".join(writer.write([each]) for each in whole).decode()


def _pieces(said: bytes, seed: int) -> list[bytes]:
    dice = Random(seed)
    pieces, at = [], 0
    while at < len(said):
        size = dice.choice((0, 1, 2, 7, 30, 200, 2000))
        pieces.append(said[at : at + size])
        at += size
    return pieces


def _decoded(pieces: list[bytes]) -> tuple[list[Any], str]:
    decoder = EventStreamDecoder(_MOST)
    messages: list[Any] = []
    try:
        for piece in pieces:
            messages.extend(decoder.feed(piece))
    except EventStreamError as broken:
        return messages, str(broken)
    return messages, ""


def _by_botocore(said: bytes) -> tuple[list[Any], bool]:
    buffer = EventStreamBuffer()
    buffer.add_data(said)
    messages = []
    try:
        messages.extend((each.headers, each.payload) for each in buffer)
    except (ParserError, struct.error, KeyError, IndexError, UnicodeDecodeError):
        return messages, True
    return messages, False


def _read(pieces: list[bytes]) -> list[Any]:
    reader = WIRE_FORMATS["bedrock"].stream_reader()
    events = [each for piece in pieces for each in reader.feed(piece)]
    return events + reader.finish()


def _shown(events: list[Any]) -> str:
    """Exceptions compare by identity, and raw JSON shows where it lies."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(events))


def mutate(given: bytes, dice: Random) -> bytes:
    """Mostly the inside of one message, with lengths and checksums that are right again."""
    if dice.random() < 0.2 or not (frames := _frames(given[1:])):
        return mutate_bytes(given, dice)
    at = dice.randrange(len(frames))
    headers, payload = frames[at]
    match dice.randrange(4):
        case 0:
            headers = mutate_bytes(headers, dice)
        case 1 | 2:
            payload = mutate_bytes(payload, dice)
        case _:
            frames.insert(dice.randrange(len(frames) + 1), frames[at])
    frames[at] = (headers, payload)
    return given[:1] + b"".join(message(*frame) for frame in frames)


def _frames(stream: bytes) -> list[tuple[bytes, bytes]]:
    frames = []
    while len(stream) >= _PRELUDE + _CRC:
        total, headers = struct.unpack_from("!II", stream)
        if not _PRELUDE + _CRC + headers <= total <= len(stream):
            break
        end = _PRELUDE + headers
        frames.append((stream[_PRELUDE:end], stream[end : total - _CRC]))
        stream = stream[total:]
    return frames
