"""A neutral request becoming a chat completion request.

https://platform.openai.com/docs/api-reference/chat/create. Requests of clients that speak this
dialect themselves do not come here: their bytes pass.
"""

from __future__ import annotations

from typing import Any

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
from extproc.wire.rawjson import encode


def write_request(request: ChatRequest, target: Target, model: str) -> ProviderRequest:
    """All that the neutral model holds has a place here, except caching marks and proofs of reasoning."""
    body: dict[str, Any] = {"model": model, "messages": [_message(message) for message in request.messages]}
    tools = [_tool(tool) for tool in request.tools]
    optional: dict[str, Any] = {
        "max_completion_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": request.stop or None,
        "tools": tools or None,
        "tool_choice": _tool_choice(request.tool_choice, request.tools),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _response_format(request.response_format),
        "reasoning_effort": request.reasoning_effort,
        "service_tier": request.service_tier,
        "user": request.user,
        "stream": request.stream or None,
        "stream_options": {"include_usage": True} if request.stream and request.include_usage else None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    body |= request.plain | request.extra
    return ProviderRequest(
        path=request_path(target, "/chat/completions", model),
        headers=(("content-type", "application/json"),),
        body=encode(body),
    )


def _message(message: Message) -> dict[str, Any]:
    match message:
        case SystemMessage():
            return {"role": message.role, "content": _content(message.parts)} | _name(message.name)
        case UserMessage():
            return {"role": "user", "content": _content(message.parts)} | _name(message.name)
        case AssistantMessage():
            return _assistant(message)
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.call_id, "content": _content(message.parts)}


def _assistant(message: AssistantMessage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "role": "assistant",
        "content": _content(message.parts) if message.parts else None,
    }
    if message.refusal is not None:
        written["refusal"] = message.refusal
    if message.reasoning is not None:  # DeepSeek wants it back while tools are called; others ignore it
        written["reasoning_content"] = message.reasoning
    if message.audio is not None:
        written["audio"] = message.audio
    if message.tool_calls:
        written["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    return written | _name(message.name)


def _name(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"name": name}


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
