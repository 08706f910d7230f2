"""Events as the chunks of OpenAI's stream, and whole answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat import model as m
from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS

DIALECT = DIALECTS["openai_chat"]
USAGE = m.Usage(prompt=3, completion=4, cached=1, reasoning=0)


def write(*events: ev.Event, usage: bool = False) -> list[Any]:
    reply = ReplyContext(model="asked", created=7, request_id="r", include_usage=usage)
    frames = DIALECT.stream_writer(reply).write(list(events)).decode().split("\n\n")
    assert frames.pop() == ""
    return [
        frame if frame == "data: [DONE]" else json.loads(frame.removeprefix("data: ")) for frame in frames
    ]


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "i",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "asked",
        "system_fingerprint": "fp",
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
    } | more


START = ev.Start(id="i", created=5, model="theirs", fingerprint="fp")
ROLE = {"role": "assistant", "content": "", "refusal": None}


def test_a_stream() -> None:
    events = [
        START,
        ev.TextDelta("a"),
        ev.Progress(),
        ev.Finish(reason="stop"),
        ev.UsageSeen(USAGE),
        ev.End(),
    ]
    assert write(*events) == [chunk(ROLE), chunk({"content": "a"}), chunk({}, "stop"), "data: [DONE]"]


def test_usage_comes_last_and_only_when_asked() -> None:
    events = [
        START,
        ev.UsageSeen(m.Usage()),
        ev.TextDelta("a"),
        ev.UsageSeen(USAGE),
        ev.Finish(reason="stop"),
        ev.End(),
    ]
    told = {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert write(*events, usage=True) == [
        chunk(ROLE, usage=None),
        chunk({"content": "a"}, usage=None),
        chunk({}, "stop", usage=None),
        chunk({}, choices=[], usage=told),
        "data: [DONE]",
    ]
    assert "usage" not in json.dumps(write(*events))
    silent = [event for event in events if not isinstance(event, ev.UsageSeen)]
    assert write(*silent, usage=True)[-2] == chunk({}, "stop", usage=None)


def test_without_a_start_the_reply_context_says_what_there_is() -> None:
    first, second = write(ev.TextDelta("a"))
    assert (first["id"], first["created"], first["system_fingerprint"]) == ("chatcmpl-r", 7, None)
    assert [part["choices"][0]["delta"] for part in (first, second)] == [ROLE, {"content": "a"}]


def test_every_choice_has_its_role() -> None:
    assert write(START, ev.TextDelta("a", 1), ev.TextDelta("b"))[1:] == [
        chunk(ROLE, index=1),
        chunk({"content": "a"}, index=1),
        chunk({"content": "b"}),
    ]


def test_custom_tools() -> None:
    events = [
        START,
        ev.ToolCallStart(index=0, id="a", name="f", kind="custom"),
        ev.ToolCallDelta(index=0, arguments="x"),
    ]
    [_, begin, more] = write(*events)
    assert begin["choices"][0]["delta"]["tool_calls"] == [
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": ""}}
    ]
    assert more["choices"][0]["delta"]["tool_calls"] == [{"index": 0, "custom": {"input": "x"}}]


def test_lists_in_deltas_are_counted() -> None:
    cited = ev.Cited(m.Annotation(url="u", title="t", start=0, end=1))
    told = write(
        START,
        cited,
        cited,
        ev.NativeMessage(m.NativeContent(owner="o", blocks=(Raw(b"{}"), Raw(b' {"a": 1}'[1:])))),
    )
    deltas = [part["choices"][0]["delta"] for part in told[1:]]
    assert [delta["annotations"][0]["index"] for delta in deltas[:2]] == [0, 1]
    assert deltas[2] == {"o_content": [{"index": 0}, {"index": 1, "a": 1}]}


def test_service_tiers_that_clients_do_not_know_are_not_told() -> None:
    [told] = write(ev.Start(service_tier="on_demand"))
    assert "service_tier" not in told
    [told] = write(ev.Start(service_tier="priority"))
    assert told["service_tier"] == "priority"


def answer(message: m.AssistantMessage, finish: m.FinishReason = "stop", **more: Any) -> dict[str, Any]:
    reply = ReplyContext(model="asked", created=7, request_id="r")
    response = m.ChatResponse(choices=(m.Choice(message=message, finish_reason=finish),), **more)
    return json.loads(DIALECT.write_response(response, reply))


def test_an_answer() -> None:
    said = m.AssistantMessage(parts=(m.TextPart(text="a"), m.TextPart(text="b")))
    assert answer(said, id="i", created=5, fingerprint="fp", service_tier="standard") == {
        "id": "i",
        "object": "chat.completion",
        "created": 5,
        "model": "asked",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": None,
        "system_fingerprint": "fp",
    }


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (m.AssistantMessage(), {"content": ""}),
        (m.AssistantMessage(refusal="no"), {"content": None, "refusal": "no"}),
        (
            m.AssistantMessage(tool_calls=(m.ToolCall(id="a", name="f", arguments="{}"),)),
            {"content": None, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        ),
        (
            m.AssistantMessage(tool_calls=(m.ToolCall(id="a", name="f", arguments="x", kind="custom"),)),
            {"content": None, "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
        ),
        (m.AssistantMessage(audio=Raw(b'{"id":"a"}')), {"content": None, "audio": {"id": "a"}}),
        (
            m.AssistantMessage(reasoning="r", thinking=(m.Thinking(redacted="d"),)),
            {"content": "", "reasoning_content": "r", "thinking_blocks": [{"type": "redacted_thinking", "data": "d"}]},
        ),
    ],
)  # fmt: skip
def test_messages(message: m.AssistantMessage, told: dict[str, Any]) -> None:
    expected = {"role": "assistant", "refusal": None} | told
    assert answer(message)["choices"][0]["message"] == expected


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("refusal", "content_filter"),
        ("pause", "stop"),
        ("unknown", "stop"),
    ],
)
def test_finish_reasons(reason: m.FinishReason, word: str) -> None:
    assert answer(m.AssistantMessage(), reason)["choices"][0]["finish_reason"] == word
    called = m.AssistantMessage(tool_calls=(m.ToolCall(id="a", name="f", arguments="{}"),))
    expected = "tool_calls" if reason == "unknown" else word
    assert answer(called, reason)["choices"][0]["finish_reason"] == expected
