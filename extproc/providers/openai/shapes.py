"""Chat completions and their chunks, as OpenAI defines them and as its many imitators send them.

https://platform.openai.com/docs/api-reference/chat/object and .../chat-streaming. Everything may
be null or absent: vendors differ, and what is missing is rarely worth failing an answer for.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.wire.rawjson import ABSENT


class FunctionCall(msgspec.Struct, gc=False):
    """arguments: a string with JSON; some vendors send the object itself."""

    name: str | None = None
    arguments: Raw = ABSENT


class CustomCall(msgspec.Struct, gc=False):
    name: str | None = None
    input: str | None = None


class ToolCall(msgspec.Struct, gc=False):
    """index: only in streams, and not with every vendor."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class URLCitation(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct, gc=False):
    type: str | None = None
    url_citation: URLCitation | None = None


class ThinkingText(msgspec.Struct, gc=False):
    text: str | None = None


class ContentPart(msgspec.Struct, gc=False):
    """Mistral's reasoning models answer in parts: https://docs.mistral.ai/capabilities/reasoning/"""

    type: str | None = None
    text: str | None = None
    thinking: list[ThinkingText] | str | None = None


class Message(msgspec.Struct, gc=False):
    """The message of an answer, or what a chunk adds to it.

    reasoning_content (DeepSeek, vLLM) and reasoning (OpenRouter, Groq, Ollama) are the same.
    """

    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None
    annotations: list[Annotation] | None = None
    audio: Raw = ABSENT


class Logprobs(msgspec.Struct, gc=False):
    content: list[Raw] | None = None
    refusal: list[Raw] | None = None


class Choice(msgspec.Struct, gc=False):
    """message in an answer, delta in a chunk. text: in chunks of legacy completions, which have no delta."""

    index: int | None = None
    message: Message | None = None
    delta: Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class Usage(msgspec.Struct, gc=False):
    """prompt_cache_hit_tokens (DeepSeek) and a bare cached_tokens (Moonshot) say what the details say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None


class XGroq(msgspec.Struct, gc=False):
    usage: Usage | None = None


class Completion(msgspec.Struct, gc=False):
    """An answer or a chunk. created: some vendors send a fraction.

    x_groq: where Groq tells a stream's usage, asked or not (https://console.groq.com/docs/api-reference#chat).
    """

    id: str | None = None
    created: float | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    x_groq: XGroq | None = None
    error: Raw = ABSENT


class TypedEvent(msgspec.Struct, gc=False):
    """An event of the Responses API, or an error that a proxy has put in."""

    type: str = ""
    error: Raw = ABSENT


class FailedEvent(msgspec.Struct, gc=False):
    response: Raw = ABSENT
