"""Content blocks, whole or as they grow, becoming events.

Text, thinking and tool calls have events of their own. Everything else (server tools and their
results, citations of documents, compaction, what will be invented next) is kept as it came and
told at the end, together with the blocks around it, as one ``NativeMessage``: the next turn needs
it, and in the old order.

A call of ``JSON_TOOL`` is not one: its arguments are the answer's text.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import Annotation, NativeContent, Thinking
from extproc.providers.anthropic import shapes
from extproc.wire.rawjson import MalformedJSON, decode, decoder, present, raw

OWNER: Final = "anthropic"
INVALID_JSON: Final = "INVALID_JSON"
"""The key under which Anthropic wants arguments back that are not JSON.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
"""
JSON_TOOL: Final = "gateway_json_response"
"""The tool that answers where a server has no structured output of its own; see ``formats``.

Answers are read without their request at hand, so the name alone tells, and clients may not use it.
"""
_EMPTY_INPUT: Final = Raw(b"{}")
_HIDDEN_WORK: Final = frozenset({"thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use"})
"""Blocks that may take long without a word for the client."""


_read_text: Final = decoder(str)


class _Block:
    """One block while it grows. The pieces of each text field are joined when it is whole."""

    def __init__(self, kind: str, fields: dict[str, Raw]) -> None:
        self.kind = kind
        self.fields = fields
        self.grown: dict[str, list[str]] = {}
        self.citations: list[Raw] = []
        self.call: int | None = None  # which of the client's tools' calls this is
        self.begins_at = 0  # where in the message's text
        self.is_answer = kind == "tool_use" and self.text("name") == JSON_TOOL
        self.is_late = False  # whether its words come after the answer's JSON, which they would spoil

    def grow(self, field: str, piece: str) -> None:
        self.grown.setdefault(field, []).append(piece)

    def text(self, field: str) -> str:
        """A text field so far: what it began with, and what followed."""
        value = self.fields.get(field)
        begun = "" if value is None or bytes(value) == b"null" else _read_text(value)
        grown = self.grown.get(field)
        return begun if grown is None else begun + "".join(grown)

    def input(self) -> Raw:
        """The arguments of a tool: streamed ones, or else those it began with.

        llama.cpp begins a streamed ``tool_use`` without ``input``.
        """
        streamed = "".join(self.grown.get("partial_json", ()))
        return Raw(streamed.encode()) if streamed.strip() else self.fields.get("input", _EMPTY_INPUT)

    def words(self) -> str:
        """What a block of text, or an answer, says."""
        return bytes(self.input()).decode() if self.is_answer else self.text("text")

    def _valid_input(self) -> object:
        """The arguments, or what stands for them where the model broke off within."""
        given = self.input()
        try:
            return decode(given, Raw)
        except MalformedJSON:
            return {INVALID_JSON: bytes(given).decode()}

    def whole(self) -> Raw:
        """The block as a unary answer would have it; an answer as the text that it is to the next turn."""
        if self.is_answer:
            return raw({"type": "text", "text": self.words()})
        fields: dict[str, object] = dict(self.fields)
        for field in self.grown:
            if field == "partial_json":
                fields["input"] = self._valid_input()
            else:
                fields[field] = self.text(field)
        if self.citations:
            fields["citations"] = self.citations
        return raw(fields)


class Blocks:
    """The blocks of one message, by index."""

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._whole: list[_Block] = []
        self._calls = 0
        self._answered = False
        self._text = 0  # characters of text so far
        self._special = False  # whether some block has no place in the neutral message
        self._last_kind = ""

    @property
    def only_answered(self) -> bool:
        """Whether all that was called is the tool that is none."""
        return self._answered and not self._calls

    def start(self, index: int, fields: dict[str, Raw], out: list[ev.Event]) -> None:
        """Raises: MalformedJSON for a block of a wrong shape, here and below."""
        if index in self._open:
            self.stop(index, out)
        kind = _read_text(fields["type"]) if "type" in fields else ""
        block = self._open[index] = _Block(kind, fields)
        block.begins_at = self._text
        block.is_late = self._answered and (kind == "text" or block.is_answer)
        match kind:
            case "text":
                self._say(block, block.text("text"), out)
                block.citations = _listed(fields.get("citations"))
            case "thinking":
                if thought := block.text("thinking"):
                    out.append(ev.ReasoningDelta(thought))
            case "tool_use" if block.is_answer:
                self._begin_answer(block, out)
            case "tool_use":
                block.call = self._calls
                self._calls += 1
                tool = (block.text("id") or f"toolu_{block.call}", block.text("name"))
                out.append(ev.ToolCallStart(index=block.call, id=tool[0], name=tool[1]))
        if kind in _HIDDEN_WORK:
            out.append(ev.Progress())
        self._special = self._special or self._is_special(block)
        self._last_kind = kind

    def _begin_answer(self, block: _Block, out: list[ev.Event]) -> None:
        """The answer's text is to be JSON and nothing else.

        Claude says nothing before a tool that it must call; llama.cpp's grammars let a model do so.
        """
        out.append(ev.Progress() if block.is_late else ev.AnswerStart())
        self._answered = True

    def _is_special(self, block: _Block) -> bool:
        """Whether the neutral message would lose `block`, or its place among the others."""
        if block.is_answer or block.is_late:
            return False
        match block.kind:
            case "text":
                return self._last_kind == "tool_use"
            case "thinking" | "redacted_thinking":
                return self._last_kind not in ("", "thinking", "redacted_thinking")
            case "tool_use":
                caller = block.fields.get("caller")
                return (
                    caller is not None
                    and bytes(caller) != b"null"
                    and decode(caller, shapes.Caller).type != "direct"
                )
            case _:
                return True

    def _say(self, block: _Block, text: str, out: list[ev.Event]) -> None:
        if text and not block.is_late:
            self._text += len(text)
            out.append(ev.TextDelta(text))

    def delta(self, index: int, delta: shapes.Delta, out: list[ev.Event]) -> None:
        block = self._open.get(index)
        if block is None:
            return
        if delta.text is not None:
            block.grow("text", delta.text)
            if block.kind == "text":
                self._say(block, delta.text, out)
        if delta.partial_json:
            self._more_input(block, delta.partial_json, out)
        if delta.thinking:
            block.grow("thinking", delta.thinking)
            out.append(ev.ReasoningDelta(delta.thinking))
        if delta.signature:
            block.grow("signature", delta.signature)
        if delta.content is not None:
            block.grow("content", delta.content)
        if (citation := present(delta.citation)) is not None:
            block.citations.append(citation)

    def _more_input(self, block: _Block, piece: str, out: list[ev.Event]) -> None:
        block.grow("partial_json", piece)
        if block.is_answer:
            self._say(block, piece, out)
        elif block.call is not None:
            out.append(ev.ToolCallDelta(index=block.call, arguments=piece))

    def stop(self, index: int, out: list[ev.Event]) -> None:
        block = self._open.pop(index, None)
        if block is None:
            return
        match block.kind:
            case _ if block.is_late:
                pass
            case "text":
                for citation in block.citations:
                    self._cite(citation, block.begins_at, out)
            case "thinking":
                out.append(
                    ev.ThinkingDone(Thinking(text=block.text("thinking"), signature=block.text("signature")))
                )
            case "redacted_thinking":
                out.append(ev.ThinkingDone(Thinking(redacted=block.text("data"))))
            case "tool_use" if "partial_json" in block.grown:
                pass
            case "tool_use" if block.call is not None:
                out.append(ev.ToolCallDelta(index=block.call, arguments=bytes(block.input()).decode()))
            case "tool_use":
                self._say(block, block.words(), out)
        self._whole.append(block)

    def _cite(self, citation: Raw, begins_at: int, out: list[ev.Event]) -> None:
        cited = decode(citation, shapes.Citation)
        url = cited.url or cited.source
        if url is None:  # a document of the request: OpenAI has no word for that
            self._special = True
            return
        place = Annotation(url=url, title=cited.title or "", start=begins_at, end=self._text)
        out.append(ev.Cited(place))

    def _spoke_beside(self) -> bool:
        """Whether there are words beside the answer, which is then not all of the message."""
        speaking = [block for block in self._whole if block.is_answer or block.kind == "text"]
        return self._answered and sum(bool(block.words().strip()) for block in speaking) > 1

    def finish(self, out: list[ev.Event]) -> None:
        """No block will follow."""
        for index in sorted(self._open):
            self.stop(index, out)
        if self._special or self._spoke_beside():
            blocks = tuple(block.whole() for block in self._whole)
            out.append(ev.NativeMessage(NativeContent(owner=OWNER, blocks=blocks)))


def _listed(value: Raw | None) -> list[Raw]:
    return [] if value is None or bytes(value) == b"null" else decode(value, list[Raw])
