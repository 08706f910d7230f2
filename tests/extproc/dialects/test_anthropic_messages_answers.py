"""Answers of every provider as Anthropic's clients get them: whole, streamed, cut anywhere; nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.chat.events import StreamError
from extproc.chat.fold import fold
from extproc.chat.model import ChatResponse
from extproc.providers import WIRE_FORMATS
from tests.extproc.dialects.messages_client import (
    DIALECT,
    REPLY,
    add_up,
    check_order,
    read_unary,
    stream_events,
    write_all,
)
from tests.extproc.providers.clients import read_all
from tests.extproc.providers.google_recordings import select as google
from tests.extproc.providers.test_recorded_bedrock import ANSWERS, STREAMS
from tests.extproc.recordings import Recording, cuts, select


def bedrock(params: list[Any]) -> list[Any]:
    """Recordings of Bedrock as those of the others are."""
    return [
        pytest.param(Recording(each.id, "bedrock", each.status, False, each.body, None), id=each.id)
        for (each,) in (param.values for param in params)
        if each is not None
    ]


FORMATS = ("openai", "anthropic")
UNARY = [r for f in FORMATS for r in select(f, stream=False)] + google(stream=False) + bedrock(ANSWERS)
STREAMED = [r for f in FORMATS for r in select(f, stream=True)] + google(stream=True) + bedrock(STREAMS)


def expect(told: dict[str, Any], source: ChatResponse) -> None:
    """`told` says all that the provider said in its first choice."""
    choice = source.choices[0]
    message, content = choice.message, told["content"]
    assert "".join(b["text"] for b in content if b["type"] == "text") == message.text + (
        message.refusal or ""
    )
    thought = "".join(block["thinking"] for block in content if block["type"] == "thinking")
    assert thought == (message.reasoning or "")
    signatures = [b["signature"] for b in content if b["type"] == "thinking" and b["signature"]]
    assert signatures == [block.signature for block in message.thinking if block.signature]
    calls = [block for block in content if block["type"] == "tool_use"]
    assert [(call["id"], call["name"]) for call in calls] == [(c.id, c.name) for c in message.tool_calls]
    for call, given in zip(calls, message.tool_calls, strict=True):
        assert call["input"] == (json.loads(given.arguments) if given.arguments.strip() else {})
    usage = told["usage"]
    if source.usage is not None:
        cached, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        # Some vendors count what was cached apart from the prompt.
        assert usage["input_tokens"] == max(0, source.usage.prompt - cached - written)
        assert usage["output_tokens"] == source.usage.completion
        assert (cached, written) == (source.usage.cached or 0, source.usage.cache_write or 0)
    assert told["model"] == REPLY.model
    assert told["id"]
    if message.tool_calls and choice.finish_reason in ("stop", "tool_calls", "unknown"):
        assert told["stop_reason"] == "tool_use"
    if choice.finish_reason == "length":
        assert told["stop_reason"] in ("max_tokens", "model_context_window_exceeded")


def has_json_calls(response: ChatResponse) -> bool:
    calls = response.choices[0].message.tool_calls
    try:
        return all(isinstance(json.loads(call.arguments or "{}"), dict) for call in calls)
    except ValueError:
        return False


@pytest.mark.parametrize("recording", UNARY)
def test_answers(recording: Recording) -> None:
    wire_format = WIRE_FORMATS[recording.wire_format]
    response = wire_format.read_response(recording.body)
    body = DIALECT.write_response(response, REPLY)
    native = response.choices[0].message.native
    if native is not None and native.owner == "anthropic":  # beta blocks too, which come back as they are
        assert json.loads(body)["content"] == [json.loads(bytes(block)) for block in native.blocks]
        return
    told = read_unary(body)
    if has_json_calls(response):
        expect(told, response)


@pytest.mark.parametrize("recording", STREAMED)
def test_streams(recording: Recording) -> None:
    wire_format = WIRE_FORMATS[recording.wire_format]
    whole = read_all(wire_format.stream_reader(), [recording.body])
    stream = write_all(whole)
    events = stream_events(stream)
    if isinstance(whole[-1], StreamError):
        assert events[-1]["type"] == "error"
        return
    check_order(events)
    response = fold(whole)
    if has_json_calls(response):
        expect(add_up(events), response)
    for seed in (0, 1, 2):
        pieces = cuts(recording.body, seed)
        assert write_all(read_all(wire_format.stream_reader(), pieces)) == stream
