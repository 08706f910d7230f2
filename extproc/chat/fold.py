"""Events added up to the answer that the same provider would have given at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import (
    Annotation,
    AssistantMessage,
    ChatResponse,
    Choice,
    NativeContent,
    TextPart,
    Thinking,
    ToolCall,
    Usage,
)


class _Logprobs(msgspec.Struct):
    content: list[Raw] | None = None
    refusal: list[Raw] | None = None


_read_logprobs: Final = msgspec.json.Decoder(_Logprobs).decode


class _Call:
    def __init__(self, start: ev.ToolCallStart) -> None:
        self.start = start
        self.arguments: list[str] = []

    def call(self) -> ToolCall:
        start = self.start
        return ToolCall(id=start.id, name=start.name, kind=start.kind, arguments="".join(self.arguments))


class _Choice:
    """One choice while it grows."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.refusal: list[str] = []
        self.reasoning: list[str] = []
        self.thinking: list[Thinking] = []
        self.calls: dict[int, _Call] = {}
        self.annotations: list[Annotation] = []
        self.native: NativeContent | None = None
        self.logprobs: _Logprobs | None = None
        self.finish = ev.Finish(reason="unknown")

    def add(self, event: ev.Event) -> None:  # noqa: C901 - one line an event
        match event:
            case ev.TextDelta(text):
                self.text.append(text)
            case ev.AnswerStart():
                self.text.clear()
                self.annotations.clear()  # places in that text
            case ev.RefusalDelta(text):
                self.refusal.append(text)
            case ev.ReasoningDelta(text):
                self.reasoning.append(text)
            case ev.ThinkingDone(thinking):
                self.thinking.append(thinking)
            case ev.ToolCallStart():
                self.calls[event.index] = _Call(event)
            case ev.ToolCallDelta():
                self.calls[event.index].arguments.append(event.arguments)
            case ev.Cited(annotation):
                self.annotations.append(annotation)
            case ev.NativeMessage(content):
                self.native = content
            case ev.LogprobsDelta(logprobs):
                self._add_logprobs(logprobs)
            case ev.Finish():
                self.finish = event
            case _:
                pass

    def _add_logprobs(self, raw: Raw) -> None:
        more = _read_logprobs(raw)
        total = self.logprobs = self.logprobs or _Logprobs()
        if more.content is not None:
            total.content = (total.content or []) + more.content
        if more.refusal is not None:
            total.refusal = (total.refusal or []) + more.refusal

    def choice(self, index: int) -> Choice:
        text = "".join(self.text)
        message = AssistantMessage(
            parts=(TextPart(text=text),) if text else (),
            tool_calls=tuple(self.calls[key].call() for key in sorted(self.calls)),
            refusal="".join(self.refusal) or None,
            reasoning="".join(self.reasoning) or None,
            thinking=tuple(self.thinking),
            annotations=tuple(self.annotations),
            native=self.native,
        )
        return Choice(
            index=index,
            message=message,
            finish_reason=self.finish.reason,
            native_reason=self.finish.native_reason,
            stop_sequence=self.finish.stop_sequence,
            logprobs=None if self.logprobs is None else Raw(msgspec.json.encode(self.logprobs)),
        )


def fold(events: Iterable[ev.Event]) -> ChatResponse:
    """The answer that `events` add up to.

    Raises:
        ProviderError: the stream broke.
    """
    start = ev.Start()
    usage: Usage | None = None
    choices: dict[int, _Choice] = {}
    for event in events:
        match event:
            case ev.Start():
                start = event
            case ev.UsageSeen(usage):
                pass
            case ev.StreamError(error):
                raise error
            case ev.Progress() | ev.End():
                pass
            case _:
                if event.choice not in choices:
                    choices[event.choice] = _Choice()
                choices[event.choice].add(event)
    return ChatResponse(
        id=start.id,
        created=start.created,
        model=start.model,
        fingerprint=start.fingerprint,
        service_tier=start.service_tier,
        usage=usage,
        choices=tuple(choices[index].choice(index) for index in sorted(choices)),
    )
