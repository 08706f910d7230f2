"""A chat completion request, as OpenAI defines it, becoming the neutral model.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from extproc.chat.model import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    NativeTool,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from extproc.dialects.openai_chat import shapes
from extproc.dialects.openai_chat.messages import read_messages
from extproc.errors import RequestError
from extproc.wire.rawjson import (
    ABSENT,
    MalformedJSON,
    decode,
    decode_field,
    decoder,
    present,
    replace_string,
)

_ASKS_FOR_NOTHING: Final[dict[str, tuple[object, ...]]] = {
    "seed": (),
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "metadata": ({},),
    "store": (False,),
    "prediction": (),
    "web_search_options": (),
    "modalities": (["text"], []),
    "audio": (),
    "verbosity": ("medium",),
    "moderation": (),
    "prompt_cache_key": (),
    "prompt_cache_retention": ("in_memory",),
    "prompt_cache_options": ({},),
}
"""Fields that stay text, and the values of each that are its default."""

_KNOWN: Final = frozenset(shapes.Request.__struct_fields__)
_FIRST_TEXT: Final = len(shapes.Read.__struct_fields__)
_NO_TEXTS: Final = (ABSENT,) * (len(shapes.Request.__struct_fields__) - _FIRST_TEXT)

_read_known: Final = decoder(shapes.KnownRequest)
_read_any: Final = decoder(shapes.Request)
_read_fields: Final = decoder(dict[str, Raw])


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`.

    Raises:
        RequestError: not a chat completion request; ``param`` names the field.
    """
    try:
        request, fields = _read(body)
        raws = _Raws(body)
        legacy = not request.tools and bool(request.functions or request.function_call)
        return ChatRequest(
            model=request.model,
            messages=read_messages(request.messages, raws.part),
            stream=bool(request.stream),
            include_usage=bool(request.stream_options and request.stream_options.include_usage),
            max_tokens=_max_tokens(request),
            temperature=_between(request.temperature, 2, "temperature"),
            top_p=_between(request.top_p, 1, "top_p"),
            stop=_stop(request.stop),
            tools=_tools(request, raws),
            tool_choice=_tool_choice(request),
            parallel_tool_calls=False if legacy else request.parallel_tool_calls,
            legacy_functions=legacy,
            response_format=_response_format(request.response_format),
            reasoning_effort=request.reasoning_effort,
            service_tier=request.service_tier,
            user=request.safety_identifier or request.user,
            plain={name: value for name, value in fields.items() if _asks(name, value)} if fields else {},
            extra={name: value for name, value in fields.items() if _is_extra(name, value)} if fields else {},
        )
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _read(body: bytes) -> tuple[shapes.Request, dict[str, Raw]]:
    """The request, and all of its fields as text and in the client's order if some of them stay text.

    Most requests have none, and are read only once.
    """
    try:
        request = _read_known(body)
    except MalformedJSON:  # a field that the dialect does not define, or else what the readers below tell
        fields = _read_fields(body)
        return _read_any(body), fields
    texts = msgspec.structs.astuple(request)[_FIRST_TEXT:]
    return request, {} if texts == _NO_TEXTS else _read_fields(body)


def edit_request(body: bytes, *, model: str) -> bytes:
    """`body` under another model name; see ``rawjson.replace_string``.

    Raises:
        RequestError: not a JSON object with a string ``model``.
    """
    try:
        return replace_string(body, "model", model)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


