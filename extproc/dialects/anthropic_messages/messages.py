"""The turns of a Messages request becoming neutral messages.

A turn may become several: each of its tool results is a message of its own. `Places` keeps where the client
wrote what.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import Raw

from extproc.chat.model import (
    AssistantMessage,
    FilePart,
    ImagePart,
    Message,
    NativeContent,
    Part,
    SystemMessage,
    TextPart,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from extproc.dialects.anthropic_messages import shapes
from extproc.dialects.anthropic_messages.carrier import unseal
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.wire.rawjson import MalformedJSON, decode, decode_field, present

T = TypeVar("T")

_EMPTY: Final = Raw(b"{}")


class Conversation:
    """What is read so far.

    places: neutral place -> the client's. lost: fields that no other provider than Anthropic could honour.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.places: dict[str, str] = {}
        self.lost: list[str] = []

    def add(self, message: Message, place: str, parts: Sequence[str] = ()) -> None:
        """place: where the client has it; parts: the same of each of its parts."""
        at = f"messages[{len(self.messages)}]"
        self.messages.append(message)
        if at != place:
            self.places[at] = place
        for n, part in enumerate(parts):
            if f"{place}.content[{n}]" != part:
                self.places[f"{at}.content[{n}]"] = part


def read_conversation(request: shapes.Request) -> Conversation:
    """Raises: RequestError naming the block; MalformedJSON."""
    conversation = Conversation()
    if request.system:
        _system(request.system, "system", conversation)
    if not request.messages:
        raise RequestError("messages: at least one message is required", param="messages")
    for index, message in enumerate(request.messages):
        place = f"messages[{index}]"
        match message.role:
            case "system":
                _system(message.content, f"{place}.content", conversation, place)
            case "user":
                _user(message.content, place, conversation)
            case "assistant":
                _assistant(message.content, place, conversation)
    return conversation


def _blocks(content: str | list[Raw], path: str) -> list[tuple[str, shapes.Block]]:
    """Each block and its place."""
    if isinstance(content, str):
        return [(path, shapes.Block(type="text", text=content))]
    return [
        (f"{path}[{n}]", decode_field(block, shapes.Block, f"{path}[{n}]")) for n, block in enumerate(content)
    ]


def _system(
    content: str | list[Raw], path: str, conversation: Conversation, place: str | None = None
) -> None:
    parts: list[Part] = []
    places: list[str] = []
    for at, block in _blocks(content, path):
        if block.type != "text":
            raise RequestError(f"{at}: only text is allowed here", param=at)
        parts.append(_text(block, at))
        places.append(at)
    conversation.add(SystemMessage(parts=tuple(parts)), place or path, places)


def _user(content: str | list[Raw], place: str, conversation: Conversation) -> None:
    parts: list[Part] = []
    places: list[str] = []
    blocks = _blocks(content, f"{place}.content")
    for at, block in blocks:
        if block.type == "tool_result":
            conversation.add(*_tool_result(block, at, conversation))
        else:
            parts += _parts(block, at, conversation)
            places += [at] * (len(parts) - len(places))
    if parts or not blocks:
        conversation.add(UserMessage(parts=tuple(parts)), place, places)


def _tool_result(
    block: shapes.Block, path: str, conversation: Conversation
) -> tuple[ToolMessage, str, list[str]]:
    parts: list[Part] = []
    places: list[str] = []
    if (content := present(block.content)) is not None:
        inner = decode_field(content, str | list[Raw], f"{path}.content")  # type: ignore[arg-type]
        for at, part in _blocks(inner, f"{path}.content"):
            parts += _parts(part, at, conversation)
            places += [at] * (len(parts) - len(places))
    message = ToolMessage(
        call_id=_need(block.tool_use_id, f"{path}.tool_use_id"),
        parts=tuple(parts),
        error=bool(block.is_error),
        cache=present(block.cache_control),
    )
    return message, path, places


def _assistant(content: str | list[Raw], place: str, conversation: Conversation) -> None:
    parts: list[Part] = []
    places: list[str] = []
    calls: list[ToolCall] = []
    thinking: list[Thinking] = []
    native: NativeContent | None = None
    for at, block in _blocks(content, f"{place}.content"):
        match block.type:
            case "text":
                parts.append(_text(block, at))
                places.append(at)
            case "thinking":
                thinking.append(
                    Thinking(text=_need(block.thinking, f"{at}.thinking"), signature=block.signature or "")
                )
            case "redacted_thinking":
                data = _need(block.data, f"{at}.data")
                carried = unseal(data)
                native = carried or native
                if carried is None:
                    thinking.append(Thinking(redacted=data))
            case "tool_use":
                calls.append(_call(block, at))
            case _:  # a server tool, its result, a compaction: the text around it says what came of it
                conversation.lost.append(at)
    reasoning = "".join(thought.text for thought in thinking)
    message = AssistantMessage(
        parts=tuple(parts),
        tool_calls=tuple(calls),
        reasoning=reasoning or None,
        thinking=tuple(thinking),
        native=native,
    )
    conversation.add(message, place, places)


