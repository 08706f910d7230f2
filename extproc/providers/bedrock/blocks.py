"""Content blocks of Converse's, whole or as they grow, becoming events.

Text, reasoning and tool calls have events of their own. Everything else (tools that AWS runs, citations of
documents, images, what will be invented next) is kept and told at the end, with the blocks around it, as
one ``NativeMessage``: the next turn needs it, and in the old order.

A call of ``JSON_TOOL`` is not one: its arguments are the answer's text.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import Annotation, NativeContent, Thinking
from extproc.providers.bedrock import shapes
from extproc.wire.rawjson import MalformedJSON, decode, present, raw

OWNER: Final = "bedrock"
INVALID_JSON: Final = "INVALID_JSON"
"""The key under which arguments go back that are no JSON object, which Converse demands."""
JSON_TOOL: Final = "gateway_json_response"
"""The tool that answers where a model has no structured output; see ``formats``.

Answers are read without their request at hand, so the name alone tells, and clients may not use it.
"""
_EMPTY_INPUT: Final = Raw(b"{}")
_SERVER_TOOL: Final = "server_tool_use"


class _Block:
    """One block while it grows.

    kind: Converse's key for it. call: which of the calls of the client's tools.
    begins_at: where in the message's text.
    late: its words come after the answer's JSON, which they would spoil.
    """

    def __init__(self, kind: str, begins_at: int) -> None:
        self.kind = kind
        self.begins_at = begins_at
        self.texts: list[str] = []
        self.tool = shapes.ToolUse()
        self.call: int | None = None
        self.answers = False
        self.late = False
        self.signature = ""
        self.redacted: list[str] = []
        self.citations: list[Raw] = []
        self.fields: dict[str, Raw] = {}  # of a kind that is only kept
        self.pieces: list[Any] = []  # of a tool result

    def text(self) -> str:
        return "".join(self.texts)

    def input(self) -> Raw:
        text = self.text()
        return Raw(text.encode()) if text.strip() else _EMPTY_INPUT

    def whole(self) -> Raw:
        """The block as a request may hold it; an answer as the text that it is to the next turn."""
        match self.kind:
            case "text" if self.citations:
                content = [{"text": self.text()}] if self.texts else []
                return raw({"citationsContent": {"content": content, "citations": self.citations}})
            case "text":
                return raw({"text": self.text()})
            case "toolUse" if self.answers:
                return raw({"text": self.text()})
            case "toolUse":
                return raw({"toolUse": self._tool_use()})
            case "reasoningContent" if self.redacted:
                return raw({"reasoningContent": {"redactedContent": "".join(self.redacted)}})
            case "reasoningContent":
                proof = {"signature": self.signature} if self.signature else {}
                return raw({"reasoningContent": {"reasoningText": {"text": self.text(), **proof}}})
            case "toolResult":
                kept = self.fields if not self.pieces else {**self.fields, "content": self.pieces}
                return raw({"toolResult": {"content": [], **kept}})
            case kind:
                return raw({kind: self.fields})

    def _tool_use(self) -> dict[str, Any]:
        given = self.input()
        try:
            decode(given, dict[str, Raw])
            value: object = given
        except MalformedJSON:
            value = {INVALID_JSON: bytes(given).decode()}
        fields = {"toolUseId": self.tool.toolUseId, "name": self.tool.name, "input": value}
        return fields | ({"type": _SERVER_TOOL} if self.tool.type == _SERVER_TOOL else {})


class Blocks:
    """The blocks of one message, by index."""

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._all: list[_Block] = []  # in the order in which they began: some streams end them late
        self._calls = 0
        self._answered = False
        self._text = 0  # characters of text so far
        self._special = False  # whether some block has no place in the neutral message
        self._last_kind = ""

    @property
    def only_answered(self) -> bool:
        """Whether all that was called is the tool that is none."""
        return self._answered and not self._calls

    def add(self, index: int, fields: dict[str, Raw], out: list[ev.Event]) -> None:
        """A whole block. Raises: MalformedJSON for one of a wrong shape, here and below."""
        for kind, value in fields.items():
            match kind:
                case "text":
                    self._say(self._begin(index, kind, out), decode(value, str), out)
                case "citationsContent":
                    self._add_cited(index, decode(value, shapes.Citations), out)
                case "toolUse":
                    tool = decode(value, shapes.ToolUse)
                    block = self._begin_tool(index, tool, out)
                    given = present(tool.input)
                    if given is not None:
                        self._more_input(block, bytes(given).decode(), out)
                case "reasoningContent":
                    self._add_reasoning(index, decode(value, shapes.Reasoning), out)
                case _ if not bytes(value).startswith(b"{"):
                    continue  # no block of its own, as a ``type`` beside the text
                case _:
                    self._begin(index, kind, out).fields = decode(value, dict[str, Raw])
            self.stop(index, out)

    def _add_cited(self, index: int, cited: shapes.Citations, out: list[ev.Event]) -> None:
        block = self._begin(index, "text", out)
        self._say(block, "".join(piece.text or "" for piece in cited.content or ()), out)
        block.citations = cited.citations or []

    def _add_reasoning(self, index: int, given: shapes.Reasoning, out: list[ev.Event]) -> None:
        block = self._begin(index, "reasoningContent", out)
        if given.reasoningText is not None:
            said = shapes.ReasoningDelta(given.reasoningText.text, given.reasoningText.signature)
            self._think(block, said, out)
        if given.redactedContent is not None:
            self._think(block, shapes.ReasoningDelta(redactedContent=given.redactedContent), out)

    def start(self, index: int, start: dict[str, Raw], out: list[ev.Event]) -> None:
        """A block of a stream begins; only those that are more than their deltas say so."""
        for kind, value in start.items():
            if kind == "toolUse":
                self._begin_tool(index, decode(value, shapes.ToolUse), out)
            elif bytes(value).startswith(b"{"):
                self._begin(index, kind, out).fields = decode(value, dict[str, Raw])

    def delta(self, index: int, delta: shapes.Delta, out: list[ev.Event]) -> None:
        block = self._open.get(index)
        if delta.text is not None:
            self._say(block or self._begin(index, "text", out), delta.text, out)
        if delta.toolUse is not None and block is not None:
            self._more_input(block, delta.toolUse.input, out)
        if delta.reasoningContent is not None:
            self._think(block or self._begin(index, "reasoningContent", out), delta.reasoningContent, out)
        if (citation := present(delta.citation)) is not None:
            (block or self._begin(index, "text", out)).citations.append(citation)
        if (result := present(delta.toolResult)) is not None and block is not None:
            block.pieces += decode(result, list[Raw])
        if (image := present(delta.image)) is not None and block is not None:
            block.fields |= decode(image, dict[str, Raw])

    def _begin(self, index: int, kind: str, out: list[ev.Event]) -> _Block:
        if index in self._open:
            self.stop(index, out)
        block = self._open[index] = _Block(kind, self._text)
        block.late = self._answered and kind == "text"
        self._all.append(block)
        match kind:
            case "text":
                special = self._last_kind == "toolUse" and not block.late
            case "reasoningContent":
                special = self._last_kind not in ("", kind)
                out.append(ev.Progress())
            case "toolUse":
                special = False
            case _:
                special = True
                out.append(ev.Progress())
        self._special = self._special or special
        self._last_kind = kind
        return block

    def _begin_tool(self, index: int, tool: shapes.ToolUse, out: list[ev.Event]) -> _Block:
        block = self._begin(index, "toolUse", out)
        block.tool = tool
        if tool.type == _SERVER_TOOL:
            self._special = True
            out.append(ev.Progress())
        elif tool.name == JSON_TOOL:
            block.answers = True
            block.late = self._answered
            # What the model said before it is not the answer.
            out.append(ev.Progress() if block.late else ev.AnswerStart())
            self._answered = True
        else:
            block.call = self._calls
            self._calls += 1
            call_id = tool.toolUseId or f"tooluse_{block.call}"
            out.append(ev.ToolCallStart(index=block.call, id=call_id, name=tool.name))
        return block

    def _say(self, block: _Block, text: str, out: list[ev.Event]) -> None:
        block.texts.append(text)
        if text and not block.late:
            self._text += len(text)
            out.append(ev.TextDelta(text))

    def _more_input(self, block: _Block, piece: str, out: list[ev.Event]) -> None:
        if block.answers:
            self._say(block, piece, out)
            return
        block.texts.append(piece)
        if piece and block.call is not None:
            out.append(ev.ToolCallDelta(index=block.call, arguments=piece))

    def _think(self, block: _Block, delta: shapes.ReasoningDelta, out: list[ev.Event]) -> None:
        if delta.text:
            block.texts.append(delta.text)
            out.append(ev.ReasoningDelta(delta.text))
        if delta.signature:
            block.signature += delta.signature
        if delta.redactedContent is not None:
            block.redacted.append(delta.redactedContent)

    def stop(self, index: int, out: list[ev.Event]) -> None:
        block = self._open.pop(index, None)
        if block is None:
            return
        match block.kind:
            case "text" if not block.late:
                for citation in block.citations:
                    self._cite(citation, block.begins_at, out)
            case "reasoningContent" if block.redacted:
                out.append(ev.ThinkingDone(Thinking(redacted="".join(block.redacted))))
            case "reasoningContent" if block.signature:
                out.append(ev.ThinkingDone(Thinking(text=block.text(), signature=block.signature)))
            case "toolUse" if not block.text().strip():
                if block.call is not None:
                    out.append(ev.ToolCallDelta(index=block.call, arguments="{}"))
                elif block.answers:
                    self._say(block, "{}", out)

    def _cite(self, citation: Raw, begins_at: int, out: list[ev.Event]) -> None:
        cited = decode(citation, shapes.Citation)
        url = (
            cited.location.web.url if cited.location is not None and cited.location.web is not None else None
        )
        if url is None:  # a document of the request: OpenAI has no word for that
            self._special = True
            return
        place = Annotation(url=url, title=cited.title or "", start=begins_at, end=self._text)
        out.append(ev.Cited(place))

    def _spoke_beside(self) -> bool:
        """Whether there are words beside the answer, which is then not all of the message."""
        speaking = [block for block in self._all if block.answers or block.kind == "text"]
        return self._answered and sum(bool(block.text().strip()) for block in speaking) > 1

    def finish(self, out: list[ev.Event]) -> None:
        """No block will follow."""
        for index in sorted(self._open):
            self.stop(index, out)
        if self._special or self._spoke_beside():
            blocks = tuple(block.whole() for block in self._all)
            out.append(ev.NativeMessage(NativeContent(owner=OWNER, blocks=blocks)))
