"""Items of a stream while they grow, each telling its own events.

https://platform.openai.com/docs/api-reference/responses-streaming: an item is added, its parts are added,
grow by deltas and are done, and then the item is done.

Nothing here leads back to what it is part of: only the garbage collector could free it then.
"""

from __future__ import annotations

from extproc.chat import events as ev
from extproc.chat.model import Annotation, NativeContent, Thinking, ToolCall
from extproc.dialects.openai_responses import output
from extproc.dialects.openai_responses.custom import Unwrapper
from extproc.dialects.openai_responses.output import JSON, Status
from extproc.wire.rawjson import encode


def event(kind: str, fields: JSON, number: int) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (
        kind.encode(),
        encode({"type": kind, "sequence_number": number, **fields}),
    )


class Teller:
    """What was told and not taken yet, and the number of the next event."""

    def __init__(self) -> None:
        self._number = 0
        self._out: list[bytes] = []

    def tell(self, kind: str, fields: JSON) -> None:
        self._out.append(event(kind, fields, self._number))
        self._number += 1

    def take(self) -> bytes:
        told = b"".join(self._out)
        self._out.clear()
        return told


class _Place:
    """An item as its events name it."""

    def __init__(self, teller: Teller, item: str, index: int) -> None:
        self.id = item
        self.index = index
        self._teller = teller

    def tell(self, kind: str, **fields: object) -> None:
        self._teller.tell(kind, {"item_id": self.id, "output_index": self.index, **fields})

    def tell_item(self, what: str, item: JSON) -> None:
        self._teller.tell(f"response.output_item.{what}", {"output_index": self.index, "item": item})


class _OpenItem:
    """base, index: see ``output.item_id``."""

    kind = ""

    def __init__(self, base: str, index: int, teller: Teller) -> None:
        self.id = output.item_id(self.kind, base, index)
        self.index = index
        self._place = _Place(teller, self.id, index)

    def begin(self) -> None:
        self._place.tell_item("added", self.item("in_progress"))

    def end(self, status: Status) -> None:
        self._place.tell_item("done", self.item(status))

    def item(self, status: Status) -> JSON:
        """The item as far as it was told."""
        raise NotImplementedError


class OpenReasoning(_OpenItem):
    kind = "reasoning"

    def __init__(self, base: str, index: int, teller: Teller) -> None:
        super().__init__(base, index, teller)
        self._texts: list[str] = []
        self.sealed: Thinking | NativeContent | None = None

    def think(self, text: str) -> None:
        if not self._texts:
            self._part("added", "")
        self._texts.append(text)
        self._place.tell("response.reasoning_summary_text.delta", summary_index=0, delta=text)

    def end(self, status: Status) -> None:
        if self._texts:
            text = "".join(self._texts)
            self._place.tell("response.reasoning_summary_text.done", summary_index=0, text=text)
            self._part("done", text)
        super().end(status)

    def _part(self, what: str, text: str) -> None:
        part = {"type": "summary_text", "text": text}
        self._place.tell(f"response.reasoning_summary_part.{what}", summary_index=0, part=part)

    def item(self, status: Status) -> JSON:
        if status == "in_progress":
            return output.reasoning(self.id, "", None)
        return output.reasoning(self.id, "".join(self._texts), self.sealed)


class _TextPart:
    def __init__(self, place: _Place, index: int, before: int) -> None:
        self._place = place
        self._index = index
        self._before = before  # characters of the answer's text that are in earlier parts
        self._texts: list[str] = []
        self._annotations: list[JSON] = []
        self._logprobs: list[JSON] = []

    def grow(self, text: str, logprobs: list[JSON]) -> None:
        self._texts.append(text)
        self._logprobs += logprobs
        self._place.tell(
            "response.output_text.delta", content_index=self._index, delta=text, logprobs=logprobs
        )

    def weigh(self, logprobs: list[JSON]) -> None:
        self._logprobs += logprobs

    def cite(self, cited: Annotation) -> None:
        told = output.annotation(cited, self._before)
        self._annotations.append(told)
        self._place.tell(
            "response.output_text.annotation.added",
            content_index=self._index,
            annotation_index=len(self._annotations) - 1,
            annotation=told,
        )

    def end(self) -> None:
        text = "".join(self._texts)
        self._place.tell(
            "response.output_text.done", content_index=self._index, text=text, logprobs=self._logprobs
        )

    def part(self) -> JSON:
        return output.output_text("".join(self._texts), list(self._annotations), list(self._logprobs))


