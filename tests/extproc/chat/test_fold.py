"""Events added up."""

from __future__ import annotations

import pytest

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import Annotation, AssistantMessage, ChatResponse, Choice, TextPart, ToolCall, Usage
from extproc.errors import ProviderFailed


def test_fold() -> None:
    events: list[ev.Event] = [
        ev.Start(id="i", created=1, model="m", fingerprint="f", service_tier="default"),
        ev.UsageSeen(Usage(prompt=1)),
        ev.TextDelta("before"),
        ev.Cited(Annotation(url="u", title="t", start=0, end=6)),
        ev.AnswerStart(),
        ev.ToolCallStart(index=1, id="b", name="g"),
        ev.TextDelta("a"),
        ev.ToolCallStart(index=0, id="a", name="f"),
        ev.ToolCallDelta(index=1, arguments="{"),
        ev.ToolCallDelta(index=0, arguments="{}"),
        ev.ToolCallDelta(index=1, arguments="}"),
        ev.TextDelta("b"),
        ev.RefusalDelta("no"),
        ev.Progress(),
        ev.Finish(reason="stop", native_reason="end", stop_sequence="#"),
        ev.UsageSeen(Usage(prompt=1, completion=2)),
        ev.End(),
    ]
    message = AssistantMessage(
        parts=(TextPart(text="ab"),),
        tool_calls=(ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="g", arguments="{}")),
        refusal="no",
    )
    choice = Choice(message=message, finish_reason="stop", native_reason="end", stop_sequence="#")
    assert fold(events) == ChatResponse(
        id="i",
        created=1,
        model="m",
        fingerprint="f",
        service_tier="default",
        usage=Usage(prompt=1, completion=2),
        choices=(choice,),
    )


def test_a_broken_stream_raises() -> None:
    with pytest.raises(ProviderFailed, match=r"^late$"):
        fold([ev.TextDelta("a"), ev.StreamError(ProviderFailed("late"))])


def test_nothing_adds_up_to_nothing() -> None:
    assert fold([]) == ChatResponse(choices=())
