"""The conversation in Anthropic's order: system text apart, then turns that alternate.

Rules from https://platform.claude.com/docs/en/api/messages and
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls:
* Tool results are blocks of a user turn, and come first in it.
* A turn has content, and a text block more than white space.
* The first turn is the user's; the last, if it is the assistant's, does not end in white space.

System and developer messages, wherever they stand, become the system prompt in their order: only
the newest models know system messages between turns, and not in every place.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, Final, TypeAlias

from msgspec import Raw

from extproc.chat.model import (
    AssistantMessage,
    FilePart,
    ImagePart,
    Message,
    Part,
    SystemMessage,
    TextPart,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.anthropic import shapes
from extproc.providers.anthropic.blocks import INVALID_JSON, OWNER
from extproc.providers.anthropic.content import FILES_BETA, Block, is_tool_result, write_part, write_text
from extproc.providers.claude_thinking import is_provable
from extproc.wire.rawjson import MalformedJSON, decode, decoder

_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")
_SEEN_IN_FULL: Final = frozenset({None, "auto", "high"})
"""Images' ``detail`` that Anthropic's one way of looking honours: as large as the model can see."""

_NO_USER: Final = {"type": "text", "text": "."}
"""Stands for the user where a conversation begins with the assistant, and says as little as can be."""


_read_object: Final = decoder(shapes.Object)


class Conversation:
    """system: text blocks. messages: turns. unsupported, betas: as in the request."""

    def __init__(
        self,
        system: list[dict[str, Any]],
        messages: list[dict[str, Any]],
        unsupported: list[str],
        betas: list[str],
    ) -> None:
        self.system = system
        self.messages = messages
        self.unsupported = unsupported
        self.betas = betas


_Turn: TypeAlias = tuple[str, list[Block], list[Block]]
"""Role, tool results, other blocks."""


def _add(turns: list[_Turn], role: str, results: list[Block], others: list[Block]) -> None:
    if not results and not others:
        return
    if turns and turns[-1][0] == role:
        turns[-1][1].extend(results)
        turns[-1][2].extend(others)
    else:
        turns.append((role, results, others))


def write_conversation(messages: tuple[Message, ...]) -> Conversation:
    """Raises: RequestError for content that Anthropic cannot take, or if there is none."""
    system: list[dict[str, Any]] = []
    turns: list[_Turn] = []
    for index, message in enumerate(messages):
        match message:
            case UserMessage():
                results, others = _user(message.parts, index)
                _add(turns, "user", results, others)
            case AssistantMessage():
                _add(turns, "assistant", [], _assistant(message, index))
            case ToolMessage():
                _add(turns, "user", [_tool_result(message, index)], [])
            case SystemMessage():
                system += _system(message, index)
    written: list[dict[str, Any]] = [
        {"role": role, "content": results + others} for role, results, others in turns
    ]
    if not written:
        if not system:
            raise RequestError(
                "messages: the provider needs at least one that is not empty", param="messages"
            )
        # OpenAI answers to a system message alone; here the user's turn must say something.
        written, system = [{"role": "user", "content": system}], []
    if written[0]["role"] == "assistant":
        written.insert(0, {"role": "user", "content": [_NO_USER]})
    _trim_prefill(written[-1])
    media = [part for message in messages for part in message.parts if type(part) is not TextPart]
    return Conversation(
        system=system,
        messages=written,
        unsupported=_unsupported(messages, media),
        betas=[FILES_BETA] if media and any(map(_has_file_id, media)) else [],
    )


def _unsupported(messages: tuple[Message, ...], media: list[Part]) -> list[str]:
    """media: all parts that are not text."""
    named = [
        message for message in messages if not isinstance(message, ToolMessage) and message.name is not None
    ]
    names = ["messages.name"] if named else []
    if media and any(isinstance(part, ImagePart) and part.detail not in _SEEN_IN_FULL for part in media):
        names.append("messages.content.image_url.detail")
    return names


def _has_file_id(part: Part) -> bool:
    return isinstance(part, FilePart) and part.file_id is not None


def _system(message: SystemMessage, index: int) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for n, part in enumerate(message.parts):
        if not isinstance(part, TextPart):
            path = f"messages[{index}].content[{n}]"
            raise UnsupportedFieldError(f"{path}: the provider takes only text here", param=path)
        if (block := write_text(part)) is not None:
            blocks.append(block)
    return blocks


def _user(parts: tuple[Part, ...], index: int) -> tuple[list[Block], list[Block]]:
    results: list[Block] = []
    others: list[Block] = []
    for n, part in enumerate(parts):
        block = write_part(part, index, n)
        if block is not None:
            (results if is_tool_result(part) else others).append(block)
    return results, others


def _assistant(message: AssistantMessage, index: int) -> list[Block]:
    if message.native is not None and message.native.owner == OWNER:
        return [_without_index(block) for block in message.native.blocks]
    if message.audio is not None:
        path = f"messages[{index}].audio"
        raise UnsupportedFieldError(f"{path}: the provider cannot take audio", param=path)
    blocks: list[Block] = []
    if message.thinking:
        blocks += [_thinking(block) for block in message.thinking if is_provable(block)]
    for n, part in enumerate(message.parts):
        block = write_part(part, index, n)
        if block is not None:
            blocks.append(block)
    if message.refusal is not None and message.refusal.strip():
        blocks.append({"type": "text", "text": message.refusal})
    if message.tool_calls:
        blocks += [_tool_use(call) for call in message.tool_calls]
    return blocks


def _thinking(block: Thinking) -> dict[str, Any]:
    if block.redacted is not None:
        return {"type": "redacted_thinking", "data": block.redacted}
    return {"type": "thinking", "thinking": block.text, "signature": block.signature}


def _without_index(block: Raw) -> Block:
    """Entries of a streamed ``anthropic_content`` carry their index, which is ours."""
    fields = decode(block, dict[str, Raw])
    return fields if fields.pop("index", None) is not None else block


def _tool_use(call: ToolCall) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "tool_use",
        "id": tool_id(call.id),
        "name": call.name,
        "input": {"input": call.arguments} if call.kind == "custom" else _arguments(call.arguments),
    }
    if call.cache is not None:
        block["cache_control"] = call.cache
    return block


def _arguments(text: str) -> object:
    """The arguments as the model wrote them, numbers and all; see ``INVALID_JSON`` for what is no object."""
    if not text.strip():
        return {}
    try:
        _read_object(text)
    except MalformedJSON:
        return {INVALID_JSON: text}
    return Raw(text.encode())


def tool_id(call_id: str) -> str:
    """`call_id` in the alphabet that Anthropic allows, the same for a call and its result.

    Other providers' ids come along when a conversation moves (``functions.get_weather:0``).
    """
    if call_id and _ID.search(call_id) is None:
        return call_id
    return f"{_ID.sub('_', call_id)}_{zlib.crc32(call_id.encode()):08x}"


def _tool_result(message: ToolMessage, index: int) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": tool_id(message.call_id)}
    parts = message.parts
    if len(parts) == 1 and isinstance(parts[0], TextPart) and parts[0].cache is None:
        if parts[0].text.strip():
            block["content"] = parts[0].text
    else:
        written = [write_part(part, index, n) for n, part in enumerate(parts)]
        if content := [inner for inner in written if inner is not None]:
            block["content"] = content
    if message.error:
        block["is_error"] = True
    if message.cache is not None:
        block["cache_control"] = message.cache
    return block


def _trim_prefill(turn: dict[str, Any]) -> None:
    last = turn["content"][-1]
    if turn["role"] == "assistant" and isinstance(last, dict) and last["type"] == "text":
        turn["content"][-1] = {**last, "text": last["text"].rstrip()}