class _RefusalPart:
    def __init__(self, place: _Place, index: int) -> None:
        self._place = place
        self._index = index
        self._texts: list[str] = []

    def grow(self, text: str) -> None:
        self._texts.append(text)
        self._place.tell("response.refusal.delta", content_index=self._index, delta=text)

    def end(self) -> None:
        self._place.tell("response.refusal.done", content_index=self._index, refusal="".join(self._texts))

    def part(self) -> JSON:
        return output.refusal("".join(self._texts))


class OpenMessage(_OpenItem):
    """text_before: characters of text in the messages before this one."""

    kind = "message"

    def __init__(self, base: str, index: int, teller: Teller, text_before: int) -> None:
        super().__init__(base, index, teller)
        self.text_end = text_before
        self._done: list[JSON] = []
        self._open: _TextPart | _RefusalPart | None = None

    def say(self, text: str, logprobs: list[JSON]) -> None:
        self._text_part().grow(text, logprobs)
        self.text_end += len(text)

    def weigh(self, logprobs: list[JSON]) -> None:
        """Log probabilities of text that was told without."""
        if logprobs:
            self._text_part().weigh(logprobs)

    def cite(self, cited: Annotation) -> None:
        self._text_part().cite(cited)

    def refuse(self, text: str) -> None:
        part = self._open
        if not isinstance(part, _RefusalPart):
            self._end_part()
            part = _RefusalPart(self._place, len(self._done))
            self._begin_part(part)
        part.grow(text)

    def _text_part(self) -> _TextPart:
        part = self._open
        if not isinstance(part, _TextPart):
            self._end_part()
            part = _TextPart(self._place, len(self._done), self.text_end)
            self._begin_part(part)
        return part

    def _begin_part(self, part: _TextPart | _RefusalPart) -> None:
        self._open = part
        self._place.tell("response.content_part.added", content_index=len(self._done), part=part.part())

    def _end_part(self) -> None:
        if self._open is None:
            return
        self._open.end()
        part = self._open.part()
        self._place.tell("response.content_part.done", content_index=len(self._done), part=part)
        self._done.append(part)
        self._open = None

    def end(self, status: Status) -> None:
        self._end_part()
        super().end(status)

    def item(self, status: Status) -> JSON:
        content = [*self._done]
        if self._open is not None:
            content.append(self._open.part())
        return output.message(self.id, content, status)


class OpenCall(_OpenItem):
    """A function's call, or a custom tool's that is one for the client and the provider alike."""

    kind = "function_call"
    told = "response.function_call_arguments"
    field = "arguments"

    def __init__(self, base: str, index: int, teller: Teller, start: ev.ToolCallStart) -> None:
        super().__init__(base, index, teller)
        self._start = start
        self._pieces: list[str] = []

    def grow(self, piece: str) -> None:
        self._pieces.append(piece)
        self._place.tell(f"{self.told}.delta", delta=piece)

    def end(self, status: Status) -> None:
        self._place.tell(f"{self.told}.done", **{self.field: self.item(status)[self.field]})
        super().end(status)

    def item(self, status: Status) -> JSON:
        return output.call(self.id, self._call(), status, custom=False)

    def _call(self) -> ToolCall:
        start = self._start
        return ToolCall(id=start.id, name=start.name, kind=start.kind, arguments="".join(self._pieces))


class OpenCustomCall(OpenCall):
    kind = "custom_tool_call"
    told = "response.custom_tool_call_input"
    field = "input"


class OpenWrappedCall(OpenCustomCall):
    """A custom tool's call that is a function's for the provider."""

    def __init__(self, base: str, index: int, teller: Teller, start: ev.ToolCallStart) -> None:
        super().__init__(base, index, teller, start)
        self._text = Unwrapper()

    def grow(self, piece: str) -> None:
        self._pieces.append(piece)
        self._say(self._text.feed(piece))

    def end(self, status: Status) -> None:
        self._say(self._text.rest())
        super().end(status)

    def _say(self, text: str) -> None:
        if text:
            self._place.tell(f"{self.told}.delta", delta=text)

    def item(self, status: Status) -> JSON:
        return output.call(self.id, self._call(), status, custom=True)