class _Raws:
    """The text of single parts and tools; the body is read again only if one is asked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._again: shapes.RawRequest | None = None

    def _request(self) -> shapes.RawRequest:
        if self._again is None:
            self._again = decode(self._body, shapes.RawRequest)
        return self._again

    def part(self, message: int, part: int) -> Raw:
        return decode(self._request().messages[message]["content"], list[Raw])[part]

    def tool(self, index: int) -> Raw:
        return (self._request().tools or [])[index]


def _asks(name: str, value: Raw) -> bool:
    """Whether `name` is a field that stays text, and `value` asks for anything but its default."""
    if name not in _ASKS_FOR_NOTHING or present(value) is None:
        return False
    defaults = _ASKS_FOR_NOTHING[name]
    return not defaults or len(bytes(value)) > 16 or decode_field(value, object, name) not in defaults  # noqa: PLR2004


def _is_extra(name: str, value: Raw) -> bool:
    return name not in _KNOWN and present(value) is not None


def _max_tokens(request: shapes.Request) -> int | None:
    value, name = request.max_completion_tokens, "max_completion_tokens"
    if value is None:
        value, name = request.max_tokens, "max_tokens"
    if value is not None and value < 1:
        raise RequestError(f"{name}: must be at least 1", param=name)
    return value


def _between(value: float | None, top: float, name: str) -> float | None:
    if value is not None and not 0 <= value <= top:
        raise RequestError(f"{name}: must be between 0 and {top:g}", param=name)
    return value


def _stop(value: str | list[str] | None) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value or ())


def _tools(request: shapes.Request, raws: _Raws) -> tuple[Tool, ...]:
    if not request.tools and not request.functions:
        return ()
    tools = [_tool(tool, index, raws) for index, tool in enumerate(request.tools or ())]
    tools += [_function(function, ABSENT) for function in request.functions or ()]
    return tuple(tools)


def _tool(tool: shapes.Tool, index: int, raws: _Raws) -> Tool:
    match tool.type:
        case "function":
            if tool.function is None:
                raise _missing(f"tools[{index}].function")
            return _function(tool.function, tool.cache_control)
        case "custom" if tool.custom is not None:
            return CustomTool(name=tool.custom.name, raw=raws.tool(index))
        case other:
            return NativeTool(type=other, raw=raws.tool(index))


def _function(function: shapes.Function, cache: Raw) -> FunctionTool:
    return FunctionTool(
        name=function.name,
        description=function.description,
        parameters=present(function.parameters),
        strict=function.strict,
        cache=present(cache) or present(function.cache_control),
    )


def _tool_choice(request: shapes.Request) -> ToolChoice | None:
    if request.tool_choice is not None:
        return _chosen(request.tool_choice, "tool_choice")
    if request.function_call is not None:
        return _chosen(request.function_call, "function_call")
    return None


def _chosen(choice: str | shapes.ToolChoice | shapes.Named, field: str) -> ToolChoice:
    match choice:
        case "auto" | "none" | "required":
            return ToolChoice(mode=choice, field=field)
        case "any":  # Mistral's word for it
            return ToolChoice(mode="required", field=field)
        case str():
            raise RequestError(f"{field}: unknown mode {choice!r}", param=field)
        case shapes.Named(name):
            return ToolChoice(mode="required", name=name, field=field)
    if choice.type == "allowed_tools":
        if choice.allowed_tools is None:
            raise _missing("tool_choice.allowed_tools")
        mode = choice.allowed_tools.mode
        if mode not in ("auto", "required"):
            raise RequestError(f"tool_choice.allowed_tools.mode: unknown mode {mode!r}", param="tool_choice")
        named = [tool.function or tool.custom for tool in choice.allowed_tools.tools]
        allowed = tuple(tool.name for tool in named if tool is not None)
        return ToolChoice(mode="required" if mode == "required" else "auto", allowed=allowed)
    named_tool = choice.function or choice.custom
    if named_tool is None:
        raise _missing("tool_choice.function")
    return ToolChoice(mode="required", name=named_tool.name)


def _response_format(value: shapes.ResponseFormat | None) -> ResponseFormat | None:
    if value is None or value.type == "text":
        return None
    if value.type == "json_object":
        return ResponseFormat(kind="json_object")
    if value.type != "json_schema":
        raise RequestError(f"response_format.type: unknown type {value.type!r}", param="response_format.type")
    schema = value.json_schema
    if schema is None or present(schema.schema) is None:
        raise _missing("response_format.json_schema.schema" if schema else "response_format.json_schema")
    return ResponseFormat(
        kind="json_schema",
        name=schema.name,
        description=schema.description,
        schema=schema.schema,
        strict=schema.strict,
    )


def _missing(path: str) -> RequestError:
    return RequestError(f"{path}: required field is missing", param=path)
