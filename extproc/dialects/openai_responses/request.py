"""A Responses request, as OpenAI defines it, becoming the neutral model.

https://platform.openai.com/docs/api-reference/responses/create

Only providers that speak this dialect themselves keep state, and their bytes pass. All others are told the
whole conversation each time: what refers to earlier responses is refused, and what asks to keep this one is
named as not honoured.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from extproc.chat.model import ChatRequest, ResponseFormat
from extproc.dialects.openai_responses import shapes
from extproc.dialects.openai_responses.items import Conversation
from extproc.dialects.openai_responses.parts import need
from extproc.dialects.openai_responses.tools import Tools, read_choice
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.wire.rawjson import MalformedJSON, decode, decode_field, decoder, present, raw, replace_string

_STATEFUL: Final = {
    "previous_response_id": "this model's provider keeps no responses; send the earlier items in input",
    "conversation": "this model's provider keeps no conversations; send the earlier items in input",
    "prompt": "this model's provider keeps no prompts; send its text in instructions and input",
}
_PLAIN: Final[dict[str, tuple[object, ...]]] = {
    "metadata": ({},),
    "moderation": (),
    "prompt_cache_key": (),
    "prompt_cache_retention": ("in_memory",),
    "prompt_cache_options": ({},),
}
"""Fields that have the same name and sense in a chat completion, and the values that are their default."""

_ONLY_HERE: Final = frozenset({"access_programs", "background_options", "context_management", "image"})
"""Fields that no other format has a place for."""

_LOGPROBS: Final = "message.output_text.logprobs"
_ALWAYS_INCLUDED: Final = "reasoning.encrypted_content"

_PLACES: Final = {
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "messages.content.image_url.detail": "input.content.detail",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "response_format.json_schema": "text.format",
    "verbosity": "text.verbosity",
    "logprobs": "top_logprobs",
}
"""What the neutral request calls otherwise; see ``extproc.chat.places``."""

_KNOWN: Final = frozenset(
    {*shapes.Request.__struct_fields__, *_STATEFUL, *_PLAIN, *_ONLY_HERE, "input", "text", "tools"}
)
_ECHOED: Final = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
)
"""Fields that the answer repeats."""

_read: Final = decoder(shapes.Request)
_read_fields: Final = decoder(dict[str, Raw])


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`.

    Raises:
        RequestError: not a Responses request, or one that only OpenAI can take; ``param`` names the field.
    """
    try:
        return _translated(_read(body), body)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def edit_request(body: bytes, *, model: str) -> bytes:
    """`body` under another model name; see ``rawjson.replace_string``.

    Raises:
        RequestError: not a JSON object with a string ``model``.
    """
    try:
        return replace_string(body, "model", model)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _translated(request: shapes.Request, body: bytes) -> ChatRequest:
    fields = {name: value for name, value in _read_fields(body).items() if present(value) is not None}
    _refuse_state(request, fields)
    conversation = Conversation()
    if request.instructions:
        conversation.instruct(request.instructions)
    conversation.read(_given(request), fields["input"])
    tools = Tools()
    if request.tools:
        tools.read(request.tools, lambda n: decode(fields["tools"], list[Raw])[n])
    unsupported = [*conversation.unsupported, *tools.unsupported, *_unsupported(request, fields)]
    text = request.text or shapes.Text()
    places = {**_PLACES, **conversation.places, **tools.places}
    if request.safety_identifier:
        places["user"] = "safety_identifier"
    if _LOGPROBS in (request.include or ()):
        places["logprobs"] = "include"
    return ChatRequest(
        model=request.model,
        messages=tuple(conversation.messages),
        stream=bool(request.stream),
        include_usage=bool(request.stream),
        max_tokens=_at_least_one(request.max_output_tokens, "max_output_tokens"),
        temperature=_between(request.temperature, 2, "temperature"),
        top_p=_between(request.top_p, 1, "top_p"),
        tools=tuple(tools.tools),
        tool_choice=read_choice(request.tool_choice, unsupported),
        parallel_tool_calls=request.parallel_tool_calls if tools.tools else None,
        response_format=_response_format(text.format),
        reasoning_effort=request.reasoning.effort if request.reasoning else None,
        service_tier=request.service_tier,
        user=request.safety_identifier or request.user,
        plain=_plain(request, fields, text, tools.web_search),
        extra={name: value for name, value in fields.items() if _is_extra(name, value)},
        unsupported=tuple(dict.fromkeys(unsupported)),
        places=places,
        echo={name: fields[name] for name in _ECHOED if name in fields},
    )


