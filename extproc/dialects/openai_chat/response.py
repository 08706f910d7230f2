"""A whole answer in the words of OpenAI: https://platform.openai.com/docs/api-reference/chat/object

Beyond OpenAI's own fields a client may get, on the message or its stream deltas:

``reasoning_content``   the model's reasoning, as text (DeepSeek's name; also vLLM's and others')
``thinking_blocks``     the same with the provider's signatures (LiteLLM's name). Send the message back
                        with this field and multi-turn tool use keeps its reasoning.
``anthropic_content``   the message as Anthropic's blocks, if it has some that no other field can hold
                        (server tools, interleaved reasoning). Sent back, it takes the place of the rest.
``google_content``      the same as Gemini's parts (its own tools, images, several signatures).
``bedrock_content``     the same as Converse's blocks (tools that AWS runs, citations of documents).

and on a choice ``native_finish_reason`` (OpenRouter's name) and ``stop_sequence``.
"""

from __future__ import annotations

from typing import Any, Final

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
from extproc.errors import GatewayError
from extproc.wire.rawjson import encode

FINISH_REASONS: Final[dict[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",  # what OpenAI reports when its own safety system cuts an answer
    "pause": "stop",  # OpenAI has no word for it; native_finish_reason has the provider's
    "unknown": "stop",
}
SERVICE_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
"""What OpenAI's clients know; they refuse others."""


def write_response(response: ChatResponse, reply: ReplyContext) -> bytes:
    """`response` as the body of a 200."""
    body: dict[str, Any] = {
        "id": response.id or fallback_id(reply),
        "object": "chat.completion",
        "created": reply.created if response.created is None else response.created,
        "model": reply.model,
        "choices": [_choice(choice, legacy=reply.legacy_functions) for choice in response.choices],
        "usage": None if response.usage is None else write_usage(response.usage),
        "system_fingerprint": response.fingerprint,
    }
    if response.service_tier in SERVICE_TIERS:
        body["service_tier"] = response.service_tier
    return encode(body)


def write_error(error: GatewayError) -> bytes:
    """The error object of https://platform.openai.com/docs/guides/error-codes"""
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return encode({"error": told})


def fallback_id(reply: ReplyContext) -> str:
    return f"chatcmpl-{reply.request_id}"


def finish_word(reason: FinishReason, *, called: bool, legacy: bool) -> str:
    """OpenAI's word for `reason`.

    called: the answer has tool calls, so that an unknown end means that they should be run.
    legacy: the client knows ``function_call`` only.
    """
    word = "tool_calls" if called and reason == "unknown" else FINISH_REASONS[reason]
    return "function_call" if legacy and word == "tool_calls" else word


def _choice(choice: Choice, *, legacy: bool) -> dict[str, Any]:
    written: dict[str, Any] = {
        "index": choice.index,
        "message": _message(choice.message, legacy=legacy),
        "logprobs": choice.logprobs,
        "finish_reason": finish_word(
            choice.finish_reason, called=bool(choice.message.tool_calls), legacy=legacy
        ),
    }
    add_finish_details(written, choice.native_reason, choice.stop_sequence)
    return written


def add_finish_details(written: dict[str, Any], native_reason: str | None, stop_sequence: str | None) -> None:
    """Put in the fields that say more than OpenAI's five words."""
    if native_reason is not None:
        written["native_finish_reason"] = native_reason
    if stop_sequence is not None:
        written["stop_sequence"] = stop_sequence


def _message(message: AssistantMessage, *, legacy: bool) -> dict[str, Any]:
    text = message.text
    calls = message.tool_calls
    written: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (calls or message.refusal or message.audio) else None,
        "refusal": message.refusal,
    }
    if message.reasoning is not None:
        written["reasoning_content"] = message.reasoning
    if message.thinking:
        written["thinking_blocks"] = [write_thinking(block) for block in message.thinking]
    if message.annotations:
        written["annotations"] = [write_annotation(annotation) for annotation in message.annotations]
    if message.native is not None:
        written[native_field(message.native.owner)] = message.native.blocks
    if message.audio is not None:
        written["audio"] = message.audio
    if calls and legacy:  # a second call has no place, and was not asked for
        written["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        written["tool_calls"] = [write_tool_call(call) for call in calls]
    return written


def native_field(owner: str) -> str:
    return f"{owner}_content"


def write_tool_call(call: ToolCall) -> dict[str, Any]:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def write_thinking(block: Thinking) -> dict[str, Any]:
    if block.redacted is not None:
        return {"type": "redacted_thinking", "data": block.redacted}
    return {"type": "thinking", "thinking": block.text, "signature": block.signature}


def write_annotation(annotation: Annotation) -> dict[str, Any]:
    citation = {
        "start_index": annotation.start,
        "end_index": annotation.end,
        "title": annotation.title,
        "url": annotation.url,
    }
    return {"type": "url_citation", "url_citation": citation}


def write_usage(usage: Usage) -> dict[str, Any]:
    """OpenAI's usage object; details that the provider did not give are absent."""
    written: dict[str, Any] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }
    _add_details(
        written,
        "prompt_tokens_details",
        cached_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        audio_tokens=usage.audio_prompt,
    )
    _add_details(
        written,
        "completion_tokens_details",
        reasoning_tokens=usage.reasoning,
        audio_tokens=usage.audio_completion,
        accepted_prediction_tokens=usage.accepted_prediction,
        rejected_prediction_tokens=usage.rejected_prediction,
    )
    return written


def _add_details(written: dict[str, Any], field: str, **counts: int | None) -> None:
    known = {name: count for name, count in counts.items() if count is not None}
    if known:
        written[field] = known
