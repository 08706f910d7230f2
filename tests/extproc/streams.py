"""Event streams as the two kinds of provider send them, and what clients read in theirs."""

from __future__ import annotations

import json
from typing import Any

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 3},
}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-x",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"},
    ],
}


def anthropic(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def openai(*chunks: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks)


def delta(text: str) -> bytes:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return anthropic(event)


def overloaded(kind: str = "overloaded_error") -> bytes:
    return anthropic({"type": "error", "error": {"type": kind, "message": "the words of the provider"}})


PING = anthropic({"type": "ping"})
BEGIN = anthropic(
    {
        "type": "message_start",
        "message": MESSAGE
        | {"content": [], "stop_reason": None, "usage": {"input_tokens": 5, "output_tokens": 1}},
    }
)
BLOCK = anthropic({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
END = anthropic(
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
)

ROLE_CHUNK = openai(
    {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-x",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
    }
)
TEXT_CHUNK = openai(
    {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-x",
        "choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}],
    }
)
LAST_CHUNK = (
    openai(
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-x",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        }
    )
    + b"data: [DONE]\n\n"
)


def text(stream: bytes) -> str:
    """The text that a client reads in `stream`, which is whole events only."""
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in payloads(stream)
        for choice in chunk.get("choices", ())
    )


def payloads(stream: bytes) -> list[dict[str, Any]]:
    """The events of a client's stream but for ``[DONE]``."""
    assert stream == b"" or stream.endswith(b"\n\n")
    events = [event.removeprefix(b"data: ") for event in stream.split(b"\n\n") if event]
    return [json.loads(event) for event in events if event != b"[DONE]"]