def _given(request: shapes.Request) -> str | list[shapes.Item]:
    if request.input is None:
        raise RequestError("input: required field is missing", param="input")
    return request.input


def _refuse_state(request: shapes.Request, fields: dict[str, Raw]) -> None:
    for name, why in _STATEFUL.items():
        if name in fields:
            raise UnsupportedFieldError(f"{name}: {why}", param=name)
    if request.background:
        raise UnsupportedFieldError(
            "background: this model's provider keeps no responses; ask for a stream instead",
            param="background",
        )


def _unsupported(request: shapes.Request, fields: dict[str, Raw]) -> list[str]:
    names = [name for name in sorted(_ONLY_HERE) if name in fields and not _is_extra(name, fields[name])]
    if request.store:
        names.append("store")
    if request.truncation not in (None, "disabled"):
        names.append("truncation")
    if request.max_tool_calls is not None:
        names.append("max_tool_calls")
    if any(asked not in (_LOGPROBS, _ALWAYS_INCLUDED) for asked in request.include or ()):
        names.append("include")
    if request.stream_options is not None and request.stream_options.include_obfuscation:
        names.append("stream_options.include_obfuscation")
    if request.reasoning is not None:
        if request.reasoning.mode not in (None, "standard"):
            names.append("reasoning.mode")
        if request.reasoning.context not in (None, "auto"):
            names.append("reasoning.context")
    return names


def _is_extra(name: str, value: Raw) -> bool:
    """Whether `name` is for the vendor that knows it. Anthropic's ``context_management`` is an object."""
    if name == "context_management":
        return bytes(value).startswith(b"{")
    return name not in _KNOWN


def _plain(
    request: shapes.Request, fields: dict[str, Raw], text: shapes.Text, web_search: Raw | None
) -> dict[str, Raw]:
    plain = {
        name: fields[name]
        for name, defaults in _PLAIN.items()
        if name in fields and decode_field(fields[name], object, name) not in defaults
    }
    verbosity = present(text.verbosity)
    if verbosity is not None and bytes(verbosity) != b'"medium"':
        plain["verbosity"] = verbosity
    if web_search is not None:
        plain["web_search_options"] = web_search
    if _LOGPROBS in (request.include or ()) or request.top_logprobs:
        plain["logprobs"] = raw(True)
    if request.top_logprobs:
        plain["top_logprobs"] = fields["top_logprobs"]
    return plain


def _at_least_one(value: int | None, name: str) -> int | None:
    if value is not None and value < 1:
        raise RequestError(f"{name}: must be at least 1", param=name)
    return value


def _between(value: float | None, top: float, name: str) -> float | None:
    if value is not None and not 0 <= value <= top:
        raise RequestError(f"{name}: must be between 0 and {top:g}", param=name)
    return value


def _response_format(value: shapes.Format | None) -> ResponseFormat | None:
    if value is None or value.type == "text":
        return None
    if value.type == "json_object":
        return ResponseFormat(kind="json_object")
    if value.type != "json_schema":
        raise RequestError(f"text.format.type: unknown type {value.type!r}", param="text.format.type")
    fields: dict[str, Any] = {"name": value.name, "description": value.description, "strict": value.strict}
    return ResponseFormat(
        kind="json_schema", schema=need(present(value.schema), "text.format.schema"), **fields
    )
