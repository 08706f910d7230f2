"""A neutral request becoming a chat completion request.

https://platform.openai.com/docs/api-reference/chat/create. Requests of clients that speak this
dialect themselves do not come here: their bytes pass.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from extproc.chat.model import (
    AssistantMessage,
    AudioPart,
    ChatRequest,
    CustomTool,
    FilePart,
    FunctionTool,
    ImagePart,
    Message,
    NativePart,
    NativeTool,
    Part,
    RefusalPart,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMessage,
    UserMessage,
)
from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target, request_path
from extproc.providers.openai.vendors import Vendor, refused, vendor
from extproc.wire.rawjson import encode


def write_request(request: ChatRequest, target: Target, model: str) -> ProviderRequest:
    """All that the neutral model holds has a place here, except caching marks and proofs of reasoning.

    What this vendor or model does not take is left out and named, by its place in the neutral request.
    Fields of other vendors (``extra``) go out as they are: whose they are, only the client knows.
    """
    row = vendor(target.type, target.api_version)
    unsupported: list[str] = []
    body: dict[str, Any] = {"model": model, "messages": _messages(request.messages, row, unsupported)}
    if request.max_tokens is not None:
        body[row.limit] = request.max_tokens
    refuses = refused(target.type, model, request.reasoning_effort)
    for name, value in _asked(request, row).items():
        if _takes(name, value, row, refuses):
            body[name] = value
        elif name not in _DEFAULT_ONE or value != 1:
            unsupported.append(_place(name, request))
    for name, other in row.renamed:
        if name in body:
            body[other] = body.pop(name)
    if request.stream:
        body["stream"] = True
        if request.include_usage and row.asks_for_usage:
            body |= _ask_for_usage(row, unsupported)
    body |= request.extra
    return ProviderRequest(
        path=request_path(target, "/chat/completions", model),
        headers=(("content-type", "application/json"),),
        body=encode(body),
        unsupported=tuple(dict.fromkeys(unsupported)),
    )


_DEFAULT_ONE: Final = ("temperature", "top_p")
"""Models that have no choice of these behave as for 1."""


def _asked(request: ChatRequest, row: Vendor) -> dict[str, Any]:
    """What the client asks for, by OpenAI's names."""
    choice = request.tool_choice
    tools = request.tools
    if choice is not None and choice.allowed is not None and not row.allowed_tools:
        offered = tuple(tool for tool in tools if isinstance(tool, NativeTool) or tool.name in choice.allowed)
        if offered:
            tools, choice = offered, replace(choice, allowed=None)
    optional: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": request.stop or None,
        "tools": [_tool(tool) for tool in tools] or None,
        "tool_choice": _tool_choice(choice, tools),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _response_format(request.response_format),
        "reasoning_effort": request.reasoning_effort,
        "service_tier": request.service_tier,
        "user": request.user,
    }
    return {name: value for name, value in optional.items() if value is not None} | request.plain


def _takes(name: str, value: Any, row: Vendor, refuses: frozenset[str]) -> bool:
    if name in refuses or (row.knows is not None and name not in row.knows):
        return False
    if name == "tool_choice" and not row.allowed_tools:
        return isinstance(value, str) or value["type"] != "allowed_tools"
    if name == "service_tier":
        return row.tiers is None or value in row.tiers
    return name != "response_format" or row.schemas or value["type"] != "json_schema"


def _place(name: str, request: ChatRequest) -> str:
    if name == "tool_choice" and request.tool_choice is not None:
        return request.tool_choice.field
    return name


def _ask_for_usage(row: Vendor, unsupported: list[str]) -> dict[str, Any]:
    if row.stream_options:
        return {"stream_options": {"include_usage": True}}
    unsupported.append("stream_options")
    return {}


def _messages(messages: tuple[Message, ...], row: Vendor, unsupported: list[str]) -> list[dict[str, Any]]:
    """Images and files that tools gave follow as the user's, once all results are told.

    The messages of tools take only text, and all must follow the calls at once:
    https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
    """
    written: list[dict[str, Any]] = []
    shown: list[Any] = []
    for message in messages:
        if shown and not isinstance(message, ToolMessage):
            written.append({"role": "user", "content": shown})
            shown = []
        written.append(_message(message, row, unsupported))
        if isinstance(message, ToolMessage):
            shown += _shown(message)
    if shown:
        written.append({"role": "user", "content": shown})
    return written


