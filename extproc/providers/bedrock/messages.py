"""The conversation in Converse's order: system text apart, then turns that alternate.

Rules from https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use-inference-call.html:
* Tool results are blocks of a user turn; as Claude wants it, they come first.
* A turn has content, a text block more than white space, and beside a document there is text.
* The first turn is the user's.

System and developer messages, wherever they stand, become the system prompt in their order.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

from msgspec import Raw

from extproc.chat.model import (
    AssistantMessage,
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
from extproc.providers.bedrock.blocks import INVALID_JSON, OWNER
from extproc.providers.bedrock.content import Block, Media, cache_point, write_text
from extproc.providers.bedrock.models import Place, Traits
from extproc.providers.claude_thinking import is_provable
from extproc.wire.rawjson import MalformedJSON, decode

_NOT_IN_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_.:-]")
_MAX_ID: Final = 64
_SEEN_IN_FULL: Final = frozenset({None, "auto", "high"})
_SAYS_NOTHING: Final = {"text": "."}
"""Stands where Converse demands words that the client has not written, and says as little as can be."""


class Conversation:
    """system: blocks. messages: turns. unsupported: as in the request.

    called: the names of all tools that it tells of.
    """

    def __init__(self, traits: Traits) -> None:
        self.system: list[Block] = []
        self.messages: list[dict[str, Any]] = []
        self.unsupported: list[str] = []
        self.called: list[str] = []
        self._traits = traits
        self._media = Media()
        self._turns: list[tuple[str, list[Block], list[Block]]] = []
        """Role, tool results, other blocks."""

    def read(self, messages: tuple[Message, ...]) -> None:
        """Raises: RequestError for content that Converse cannot take, or if there is none."""
        for index, message in enumerate(messages):
            path = f"messages[{index}]"
            match message:
                case UserMessage():
                    self._add("user", [], self._parts(message.parts, path))
                case AssistantMessage():
                    self._add("assistant", [], self._assistant(message, path))
                case ToolMessage():
                    self._add("user", self._tool_result(message, path), [])
                case SystemMessage():
                    self._system(message, path)
            if not isinstance(message, ToolMessage) and message.name is not None:
                self.unsupported.append("messages.name")
        self.messages = [
            {"role": role, "content": _with_words(results + others)} for role, results, others in self._turns
        ]
        self._place_system()
        if self.messages[0]["role"] == "assistant":
            self.messages.insert(0, {"role": "user", "content": [_SAYS_NOTHING]})
        _trim_prefill(self.messages[-1])

    def _add(self, role: str, results: list[Block], others: list[Block]) -> None:
        if not results and not others:
            return
        if self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(results)
            self._turns[-1][2].extend(others)
        else:
            self._turns.append((role, results, others))

    def _place_system(self) -> None:
        """Where the system prompt cannot stand apart, the user says it."""
        if self.messages and (self._traits.system or not self.system):
            return
        if not self.messages and not self.system:
            raise RequestError(
                "messages: the provider needs at least one that is not empty", param="messages"
            )
        if self.messages and self.messages[0]["role"] == "user":
            self.messages[0]["content"] = self.system + self.messages[0]["content"]
        else:
            self.messages.insert(0, {"role": "user", "content": self.system})
        self.system = []

    def tell(self, words: str) -> None:
        """Put `words` at the end of the system prompt."""
        if self._traits.system:
            self.system.append({"text": words})
        else:
            self.messages[0]["content"].insert(0, {"text": words})

    def cache(self, mark: Raw | None, place: Place, path: str, field: str) -> list[Block]:
        """The cache point that `mark` asks for in `place`.

        path: where the client wrote the mark. field: how to name it where it is not honoured.
        """
        if mark is None:
            return []
        if place not in self._traits.caches:
            self.unsupported.append(field)
            return []
        return [cache_point(mark, path)]

    def _parts(self, parts: tuple[Part, ...], path: str) -> list[Block]:
        blocks: list[Block] = []
        for n, part in enumerate(parts):
            at = f"{path}.content[{n}]"
            written = self._media.write(part, at)
            blocks += written
            if written:
                blocks += self._mark_of(part, "messages", at)
            if isinstance(part, ImagePart) and part.detail not in _SEEN_IN_FULL:
                self.unsupported.append("messages.content.image_url.detail")
        return blocks

    def _mark_of(self, part: Part, place: Place, at: str) -> list[Block]:
        mark: Raw | None = getattr(part, "cache", None)
        return self.cache(mark, place, f"{at}.cache_control", "messages.content.cache_control")

    def _system(self, message: SystemMessage, path: str) -> None:
        for n, part in enumerate(message.parts):
            at = f"{path}.content[{n}]"
            if not isinstance(part, TextPart):
                raise UnsupportedFieldError(f"{at}: the provider takes only text here", param=at)
            written = write_text(part.text)
            self.system += written
            if written:
                self.system += self._mark_of(part, "system" if self._traits.system else "messages", at)

    def _assistant(self, message: AssistantMessage, path: str) -> list[Block]:
        self.called += [call.name for call in message.tool_calls]
        if message.native is not None and message.native.owner == OWNER:
            return [_without_index(block) for block in message.native.blocks]
        if message.audio is not None:
            at = f"{path}.audio"
            raise UnsupportedFieldError(f"{at}: the provider cannot take audio", param=at)
        blocks: list[Block] = []
        if self._traits.signed:
            blocks += [_thinking(block) for block in message.thinking if is_provable(block)]
        blocks += self._parts(message.parts, path)
        blocks += write_text(message.refusal or "")
        for n, call in enumerate(message.tool_calls):
            blocks.append({"toolUse": _tool_use(call)})
            at = f"{path}.tool_calls[{n}].cache_control"
            blocks += self.cache(call.cache, "messages", at, "messages.tool_calls.cache_control")
        return blocks

    def _tool_result(self, message: ToolMessage, path: str) -> list[Block]:
        content: list[Block] = []
        marks: list[Block] = []  # within a result there are none
        for n, part in enumerate(message.parts):
            at = f"{path}.content[{n}]"
            blocks = self._media.write(part, at)
            if any(isinstance(block, dict) and "audio" in block for block in blocks):
                raise UnsupportedFieldError(f"{at}: the provider cannot take audio in a result", param=at)
            content += blocks
            marks = self._mark_of(part, "messages", at) or marks
        result: dict[str, Any] = {"toolUseId": tool_id(message.call_id), "content": content}
        if message.error:
            result["status"] = "error"
        at = f"{path}.cache_control"
        marks = self.cache(message.cache, "messages", at, "messages.cache_control") or marks
        return [{"toolResult": result}, *marks]


def _with_words(blocks: list[Block]) -> list[Block]:
    """`blocks`, with text beside a document."""
    kinds = {kind for block in blocks if isinstance(block, dict) for kind in block}
    return [*blocks, _SAYS_NOTHING] if "document" in kinds and "text" not in kinds else blocks


def _thinking(block: Thinking) -> Block:
    if block.redacted is not None:
        return {"reasoningContent": {"redactedContent": block.redacted}}
    return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}


def _without_index(block: Raw) -> Block:
    """Entries of a streamed ``bedrock_content`` carry their index, which is ours."""
    fields = decode(block, dict[str, Raw])
    return fields if fields.pop("index", None) is not None else block


def _tool_use(call: ToolCall) -> dict[str, Any]:
    given = {"input": call.arguments} if call.kind == "custom" else _arguments(call.arguments)
    return {"toolUseId": tool_id(call.id), "name": call.name, "input": given}


def _arguments(text: str) -> object:
    """The arguments as the model wrote them, numbers and all; see ``INVALID_JSON`` for what is no object."""
    if not text.strip():
        return {}
    try:
        decode(text, dict[str, Raw])
    except MalformedJSON:
        return {INVALID_JSON: text}
    return Raw(text.encode())


def tool_id(call_id: str) -> str:
    """`call_id` in the alphabet and length that Converse allows, the same for a call and its result."""
    if 0 < len(call_id) <= _MAX_ID and _NOT_IN_AN_ID.search(call_id) is None:
        return call_id
    return f"{_NOT_IN_AN_ID.sub('_', call_id)[:50]}_{zlib.crc32(call_id.encode()):08x}"


def _trim_prefill(turn: dict[str, Any]) -> None:
    """Claude refuses a last turn of its own that ends in white space."""
    last = turn["content"][-1]
    if turn["role"] == "assistant" and isinstance(last, dict) and isinstance(last.get("text"), str):
        turn["content"][-1] = {"text": last["text"].rstrip()}