def _call(block: shapes.Block, path: str) -> ToolCall:
    given = present(block.input) or _EMPTY
    if not bytes(given).startswith(b"{"):
        raise RequestError(f"{path}.input: expected an object", param=f"{path}.input")
    return ToolCall(
        id=_need(block.id, f"{path}.id"),
        name=_need(block.name, f"{path}.name"),
        arguments=_arguments(given),
        cache=present(block.cache_control),
    )


def _arguments(given: Raw) -> str:
    """As the model wrote them, also where they were no JSON."""
    text = bytes(given).decode()
    if "INVALID_JSON" not in text:
        return text
    try:
        return decode(given, shapes.Invalid).INVALID_JSON
    except MalformedJSON:
        return text


def _parts(block: shapes.Block, path: str, conversation: Conversation) -> list[Part]:
    """What a user's block, or one of a tool result, is."""
    match block.type:
        case "text":
            return [_text(block, path)]
        case "image":
            return [_image(block, path)]
        case "document":
            return _document(block, path, conversation)
        case "search_result":
            return _search_result(block, path, conversation)
        case other:
            raise UnsupportedFieldError(
                f"{path}: the provider cannot take a block of type {other!r}", param=path
            )


def _text(block: shapes.Block, path: str) -> TextPart:
    return TextPart(text=_need(block.text, f"{path}.text"), cache=present(block.cache_control))


def _source(block: shapes.Block, path: str) -> shapes.Source:
    source = _need(present(block.source), f"{path}.source")
    return decode_field(source, shapes.Source, f"{path}.source")


def _image(block: shapes.Block, path: str) -> ImagePart:
    source = _source(block, path)
    cache = present(block.cache_control)
    match source.type:
        case "base64":
            return ImagePart(
                data=_need(source.data, f"{path}.source.data"),
                media_type=_need(source.media_type, f"{path}.source.media_type"),
                cache=cache,
            )
        case "url":
            return ImagePart(url=_need(source.url, f"{path}.source.url"), cache=cache)
        case other:
            raise _foreign_source(other, path)


def _document(block: shapes.Block, path: str, conversation: Conversation) -> list[Part]:
    source = _source(block, path)
    cache = present(block.cache_control)
    _note_citations(block, path, conversation)
    head = [TextPart(text=block.context)] if block.context else []
    match source.type:
        case "base64":
            data = _need(source.data, f"{path}.source.data")
            file = FilePart(
                data=data,
                media_type=source.media_type or "application/pdf",
                filename=block.title or "document.pdf",
                cache=cache,
            )
            return [*head, file]
        case "url":
            url = _need(source.url, f"{path}.source.url")
            return [*head, FilePart(url=url, filename=block.title, cache=cache)]
        case "text":
            text = _need(source.data, f"{path}.source.data")
            return [*head, TextPart(text=_titled(block.title, text), cache=cache)]
        case "content":
            return [*head, *_titled_parts(block.title), *_pieces(source, path, conversation)]
        case other:
            raise _foreign_source(other, path)


def _pieces(source: shapes.Source, path: str, conversation: Conversation) -> list[Part]:
    if source.content is None:
        raise _missing(f"{path}.source.content")
    pieces = _blocks(source.content, f"{path}.source.content")
    return [part for at, piece in pieces for part in _parts(piece, at, conversation)]


def _search_result(block: shapes.Block, path: str, conversation: Conversation) -> list[Part]:
    source = decode_field(_need(present(block.source), f"{path}.source"), str, f"{path}.source")
    content = decode_field(_need(present(block.content), f"{path}.content"), list[Raw], f"{path}.content")
    _note_citations(block, path, conversation)
    head = f"{block.title}\n{source}" if block.title else source
    return [TextPart(text=head), *(_text(piece, at) for at, piece in _blocks(content, f"{path}.content"))]


def _note_citations(block: shapes.Block, path: str, conversation: Conversation) -> None:
    """Only Claude says which place of a document its words are from."""
    given = present(block.citations)
    if given is not None and decode_field(given, dict[str, object], f"{path}.citations").get("enabled"):
        conversation.lost.append(f"{path}.citations")


def _titled(title: str | None, text: str) -> str:
    return f"{title}\n\n{text}" if title else text


def _titled_parts(title: str | None) -> list[Part]:
    return [TextPart(text=title)] if title else []


def _foreign_source(kind: str, path: str) -> UnsupportedFieldError:
    """Anthropic's Files API has what no other provider can fetch."""
    param = f"{path}.source"
    return UnsupportedFieldError(f"{param}: the provider cannot take a source of type {kind!r}", param=param)


def _need(value: T | None, path: str) -> T:
    if value is None:
        raise _missing(path)
    return value


def _missing(path: str) -> RequestError:
    return RequestError(f"{path}: required field is missing", param=path)
