"""Events becoming OpenAI's: https://platform.openai.com/docs/api-reference/responses-streaming

    response.created, response.in_progress
    items, one after the other: reasoning, message, calls
    response.completed or response.incomplete; or error and response.failed

Calls stay open until the answer ends, since providers may interleave them. Proofs of reasoning that come
while a message is told wait for its end. There is no end marker.
"""

from __future__ import annotations

from extproc.chat import events as ev
from extproc.chat.model import NativeContent, Thinking, Usage
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_responses.open_items import (
    OpenCall,
    OpenCustomCall,
    OpenMessage,
    OpenReasoning,
    OpenWrappedCall,
    Teller,
    event,
)
from extproc.dialects.openai_responses.output import JSON, Status, logprobs
from extproc.dialects.openai_responses.response import Answer, Outcome, outcome
from extproc.errors import GatewayError

Item = OpenReasoning | OpenMessage | OpenCall


def write_stream_error(error: GatewayError) -> bytes:
    """The event for an error of which the stream's writer knows nothing; its number is then the first."""
    return event("error", _error(error), 0)


def _error(error: GatewayError) -> JSON:
    return {"code": error.code, "message": error.message, "param": error.param}


class EventWriter:
    """One client stream; of the choices the first, for there is no place for more."""

    def __init__(self, reply: ReplyContext) -> None:
        self._reply = reply
        self._answer: Answer | None = None
        self._teller = Teller()
        self._items: list[Item] = []
        self._statuses: list[Status] = []
        self._current: OpenReasoning | OpenMessage | None = None
        self._calls: dict[int, OpenCall] = {}
        self._waiting: list[Thinking | NativeContent] = []
        self._text = 0
        self._refused = False
        self._usage: Usage | None = None
        self._finish: ev.Finish | None = None

    def write(self, events: list[ev.Event]) -> bytes:
        """The bytes that tell the client of `events`, errors included."""
        text: ev.TextDelta | None = None  # waits for its log probabilities, which would come next
        for happened in events:
            if text is not None:
                told, text = text, None
                if isinstance(happened, ev.LogprobsDelta):
                    self._say(told, logprobs(happened.logprobs))
                    continue
                self._say(told, [])
            if isinstance(happened, ev.TextDelta):
                text = happened
            else:
                self._event(happened)
        if text is not None:
            self._say(text, [])
        return self._teller.take()

    def _event(self, happened: ev.Event) -> None:  # noqa: C901, PLR0912 - one line an event
        match happened:
            case ev.Start():
                self._begin(happened)
            case ev.RefusalDelta(text, 0):
                self._refused = True
                self._message().refuse(text)
            case ev.ReasoningDelta(text, 0):
                self._reasoning().think(text)
            case ev.ThinkingDone(thinking, 0):
                self._keep(thinking)
            case ev.NativeMessage(content, 0):
                self._keep(content)
            case ev.ToolCallStart(choice=0):
                self._call(happened)
            case ev.ToolCallDelta(choice=0):
                self._calls[happened.index].grow(happened.arguments)
            case ev.LogprobsDelta(given, 0) if isinstance(self._current, OpenMessage):
                self._current.weigh(logprobs(given))
            case ev.Cited(annotation, 0):
                self._message().cite(annotation)
            case ev.AnswerStart(0):
                self._close("completed")
            case ev.Finish(choice=0):
                self._finished(happened)
            case ev.UsageSeen(usage):
                self._usage = usage
            case ev.End():
                self._end()
            case ev.StreamError(error):
                self._fail(error)
            case _:  # other choices, and what clients do not see
                pass

    def _begin(self, start: ev.Start) -> Answer:
        if self._answer is None:
            self._answer = Answer(self._reply, start)
            self._teller.tell("response.created", {"response": self._answer.write("in_progress", [])})
            self._teller.tell("response.in_progress", {"response": self._answer.write("in_progress", [])})
        return self._answer

    def _say(self, delta: ev.TextDelta, probable: list[JSON]) -> None:
        if delta.choice == 0:
            self._message().say(delta.text, probable)

    def _message(self) -> OpenMessage:
        current = self._current
        if not isinstance(current, OpenMessage):
            self._close("completed")
            current = OpenMessage(*self._place(), self._text)
            self._open(current)
            self._current = current
        return current

    def _reasoning(self) -> OpenReasoning:
        current = self._current
        if not isinstance(current, OpenReasoning):
            self._close("completed")
            current = OpenReasoning(*self._place())
            self._open(current)
            self._current = current
        return current

    def _place(self) -> tuple[str, int, Teller]:
        return self._begin(ev.Start()).base, len(self._items), self._teller

    def _open(self, item: Item) -> None:
        self._items.append(item)
        self._statuses.append("in_progress")
        item.begin()

    def _end_item(self, item: Item, status: Status) -> None:
        item.end(status)
        self._statuses[item.index] = status

    def _call(self, start: ev.ToolCallStart) -> None:
        self._close("completed")
        place = self._place()
        answer = self._begin(ev.Start())
        kind = OpenCall
        if start.kind == "custom":
            kind = OpenCustomCall
        elif start.name in answer.custom:
            kind = OpenWrappedCall
        call = self._calls[start.index] = kind(*place, start)
        self._open(call)

    def _keep(self, sealed: Thinking | NativeContent) -> None:
        """Something that the next turn must send back."""
        if isinstance(self._current, OpenReasoning) and isinstance(sealed, Thinking):
            self._current.sealed = sealed
            self._close("completed")
        else:
            self._waiting.append(sealed)
            if self._current is None and isinstance(sealed, Thinking):
                self._tell_waiting()

    def _tell_waiting(self) -> None:
        for sealed in self._waiting:
            item = OpenReasoning(*self._place())
            item.sealed = sealed
            self._open(item)
            self._end_item(item, "completed")
        self._waiting.clear()

    def _close(self, status: Status) -> None:
        """End what is being told, calls apart."""
        if self._current is not None:
            item, self._current = self._current, None
            if isinstance(item, OpenMessage):
                self._text = item.text_end
            self._end_item(item, status)
        self._tell_waiting()

    def _finished(self, finish: ev.Finish) -> None:
        self._finish = finish
        status, _ = outcome(finish.reason, refused=self._refused)
        last = max((item.index for item in self._items if not isinstance(item, OpenReasoning)), default=None)

        def ended(item: Item) -> Status:
            return "incomplete" if status == "incomplete" and item.index == last else "completed"

        waiting, self._waiting = self._waiting, []
        if self._current is not None:
            self._close(ended(self._current))
        for call in self._calls.values():
            self._end_item(call, ended(call))
        self._waiting = waiting
        self._tell_waiting()

    def _end(self) -> None:
        if self._finish is None:
            self._finished(ev.Finish(reason="unknown"))
        reason = "unknown" if self._finish is None else self._finish.reason
        status, details = outcome(reason, refused=self._refused)
        self._last(f"response.{status}", status, incomplete=details)

    def _last(self, kind: str, status: Outcome, **more: JSON | None) -> None:
        answer = self._begin(ev.Start())
        items = [item.item(told) for item, told in zip(self._items, self._statuses, strict=True)]
        self._teller.tell(kind, {"response": answer.write(status, items, usage=self._usage, **more)})

    def _fail(self, error: GatewayError) -> None:
        self._begin(ev.Start())
        self._teller.tell("error", _error(error))
        for item in self._items:
            if self._statuses[item.index] == "in_progress":
                self._statuses[item.index] = "incomplete"
        code = "rate_limit_exceeded" if error.status == 429 else "server_error"  # noqa: PLR2004
        self._last("response.failed", "failed", error={"code": code, "message": error.message})
