"""The messages of a chat completion request, and the parts of their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from msgspec import Raw

from extproc.chat.media import data_uri, file_type
from extproc.chat.model import (
    AssistantMessage,
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NativeContent,
    NativePart,
    Part,
    RefusalPart,
    SystemMessage,
    TextPart,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from extproc.dialects.openai_chat import shapes
from extproc.errors import RequestError
from extproc.wire.rawjson import decode_field, present, raw

T = TypeVar("T")

RawPart = Callable[[int, int], Raw]
"""The text of part n of message m."""

_EPHEMERAL: Final = raw({"type": "ephemeral"})
_EPHEMERAL_LONG: Final = raw({"type": "ephemeral", "ttl": "1h"})


def read_messages(messages: list[shapes.Message], raw_part: RawPart) -> tuple[Message, ...]:
    """The neutral messages, one for one.

    Raises:
        RequestError: a message lacks what its role or part type demands.
    """
    if not messages:
        raise RequestError("messages: at least one message is required", param="messages")
    read: list[Message] = []
    legacy: dict[str, str] = {}  # name of a function -> id given to its latest call
    for index, message in enumerate(messages):
        content = message.content
        # Here and below the usual case comes first: this runs for every message.
        parts = (TextPart(text=content),) if isinstance(content, str) else _parts(content, index, raw_part)
        match message:
            case shapes.UserMessage():
                read.append(UserMessage(parts=parts, name=message.name))
            case shapes.AssistantMessage():
                read.append(_assistant(message, parts, index, legacy))
            case shapes.ToolMessage():
                read.append(_tool_message(message, parts))
            case shapes.SystemMessage():
                read.append(SystemMessage(parts=parts, name=message.name))
            case shapes.DeveloperMessage():
                read.append(SystemMessage(parts=parts, role="developer", name=message.name))
            case shapes.FunctionMessage():
                read.append(ToolMessage(call_id=_legacy_id(message, index, legacy), parts=parts))
    return tuple(read)


def _tool_message(message: shapes.ToolMessage, parts: tuple[Part, ...]) -> ToolMessage:
    return ToolMessage(
        call_id=message.tool_call_id,
        parts=parts,
        error=bool(message.is_error),
        cache=present(message.cache_control),
    )


def _assistant(
    message: shapes.AssistantMessage, parts: tuple[Part, ...], index: int, legacy: dict[str, str]
) -> AssistantMessage:
    calls: tuple[ToolCall, ...] = ()
    if message.tool_calls:
        calls = tuple([_tool_call(call, index, n) for n, call in enumerate(message.tool_calls)])
    blocks = _blocks(message.anthropic_content, f"messages[{index}].anthropic_content")
    parts_of_google = _blocks(message.google_content, f"messages[{index}].google_content")
    bedrocks = _blocks(message.bedrock_content, f"messages[{index}].bedrock_content")
    if message.function_call is not None:  # before tool_calls had ids, there was one unnamed call a message
        function = message.function_call
        call_id = _native_id(function.name, blocks, f"messages[{index}].anthropic_content")
        call_id = call_id or _bedrock_id(function.name, bedrocks, f"messages[{index}].bedrock_content")
        legacy[function.name] = call_id = call_id or f"call_{index}"
        calls += (ToolCall(id=call_id, name=function.name, arguments=function.arguments),)
    return AssistantMessage(
        parts=parts,
        tool_calls=calls,
        refusal=message.refusal,
        reasoning=message.reasoning_content,
        thinking=tuple(map(_thinking, message.thinking_blocks)) if message.thinking_blocks else (),
        native=_native(anthropic=blocks, google=parts_of_google, bedrock=bedrocks),
        audio=present(message.audio),
        name=message.name,
    )


def _native(
    *, anthropic: tuple[Raw, ...], google: tuple[Raw, ...], bedrock: tuple[Raw, ...]
) -> NativeContent | None:
    if anthropic:
        return NativeContent(owner="anthropic", blocks=anthropic)
    if google:
        return NativeContent(owner="google", blocks=google)
    return NativeContent(owner="bedrock", blocks=bedrock) if bedrock else None


def _blocks(blocks: list[Raw] | None, path: str) -> tuple[Raw, ...]:
    if not blocks:
        return ()
    for n, block in enumerate(blocks):
        if not bytes(block).startswith(b"{"):
            where = f"{path}[{n}]"
            raise RequestError(f"{where}: expected an object", param=where)
    return tuple(blocks)


def _native_id(name: str, blocks: Sequence[Raw], path: str) -> str | None:
    """The id of the call of `name` among Anthropic's own blocks; its result must refer to it."""
    for n, block in enumerate(blocks):
        call = decode_field(block, shapes.NativeCall, f"{path}[{n}]")
        if call.type == "tool_use" and call.name == name:
            return call.id
    return None


