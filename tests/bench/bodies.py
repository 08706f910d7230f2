"""What clients ask and providers answer: small, and shaped like the real thing."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.extproc.wire import frames

WORD: Final = " lorem"
"""The content of each streamed chunk; nothing else in a stream contains it, so it can be counted."""
MARK: Final = WORD.encode()
DONE: Final = b"data: [DONE]\n\n"
MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
ANSWER: Final = (
    "The gateway keeps one connection pool for each provider and sends a request on the connection that is "
    "free first, so a slow answer never blocks the next one. If you see queueing, raise the provider's limit "
    "of concurrent requests or add a second endpoint. Shall I show you where?"
)

_SYSTEM: Final = "You are a support engineer. Answer in short, exact sentences."
_TURNS: Final = (
    {"role": "user", "content": "How does the gateway choose a connection to a provider?"},
    {
        "role": "assistant",
        "content": "It keeps a pool of connections for each provider and takes one that is idle, "
        "or opens another.",
    },
    {"role": "user", "content": "And what happens to my request while the others are slow to answer?"},
)
_CREATED: Final = 1_760_000_000
_BEDROCK_USAGE: Final = {
    "cacheReadInputTokens": 0,
    "cacheWriteInputTokens": 0,
    "inputTokens": 82,
    "outputTokens": 58,
    "serverToolUsage": {},
    "totalTokens": 140,
}


def request(model: str, *, stream: bool, chunks: int = 100) -> bytes:
    """A chat of four messages. The stand's provider streams as many chunks as tokens are allowed."""
    system = {"role": "system", "content": _SYSTEM}
    return _request(model, {"messages": [system, *_TURNS]}, stream=stream, chunks=chunks)


def messages_request(model: str, *, stream: bool, chunks: int = 100) -> bytes:
    """The same in Anthropic's format."""
    return _request(model, {"system": _SYSTEM, "messages": _TURNS}, stream=stream, chunks=chunks)


def _request(model: str, said: dict[str, Any], *, stream: bool, chunks: int) -> bytes:
    return _compact({"model": model, **said, "temperature": 0.7, "max_tokens": chunks, "stream": stream})


def openai_answer() -> bytes:
    return _compact(
        {
            "id": "chatcmpl-C9tQZ4Yw1qkP0dR5mXv2sJhB7uNfL",
            "object": "chat.completion",
            "created": _CREATED,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": ANSWER, "refusal": None, "annotations": []},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 82,
                "completion_tokens": 58,
                "total_tokens": 140,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
            "service_tier": "default",
            "system_fingerprint": "fp_560af6e559",
        }
    )


def anthropic_answer() -> bytes:
    return _compact(
        {
            "model": "claude-haiku-4-5-20251001",
            "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": ANSWER}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 82,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
                "output_tokens": 58,
                "service_tier": "standard",
            },
        }
    )


def openai_stream() -> tuple[bytes, bytes, bytes]:
    """What begins a stream, what each chunk is, and what ends it."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        data = {
            "id": "chatcmpl-C9tQZ4Yw1qkP0dR5mXv2sJhB7uNfL",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": "gpt-4o-mini-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_560af6e559",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }
        return b"data: " + _compact(data) + b"\n\n"

    begin = chunk({"role": "assistant", "content": "", "refusal": None})
    return begin, chunk({"content": WORD}), chunk({}, "stop") + DONE


def anthropic_stream() -> tuple[bytes, bytes, bytes]:
    """The same in Anthropic's events."""

    def event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: ".encode() + _compact({"type": kind, **fields}) + b"\n\n"

    message = json.loads(anthropic_answer())
    message |= {"content": [], "stop_reason": None}
    begin = event("message_start", message=message) + event(
        "content_block_start", index=0, content_block={"type": "text", "text": ""}
    )
    delta = event("content_block_delta", index=0, delta={"type": "text_delta", "text": WORD})
    end = (
        event("content_block_stop", index=0)
        + event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 58},
        )
        + event("message_stop")
    )
    return begin, delta, end


def gemini_answer() -> bytes:
    return _gemini(ANSWER, finishReason="STOP", avgLogprobs=-0.21)


def gemini_stream() -> tuple[bytes, bytes, bytes]:
    """The same in Gemini's answers of what is new."""

    def event(text: str, **fields: Any) -> bytes:
        return b"data: " + _gemini(text, **fields) + b"\r\n\r\n"

    return event(""), event(WORD), event("", finishReason="STOP")


def _gemini(text: str, **fields: Any) -> bytes:
    return _compact(
        {
            "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **fields}],
            "usageMetadata": {
                "promptTokenCount": 82,
                "candidatesTokenCount": 58,
                "totalTokenCount": 140,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 82}],
                "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 58}],
            },
            "modelVersion": "gemini-2.5-flash",
            "responseId": "Un6LacrVMcjUxs0PmJfWoQc",
        }
    )


def bedrock_answer() -> bytes:
    return _compact(
        {
            "metrics": {"latencyMs": 1170},
            "output": {"message": {"content": [{"text": ANSWER}], "role": "assistant"}},
            "stopReason": "end_turn",
            "usage": _BEDROCK_USAGE,
        }
    )


def bedrock_stream() -> tuple[bytes, bytes, bytes]:
    """The same in AWS's event-stream messages, padded as Bedrock's are."""

    def event(kind: str, **fields: Any) -> bytes:
        return frames.event(kind, {**fields, "p": "abcdefghijklmnopqrstuvwxyz"})

    delta = event("contentBlockDelta", contentBlockIndex=0, delta={"text": WORD})
    end = (
        event("contentBlockStop", contentBlockIndex=0)
        + event("messageStop", stopReason="end_turn")
        + event("metadata", metrics={"latencyMs": 2040}, usage=_BEDROCK_USAGE)
    )
    return event("messageStart", role="assistant"), delta, end


def openai_error() -> bytes:
    error = {"message": "The server is overloaded.", "type": "server_error", "param": None, "code": None}
    return _compact({"error": error})


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
