"""Input items becoming messages.

A response of OpenAI's is a list of items: reasoning, messages, calls. Those that follow each other, without
a user's word or a tool's output between, are one turn of the assistant, and here one message. A client that
sends ``output`` back as it came gets the turn it was.

Items are the client's; ``places`` leads from a message back to the item that it began with.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.chat.model import (
    AssistantMessage,
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
from extproc.dialects.openai_responses import shapes
from extproc.dialects.openai_responses.custom import wrap
from extproc.dialects.openai_responses.parts import need, read_parts
from extproc.dialects.openai_responses.sealed import unseal
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.wire.rawjson import decode, decode_field, present

_TOLD_ELSEWHERE: Final = frozenset({"web_search_call", "file_search_call", "mcp_list_tools"})
"""Records of what OpenAI's servers did for a message that follows, and that holds what came of it."""


class Conversation:
    """messages, and the client's place of each; unsupported: items, and fields of them, that go nowhere."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.places: dict[str, str] = {}
        self.unsupported: list[str] = []
        self._turn: _Turn | None = None
        self._items = Raw()

    def instruct(self, words: str) -> None:
        self._add(SystemMessage(parts=(TextPart(text=words),)), "instructions")

    def read(self, given: str | list[shapes.Item], items: Raw) -> None:
        """items: the JSON text of `given`.

        Raises:
            RequestError: an item lacks what its type demands, or is one that only OpenAI can take.
        """
        if isinstance(given, str):
            self._add(UserMessage(parts=(TextPart(text=given),)), "input")
            return
        if not given:
            raise RequestError("input: at least one item is required", param="input")
        self._items = items
        for index, item in enumerate(given):
            self._item(item, index, f"input[{index}]")
        self._flush()

    def _item(self, item: shapes.Item, index: int, path: str) -> None:
        match item.type:
            case None | "message" if item.role is not None:
                self._message(item, item.role, index, path)
            case "reasoning":
                self._reasoning(item, path)
            case "function_call":
                arguments = present(item.arguments)
                text = "" if arguments is None else decode_field(arguments, str, f"{path}.arguments")
                self._call(item, text, path)
            case "custom_tool_call":
                self._call(item, wrap(need(item.input, f"{path}.input")), path)
            case "function_call_output" | "custom_tool_call_output":
                self._flush()
                parts = self._output(item, index, path)
                self._add(ToolMessage(call_id=need(item.call_id, f"{path}.call_id"), parts=parts), path)
            case "item_reference" | None:
                raise _stateless(path)
            case "message":
                need(item.role, f"{path}.role")
            case kind if kind in _TOLD_ELSEWHERE:
                self.unsupported.append(path)
            case kind:
                raise UnsupportedFieldError(
                    f"{path}: this model's provider takes no item of type {kind!r}", param=path
                )

    def _message(self, item: shapes.Item, role: str, index: int, path: str) -> None:
        parts = read_parts(item.content, f"{path}.content", lambda n: self._raw_parts(index, "content")[n])
        self._name_lost(item.content, f"{path}.content")
        match role:
            case "assistant":
                self._open(path).parts += parts
                return
            case "user":
                message: Message = UserMessage(parts=parts)
            case "system":
                message = SystemMessage(parts=parts)
            case "developer":
                message = SystemMessage(parts=parts, role="developer")
            case _:
                raise RequestError(f"{path}.role: unknown role {role!r}", param=f"{path}.role")
        self._flush()
        self._add(message, path)

    def _output(self, item: shapes.Item, index: int, path: str) -> tuple[Part, ...]:
        given = present(item.output)
        if given is None:
            raise RequestError(f"{path}.output: required field is missing", param=f"{path}.output")
        output = decode_field(given, str | list[shapes.Part], f"{path}.output")  # type: ignore[arg-type]
        self._name_lost(output, f"{path}.output")
        return read_parts(output, f"{path}.output", lambda n: self._raw_parts(index, "output")[n])

    def _name_lost(self, content: str | list[shapes.Part] | None, path: str) -> None:
        """How closely a file is looked at is nobody else's choice."""
        for n, part in enumerate(content if isinstance(content, list) else ()):
            if part.type == "input_file" and part.detail not in (None, "auto"):
                self.unsupported.append(f"{path}[{n}].detail")

    def _raw_parts(self, index: int, field: str) -> list[Raw]:
        item = decode(self._items, list[shapes.RawContent])[index]
        return decode(item.output if field == "output" else item.content, list[Raw])

    def _reasoning(self, item: shapes.Item, path: str) -> None:
        turn = self._open(path)
        content = item.content if isinstance(item.content, list) else []
        told = "".join(part.text or "" for part in (item.summary or content))
        if told:
            turn.reasoning.append(told)
        if item.encrypted_content is None:
            return
        match unseal(item.encrypted_content):
            case Thinking() as thinking:
                turn.thinking.append(thinking)
            case NativeContent() as native:
                turn.native = native
            case None:
                self.unsupported.append(f"{path}.encrypted_content")

    def _call(self, item: shapes.Item, arguments: str, path: str) -> None:
        if item.namespace is not None:
            self.unsupported.append(f"{path}.namespace")
        call_id, name = need(item.call_id, f"{path}.call_id"), need(item.name, f"{path}.name")
        self._open(path).calls.append(ToolCall(id=call_id, name=name, arguments=arguments))

    def _open(self, path: str) -> _Turn:
        """The assistant's turn. The provider's own blocks are the last of one, and all of it."""
        if self._turn is not None and self._turn.native is not None:
            self._flush()
        if self._turn is None:
            self._turn = _Turn(path)
        return self._turn

    def _flush(self) -> None:
        if self._turn is not None:
            self._add(self._turn.message(), self._turn.path)
            self._turn = None

    def _add(self, message: Message, path: str) -> None:
        self.places[f"messages[{len(self.messages)}]"] = path
        self.messages.append(message)


class _Turn:
    """What the assistant said, while it is put together. path: of the first item."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.parts: tuple[Part, ...] = ()
        self.calls: list[ToolCall] = []
        self.reasoning: list[str] = []
        self.thinking: list[Thinking] = []
        self.native: NativeContent | None = None

    def message(self) -> AssistantMessage:
        return AssistantMessage(
            parts=self.parts,
            tool_calls=tuple(self.calls),
            reasoning="".join(self.reasoning) or None,
            thinking=tuple(self.thinking),
            native=self.native,
        )


def _stateless(path: str) -> UnsupportedFieldError:
    return UnsupportedFieldError(
        f"{path}: this model's provider keeps no items; send the item itself", param=path
    )
