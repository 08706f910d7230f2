"""A chat completion becoming the neutral answer."""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import (
    Annotation,
    AssistantMessage,
    ChatResponse,
    Choice,
    FinishReason,
    TextPart,
    ToolCall,
    Usage,
)
from extproc.errors import ProviderFailed
from extproc.providers.faults import fault_error, read_fault
from extproc.providers.openai import shapes
from extproc.wire.rawjson import MalformedJSON, decode, decoder, present, raw

FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "eos": "stop",  # Together, for older models
}


read_completion: Final = decoder(shapes.Completion)


def read_response(body: bytes) -> ChatResponse:
    """Raises: ProviderError for a broken body, or for an error in a successful response."""
    try:
        completion = read_completion(body)
        choices = tuple(_choice(choice, n) for n, choice in enumerate(completion.choices or ()))
    except MalformedJSON as error:
        raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None
    if not choices:
        raise fault_error(read_fault(body))
    start = start_event(completion)
    return ChatResponse(
        id=start.id,
        created=start.created,
        model=start.model,
        fingerprint=start.fingerprint,
        service_tier=start.service_tier,
        usage=None if completion.usage is None else read_usage(completion.usage),
        choices=choices,
    )


def start_event(completion: shapes.Completion) -> ev.Start:
    return ev.Start(
        id=completion.id or None,
        created=int(completion.created) if completion.created else None,
        model=completion.model or None,
        fingerprint=completion.system_fingerprint,
        service_tier=completion.service_tier,
    )


def read_usage(usage: shapes.Usage) -> Usage:
    prompt = usage.prompt_tokens_details or shapes.PromptDetails()
    completion = usage.completion_tokens_details or shapes.CompletionDetails()
    cached = (prompt.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens)
    return Usage(
        prompt=usage.prompt_tokens or 0,
        completion=usage.completion_tokens or 0,
        cached=next((count for count in cached if count is not None), None),
        cache_write=prompt.cache_write_tokens,
        reasoning=completion.reasoning_tokens,
        audio_prompt=prompt.audio_tokens,
        audio_completion=completion.audio_tokens,
        accepted_prediction=completion.accepted_prediction_tokens,
        rejected_prediction=completion.rejected_prediction_tokens,
    )


def finish_reason(word: str) -> FinishReason:
    return FINISH_REASONS.get(word, "unknown")


def native_reason(word: str) -> str | None:
    """The vendor's word, where it is not OpenAI's own."""
    return None if FINISH_REASONS.get(word) == word else word


def texts(message: shapes.Message) -> tuple[str, str]:
    """Text and reasoning of a message or delta."""
    reasoning = message.reasoning_content or message.reasoning or ""
    if message.content is None or isinstance(message.content, str):
        return message.content or "", reasoning
    text = ""
    for part in message.content:
        if part.thinking is None:
            text += part.text or ""
        elif isinstance(part.thinking, str):
            reasoning += part.thinking
        else:
            reasoning += "".join(thought.text or "" for thought in part.thinking)
    return text, reasoning


def arguments(function: shapes.FunctionCall) -> str:
    """Raises: MalformedJSON for a string that is none."""
    value = present(function.arguments)
    if value is None:
        return ""
    return decode(value, str) if bytes(value).startswith(b'"') else bytes(value).decode()


def annotation(given: shapes.Annotation) -> Annotation | None:
    cited = given.url_citation
    if cited is None or cited.url is None:
        return None
    return Annotation(
        url=cited.url, title=cited.title or "", start=cited.start_index or 0, end=cited.end_index or 0
    )


def logprobs(given: shapes.Logprobs | None) -> Raw | None:
    if given is None or (given.content is None and given.refusal is None):
        return None
    return raw(given)


def _choice(choice: shapes.Choice, position: int) -> Choice:
    message = choice.message or shapes.Message()
    text, reasoning = texts(message)
    calls = [_tool_call(call, n) for n, call in enumerate(message.tool_calls or ())]
    if message.function_call is not None and not calls:
        calls.append(_tool_call(shapes.ToolCall(function=message.function_call), 0))
    cited = [annotation(given) for given in message.annotations or ()]
    word = choice.finish_reason or ""
    return Choice(
        index=position if choice.index is None else choice.index,
        message=AssistantMessage(
            parts=(TextPart(text=text),) if text else (),
            tool_calls=tuple(calls),
            refusal=message.refusal or None,
            reasoning=reasoning or None,
            annotations=tuple(found for found in cited if found is not None),
            audio=present(message.audio),
        ),
        finish_reason=finish_reason(word),
        native_reason=native_reason(word) if word else None,
        logprobs=logprobs(choice.logprobs),
    )


def _tool_call(call: shapes.ToolCall, position: int) -> ToolCall:
    call_id = call.id or f"call_{position}"
    if call.custom is not None:
        return ToolCall(
            id=call_id, name=call.custom.name or "", arguments=call.custom.input or "", kind="custom"
        )
    function = call.function or shapes.FunctionCall()
    return ToolCall(id=call_id, name=function.name or "", arguments=arguments(function))