def _bedrock_id(name: str, blocks: Sequence[Raw], path: str) -> str | None:
    """The same among Bedrock's."""
    for n, block in enumerate(blocks):
        call = decode_field(block, shapes.BedrockBlock, f"{path}[{n}]").toolUse
        if call is not None and call.name == name:
            return call.toolUseId
    return None


def _legacy_id(message: shapes.FunctionMessage, index: int, legacy: dict[str, str]) -> str:
    if message.name is None or message.name not in legacy:
        path = f"messages[{index}].name"
        raise RequestError(f"{path}: no earlier function_call has this name", param=path)
    return legacy[message.name]


def _tool_call(call: shapes.ToolCall, message: int, n: int) -> ToolCall:
    cache = present(call.cache_control)
    if call.custom is not None:
        return ToolCall(
            id=call.id, name=call.custom.name, arguments=call.custom.input, kind="custom", cache=cache
        )
    if call.function is None:
        raise _missing(f"messages[{message}].tool_calls[{n}].function")
    return ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments, cache=cache)


def _thinking(block: shapes.ThinkingBlock) -> Thinking:
    if block.type == "redacted_thinking":
        return Thinking(redacted=block.data or "")
    return Thinking(text=block.thinking or "", signature=block.signature or "")


def _parts(content: shapes.Content, message: int, raw_part: RawPart) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (TextPart(text=content),)
    return tuple([_part(part, message, n, raw_part) for n, part in enumerate(content)])


def _part(part: shapes.Part, message: int, n: int, raw_part: RawPart) -> Part:
    cache = _cache(part.cache_control, part.prompt_cache_breakpoint)
    if part.type == "text" and part.text is not None:
        return TextPart(text=part.text, cache=cache)
    path = f"messages[{message}].content[{n}]"
    match part.type:
        case "text":
            raise _missing(f"{path}.text")
        case "refusal":
            return RefusalPart(refusal=_need(part.refusal, f"{path}.refusal"))
        case "image_url":
            return _image(_need(part.image_url, f"{path}.image_url"), cache)
        case "input_audio":
            audio = _need(part.input_audio, f"{path}.input_audio")
            return AudioPart(data=audio.data, format=audio.format)
        case "file":
            return _file(_need(part.file, f"{path}.file"), cache, f"{path}.file")
        case other:
            return NativePart(type=other, raw=raw_part(message, n))


def _need(value: T | None, path: str) -> T:
    if value is None:
        raise _missing(path)
    return value


def _missing(path: str) -> RequestError:
    return RequestError(f"{path}: required field is missing", param=path)


def _cache(mark: Raw, mark_of_openai: shapes.Breakpoint | None) -> Raw | None:
    """A caching mark in Anthropic's words, which are the ones that most clients use.

    OpenAI's ``prompt_cache_breakpoint`` says the same; its times to live (30m, 12h) have no equal
    and become the longer one of Anthropic's two.
    """
    if (given := present(mark)) is not None:
        return given
    if mark_of_openai is None:
        return None
    return _EPHEMERAL_LONG if mark_of_openai.ttl else _EPHEMERAL


def _image(image: shapes.ImageURL, cache: Raw | None) -> ImagePart:
    embedded = data_uri(image.url)
    if embedded is None:
        return ImagePart(url=image.url, detail=image.detail, cache=cache)
    return ImagePart(media_type=embedded[0], data=embedded[1], detail=image.detail, cache=cache)


def _file(file: shapes.File, cache: Raw | None, path: str) -> FilePart:
    if file.file_data:
        embedded = data_uri(file.file_data)
        if embedded is not None:
            return FilePart(media_type=embedded[0], data=embedded[1], filename=file.filename, cache=cache)
        if file.file_data.startswith(("https://", "http://")):
            return FilePart(url=file.file_data, filename=file.filename, cache=cache)
        media_type = file_type(file.file_data, file.filename)
        return FilePart(media_type=media_type, data=file.file_data, filename=file.filename, cache=cache)
    if file.file_id:
        return FilePart(file_id=file.file_id, filename=file.filename, cache=cache)
    raise RequestError(f"{path}: needs file_data or file_id", param=path)
