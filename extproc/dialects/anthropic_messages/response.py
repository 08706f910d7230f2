"""A whole answer as a message of Anthropic's: https://platform.claude.com/docs/en/api/messages

Reasoning of any provider becomes ``thinking`` blocks. What has no signature carries an empty one; what a
provider answered in parts of its own comes along as one ``redacted_thinking`` block, see ``carrier``.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.chat.model import (
    Annotation,
    AssistantMessage,
    ChatResponse,
    Choice,
    FinishReason,
    Thinking,
    ToolCall,
    Usage,
)
from extproc.chat.seams import ReplyContext
from extproc.dialects.anthropic_messages.carrier import seal
from extproc.errors import GatewayError
from extproc.wire.rawjson import MalformedJSON, decode, decoder, encode

STOP_REASONS: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "unknown": "end_turn",
}
_CONTEXT_FULL: Final = "model_context_window_exceeded"
"""Anthropic's own word for one kind of ``length``, where the provider is Claude's."""

_ERROR_TYPES: Final = {
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""By status; all others are ``invalid_request_error``: https://platform.claude.com/docs/en/api/errors"""

_TIERS: Final = {"default": "standard", "priority": "priority"}

OWNER: Final = "anthropic"
INVALID_JSON: Final = "INVALID_JSON"
"""The key that holds arguments which are not a JSON object, as Anthropic has it.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
"""


class _Object(msgspec.Struct, gc=False):
    """Any JSON object."""


_read_object: Final = decoder(_Object)


def write_response(response: ChatResponse, reply: ReplyContext) -> bytes:
    """`response` as the body of a 200; of several choices the first, as no client asks for more."""
    choice = response.choices[0] if response.choices else Choice(message=AssistantMessage())
    message = choice.message
    reason = stop_reason(
        choice.finish_reason,
        choice.native_reason,
        choice.stop_sequence,
        called=bool(message.tool_calls),
        refused=message.refusal is not None,
    )
    body = start(response.id, response.service_tier, response.usage, reply)
    body["content"] = _content(message)
    body |= stop(reason, choice.stop_sequence, message.refusal)
    return encode(body)


def start(
    message_id: str | None, tier: str | None, usage: Usage | None, reply: ReplyContext
) -> dict[str, Any]:
    """The message before it says anything."""
    return {
        "id": message_id or f"msg_{reply.request_id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": write_usage(usage or Usage(), tier),
    }


def stop(reason: str, stop_sequence: str | None, refusal: str | None) -> dict[str, Any]:
    """What a message says of its end."""
    told: dict[str, Any] = {"stop_reason": reason, "stop_sequence": stop_sequence}
    if reason == "refusal":
        told["stop_details"] = {"type": "refusal", "category": None, "explanation": refusal or None}
    return told


def stop_reason(
    reason: FinishReason,
    native_reason: str | None,
    stop_sequence: str | None,
    *,
    called: bool,
    refused: bool,
) -> str:
    """called: there are tool calls, which the client is to run whatever else the provider says.

    refused: the model said no in words of their own, which is no reason to OpenAI.
    """
    if native_reason == _CONTEXT_FULL:
        return native_reason
    if reason in ("stop", "unknown"):
        if called:
            return "tool_use"
        if refused:
            return "refusal"
        if stop_sequence is not None:
            return "stop_sequence"
    return STOP_REASONS[reason]


def write_usage(usage: Usage, tier: str | None = None) -> dict[str, Any]:
    """Anthropic counts what was read from or written to a cache apart from the rest of the input."""
    cached, written = usage.cached or 0, usage.cache_write or 0
    told: dict[str, Any] = {
        "input_tokens": max(0, usage.prompt - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion,
    }
    if usage.reasoning is not None:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if tier in _TIERS:
        told["service_tier"] = _TIERS[tier]
    return told


def write_error(error: GatewayError) -> bytes:
    """The body of an HTTP error, and the data of one in a stream."""
    kind = _ERROR_TYPES.get(error.status, "invalid_request_error")
    return encode({"type": "error", "error": {"type": kind, "message": error.message}})


def _content(message: AssistantMessage) -> list[Any]:
    native = message.native
    if native is not None and native.owner == OWNER:
        return list(native.blocks)
    blocks: list[Any] = [write_thinking(thinking) for thinking in _thoughts(message)]
    text = message.text
    if text or message.annotations:
        block: dict[str, Any] = {"type": "text", "text": text}
        if message.annotations:
            block["citations"] = [
                write_citation(cited, text[cited.start : cited.end]) for cited in message.annotations
            ]
        blocks.append(block)
    if message.refusal:
        blocks.append({"type": "text", "text": message.refusal})
    blocks += [_tool_use(call) for call in message.tool_calls]
    if native is not None:
        blocks.append({"type": "redacted_thinking", "data": seal(native)})
    return blocks


def _thoughts(message: AssistantMessage) -> tuple[Thinking, ...]:
    """The blocks for the provider; for people, where it wants none back."""
    if message.reasoning and not any(thinking.text for thinking in message.thinking):
        return (Thinking(text=message.reasoning), *message.thinking)
    return message.thinking


def write_thinking(thinking: Thinking) -> dict[str, Any]:
    if thinking.redacted is not None:
        return {"type": "redacted_thinking", "data": thinking.redacted}
    return {"type": "thinking", "thinking": thinking.text, "signature": thinking.signature}


def write_citation(cited: Annotation, text: str) -> dict[str, Any]:
    """A web source of `text`; others than Claude have no index to it."""
    return {
        "type": "web_search_result_location",
        "url": cited.url,
        "title": cited.title,
        "encrypted_index": "",
        "cited_text": text,
    }


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call)}


def _input(call: ToolCall) -> Any:
    if not call.arguments.strip():
        return {}
    try:
        _read_object(call.arguments)
        return decode(call.arguments, Raw)
    except MalformedJSON:
        return {INVALID_JSON: call.arguments}
