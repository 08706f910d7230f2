"""The parts of one candidate, whole or as they come in, becoming events.

Thoughts, text and function calls have events of their own. Everything else (Google's own tools and their
results, code that it ran, images that it made) is kept as it came and told at the end, together with the
parts around it, as one ``NativeMessage``: the next turn needs it, and in the old order.

A turn's signature stands on its first function call, or else on its text
(https://ai.google.dev/gemini-api/docs/thought-signatures), and is told as a block of thinking, which is what
clients send back. Where it stands elsewhere, or there are several, the parts are kept likewise.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import NativeContent, Thinking
from extproc.providers.google import shapes
from extproc.providers.google.grounding import Text
from extproc.providers.google.messages import OWNER
from extproc.providers.google.partial import Arguments
from extproc.providers.signatures import GOOGLE, marked
from extproc.wire.rawjson import decoder, present, raw

_NO_ARGUMENTS: Final = "{}"

_read_part: Final = decoder(shapes.Part)


class _Call:
    """A function call whose arguments come in pieces."""

    def __init__(self, part: shapes.Part, call: shapes.FunctionCall, index: int) -> None:
        self.part = part
        self.call = call
        self.index = index
        self.arguments = Arguments()

    def whole(self) -> dict[str, Any]:
        """The part as a unary answer would have it."""
        call = {"id": self.call.id, "name": self.call.name, "args": Raw(self.arguments.text().encode())}
        written: dict[str, Any] = {
            "functionCall": {name: value for name, value in call.items() if value is not None}
        }
        if self.part.thought_signature:
            written["thoughtSignature"] = self.part.thought_signature
        return written


class _Words:
    """Text or thoughts without a signature, which come in pieces."""

    def __init__(self, *, thought: bool) -> None:
        self.thought = thought
        self.pieces: list[str] = []

    def whole(self) -> dict[str, Any]:
        text = "".join(self.pieces)
        return {"text": text, "thought": True} if self.thought else {"text": text}


class Parts:
    """One candidate's.

    choice: its index. response_id: what invented ids of calls are made of.
    """

    def __init__(self, choice: int, response_id: str | None) -> None:
        self.text = Text()
        self.calls = 0
        self._choice = choice
        self._response_id = response_id
        self._kept: list[Raw | _Call | _Words] = []
        self._kind = ""  # of the last part
        self._thought: list[str] = []  # the thoughts whose block is not told yet
        self._signed = ""  # the kind of the part that has the signature
        self._special = False  # whether the neutral message would lose something, or its place
        self._open: _Call | None = None

    def add(self, parts: list[Raw], out: list[ev.Event]) -> None:
        """Raises: MalformedJSON for a part of a wrong shape."""
        for n, given in enumerate(parts):
            part = _read_part(given)
            kind = _kind(part)
            if n or kind != self._kind:
                self.text.part()
            if kind != "thought" and (kind != "call" or (part.function_call and part.function_call.name)):
                self._end_thought(part, kind, out)
            match kind:
                case "thought":
                    self._think(part, out)
                case "text":
                    self._say(part, out)
                case "call" if part.function_call is not None:
                    self._call(part, part.function_call, out)
                case _:
                    self._special = True
                    out.append(ev.Progress())
            self._keep(given, part, kind)
            self._kind = kind

    def _end_thought(self, part: shapes.Part, kind: str, out: list[ev.Event]) -> None:
        """The block of thinking that ends here, with the signature that begins here."""
        signature = part.thought_signature or ""
        if signature:
            signature = self._sign(signature, kind)
        if self._thought or signature:
            block = Thinking(text="".join(self._thought), signature=signature)
            out.append(ev.ThinkingDone(block, self._choice))
            self._thought.clear()

    def _sign(self, signature: str, kind: str) -> str:
        """`signature` for the client, if it is the turn's; nothing for one that only Google can place."""
        first_call = kind == "call" and self.calls == 0
        if self._signed or not (first_call or (kind == "text" and not self.calls)):
            self._special = True
        if not first_call and (self._signed or kind != "text" or self.calls):
            return ""
        self._signed = kind
        return marked(GOOGLE, signature)

    def _think(self, part: shapes.Part, out: list[ev.Event]) -> None:
        if part.thought_signature:
            self._special = True
        if part.text:
            self._thought.append(part.text)
            out.append(ev.ReasoningDelta(part.text, self._choice))

    def _say(self, part: shapes.Part, out: list[ev.Event]) -> None:
        if not part.text:
            return
        if self.calls or (self._signed and not part.thought_signature):
            self._special = True
        self.text.add(part.text)
        out.append(ev.TextDelta(part.text, self._choice))

    def _call(self, part: shapes.Part, call: shapes.FunctionCall, out: list[ev.Event]) -> None:
        if call.name:
            self._begin(part, call, out)
        if self._open is None:
            return  # the end of a call that has ended
        for piece in call.partial_args or ():
            self._open.arguments.add(piece)
        if not call.will_continue:
            self._end_call(out)

    def _begin(self, part: shapes.Part, call: shapes.FunctionCall, out: list[ev.Event]) -> None:
        self._end_call(out)
        if self._signed == "text":
            self._special = True
        index = self.calls
        self.calls += 1
        name = call.name or ""
        out.append(
            ev.ToolCallStart(index=index, id=call.id or self._id(index, name), name=name, choice=self._choice)
        )
        if call.will_continue or call.partial_args:
            self._open = _Call(part, call, index)
            return
        args = present(call.args)
        text = _NO_ARGUMENTS if args is None else bytes(args).decode()
        out.append(ev.ToolCallDelta(index=index, arguments=text, choice=self._choice))

    def _id(self, index: int, name: str) -> str:
        """An id where Gemini gives none: another for each call of a conversation, the same each time."""
        turn = self._response_id or f"{zlib.crc32(name.encode()):08x}"
        choice = f"{self._choice}_" if self._choice else ""
        return f"call_{turn}_{choice}{index}"

    def _end_call(self, out: list[ev.Event]) -> None:
        call, self._open = self._open, None
        if call is not None:
            text = call.arguments.text()
            out.append(ev.ToolCallDelta(index=call.index, arguments=text, choice=self._choice))
            self._kept.append(call)

    def _keep(self, given: Raw, part: shapes.Part, kind: str) -> None:
        """The parts as a unary answer would have them."""
        if kind == "call" and part.function_call is not None:
            call = part.function_call
            if not call.name or call.will_continue or call.partial_args:
                return  # kept when it is whole
        if kind not in ("text", "thought") or part.thought_signature:
            if part.text != "" or part.thought_signature:
                self._kept.append(given)
            return
        if part.text:
            last = self._kept[-1] if self._kept else None
            if not isinstance(last, _Words) or last.thought is not (kind == "thought"):
                last = _Words(thought=kind == "thought")
                self._kept.append(last)
            last.pieces.append(part.text)

    def finish(self, out: list[ev.Event]) -> None:
        """No part will follow."""
        self._end_call(out)
        if self._thought:
            out.append(ev.ThinkingDone(Thinking(text="".join(self._thought)), self._choice))
            self._thought.clear()
        if self._special:
            blocks = tuple([part if isinstance(part, Raw) else raw(part.whole()) for part in self._kept])
            out.append(ev.NativeMessage(NativeContent(owner=OWNER, blocks=blocks), self._choice))


def _kind(part: shapes.Part) -> str:
    if part.function_call is not None:
        return "call"
    if part.text is None:
        return "other"
    return "thought" if part.thought else "text"