def _shown(message: ToolMessage) -> list[Any]:
    """What of a result is not text, and whose result it is."""
    parts = [_part(part) for part in message.parts if not isinstance(part, TextPart)]
    if not parts:
        return parts
    return [{"type": "text", "text": f"From the result of tool call {message.call_id}:"}, *parts]


def _message(message: Message, row: Vendor, unsupported: list[str]) -> dict[str, Any]:
    written = _written(message, row)
    name = None if isinstance(message, ToolMessage) else message.name
    if name is not None and row.names:
        written["name"] = name
    elif name is not None:
        unsupported.append("messages.name")
    return written


def _written(message: Message, row: Vendor) -> dict[str, Any]:
    match message:
        case SystemMessage():
            role = message.role if row.developer else "system"
            return {"role": role, "content": _content(message.parts)}
        case UserMessage():
            return {"role": "user", "content": _content(message.parts)}
        case AssistantMessage():
            return _assistant(message, row)
        case ToolMessage():
            texts = tuple(part for part in message.parts if isinstance(part, TextPart))
            if not texts and message.parts:
                texts = (TextPart(text="(not text: it follows)"),)
            return {"role": "tool", "tool_call_id": message.call_id, "content": _content(texts)}


def _assistant(message: AssistantMessage, row: Vendor) -> dict[str, Any]:
    parts = message.parts
    if not row.refusals:
        parts = tuple(
            TextPart(text=part.refusal) if isinstance(part, RefusalPart) else part for part in parts
        )
        if message.refusal is not None:
            parts = (*parts, TextPart(text=message.refusal))
    written: dict[str, Any] = {"role": "assistant", "content": _content(parts) if parts else None}
    if message.refusal is not None and row.refusals:
        written["refusal"] = message.refusal
    if message.reasoning is not None and row.reasoning is not None:
        written[row.reasoning] = message.reasoning
    if message.audio is not None:
        written["audio"] = message.audio
    if message.tool_calls:
        written["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    return written


def _tool_call(call: ToolCall) -> dict[str, Any]:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _content(parts: tuple[Part, ...]) -> Any:
    """A string where one text says it all; vendors that know no parts take it too."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], TextPart):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Part) -> Any:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case RefusalPart():
            return {"type": "refusal", "refusal": part.refusal}
        case ImagePart():
            image: dict[str, Any] = {"url": part.url or f"data:{part.media_type};base64,{part.data}"}
            if part.detail is not None:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case AudioPart():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case FilePart():
            return {"type": "file", "file": _file(part)}
        case NativePart():
            return part.raw


def _file(part: FilePart) -> dict[str, Any]:
    data = part.url or (None if part.data is None else f"data:{part.media_type};base64,{part.data}")
    fields = {"file_id": part.file_id, "file_data": data, "filename": part.filename}
    return {name: value for name, value in fields.items() if value is not None}


def _tool(tool: Tool) -> Any:
    match tool:
        case FunctionTool():
            fields: dict[str, Any] = {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            }
            if tool.strict is not None:
                fields["strict"] = tool.strict
            return {
                "type": "function",
                "function": {name: value for name, value in fields.items() if value is not None},
            }
        case CustomTool() | NativeTool():
            return tool.raw


def _tool_choice(choice: ToolChoice | None, tools: tuple[Tool, ...]) -> Any:
    if choice is None:
        return None
    custom = {tool.name for tool in tools if isinstance(tool, CustomTool)}

    def named(name: str) -> dict[str, Any]:
        kind = "custom" if name in custom else "function"
        return {"type": kind, kind: {"name": name}}

    if choice.name is not None:
        return named(choice.name)
    if choice.allowed is not None:
        allowed = {"mode": choice.mode, "tools": [named(name) for name in choice.allowed]}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    return choice.mode


def _response_format(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    fields = {
        "name": wanted.name or "answer",
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    return {
        "type": "json_schema",
        "json_schema": {name: value for name, value in fields.items() if value is not None},
    }
