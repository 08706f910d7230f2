"""Any bytes from a provider give valid client bytes or one clean error, however they are cut."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.chat import events as ev
from extproc.errors import ProviderError
from extproc.providers import WIRE_FORMATS
from extproc.providers.anthropic.blocks import JSON_TOOL
from tests.extproc.providers.clients import DIALECT, REPLY, chunks, read_all, read_unary, write_all

FORMATS: list[Any] = ["openai", "anthropic"]
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = st.sampled_from(
    [
        "type",
        "index",
        "id",
        "message",
        "content",
        "content_block",
        "delta",
        "text",
        "thinking",
        "signature",
        "partial_json",
        "citation",
        "data",
        "name",
        "input",
        "usage",
        "input_tokens",
        "output_tokens",
        "stop_reason",
        "stop_details",
        "explanation",
        "error",
        "choices",
        "finish_reason",
        "tool_calls",
        "function",
        "arguments",
        "logprobs",
        "reasoning",
        "annotations",
        "url_citation",
        "url",
        "created",
        "model",
        "prompt_tokens",
        "service_tier",
    ]
)
WORDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
        "text",
        "tool_use",
        "thinking",
        "redacted_thinking",
        "server_tool_use",
        "stop",
        "end_turn",
        "tool_calls",
        "x",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | WORDS
    | st.just({}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=10,
)
LIKELY = {
    "openai": st.builds(
        lambda delta, finish, more: {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} | more,
        st.dictionaries(KEYS, JSON, max_size=3) | st.just({"content": "x"}),
        st.sampled_from([None, "", "stop"]),
        st.dictionaries(KEYS, JSON, max_size=1),
    ),
    "anthropic": st.one_of(
        st.builds(lambda m: {"type": "message_start", "message": {"id": "m", "content": []} | m}, st.dictionaries(KEYS, JSON, max_size=1)),
        st.builds(lambda i, t, m: {"type": "content_block_start", "index": i, "content_block": {"type": t} | m}, st.integers(0, 2), WORDS, st.dictionaries(KEYS, JSON, max_size=2)),
        st.builds(lambda i, m: {"type": "content_block_start", "index": i, "content_block": {"type": "tool_use", "name": JSON_TOOL} | m}, st.integers(0, 2), st.dictionaries(KEYS, JSON, max_size=1)),
        st.builds(lambda i, m: {"type": "content_block_delta", "index": i, "delta": m}, st.integers(0, 2), st.dictionaries(KEYS, JSON, max_size=2)),
        st.builds(lambda i: {"type": "content_block_stop", "index": i}, st.integers(0, 2)),
        st.builds(lambda m: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": m}, st.dictionaries(KEYS, JSON, max_size=2)),
        st.just({"type": "message_stop"}),
    ),
}  # fmt: skip


def framed(events: list[Any]) -> bytes:
    return b"".join(
        b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events
    )


def streams(wire_format: str) -> st.SearchStrategy[bytes]:
    event = st.one_of(
        LIKELY[wire_format], LIKELY[wire_format], JSON, st.just(b"[DONE]"), st.binary(max_size=20)
    )
    return st.lists(event, max_size=8).map(framed) | st.binary(max_size=200)


def expect_clean(events: list[ev.Event]) -> bytes:
    """At most one end, at the end; and what the client gets is valid."""
    ends = [event for event in events if isinstance(event, ev.End | ev.StreamError)]
    assert ends == events[-1:]
    written = write_all(events)
    chunks(written, done=isinstance(events[-1], ev.End))
    return written


@pytest.mark.parametrize("wire_format", FORMATS)
@RELAXED
@given(st.data())
def test_streams(wire_format: Any, data: st.DataObject) -> None:
    stream = data.draw(streams(wire_format))
    places = data.draw(st.lists(st.integers(0, max(len(stream), 1)), max_size=5).map(sorted))
    bounds = [0, *places, len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(bounds)]
    written = expect_clean(read_all(WIRE_FORMATS[wire_format].stream_reader(), [stream]))
    assert expect_clean(read_all(WIRE_FORMATS[wire_format].stream_reader(), pieces)) == written


@pytest.mark.parametrize("wire_format", FORMATS)
@RELAXED
@given(
    st.binary(max_size=100) | st.dictionaries(KEYS, JSON, max_size=5).map(lambda x: json.dumps(x).encode())
)
def test_answers(wire_format: Any, body: bytes) -> None:
    with suppress(ProviderError):
        read_unary(DIALECT.write_response(WIRE_FORMATS[wire_format].read_response(body), REPLY))


DEEP = b"[" * 100_000
BODIES = [
    b'{"choices":[{"message":{"content":"\\ud800"}}]}',
    b'{"content":[{"type":"text","text":"\\udfff"}]}',
    b'{"choices":[{"message":{"content":"\xff"}}]}',
    b'{"content":[{"type":"novelty","x":"\xff"}],"stop_reason":"end_turn"}',
    b'{"choices":[{"message":{"audio":"\xff"}}]}',
    b'{"choices":' + DEEP,
    b'{"content":[{"type":"novelty","x":' + DEEP + b"]" * 100_000 + b"}]}",
    b'{"choices":[{"message":{"content":NaN}}]}',
    b"\x1f\x8b\x08\x00",
]


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("body", BODIES)
def test_bodies_that_break_parsers(wire_format: Any, body: bytes) -> None:
    with pytest.raises(ProviderError):
        WIRE_FORMATS[wire_format].read_response(body)
    events = read_all(WIRE_FORMATS[wire_format].stream_reader(), [b"data: " + body + b"\n\n"])
    assert isinstance(events[-1], ev.StreamError)


def test_numbers_of_any_size_come_through() -> None:
    body = b'{"content":[{"type":"text","text":"x"}],"usage":{"input_tokens":123456789012345678901234567890}}'
    told = json.loads(DIALECT.write_response(WIRE_FORMATS["anthropic"].read_response(body), REPLY))
    assert told["usage"]["prompt_tokens"] == 123456789012345678901234567890
