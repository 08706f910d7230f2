"""Chunks as vendors send them, and the events they become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import Usage
from extproc.errors import ProviderError, ProviderFailed, ProviderRateLimited, ProviderRejected
from extproc.providers import WIRE_FORMATS
from tests.extproc.providers.clients import add_up, chunks, read_all, write_all

FORMAT = WIRE_FORMATS["openai"]
DONE = "[DONE]"


def chunk(delta: Any = None, finish: Any = None, index: Any = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "m",
        "choices": [choice],
        **more,
    }


def framed(*parts: dict[str, Any] | str) -> bytes:
    payloads = [part if isinstance(part, str) else json.dumps(part) for part in parts]
    return "".join(f"data: {payload}\n\n" for payload in payloads).encode()


def read(*parts: dict[str, Any] | str) -> list[ev.Event]:
    return read_all(FORMAT.stream_reader(), [framed(*parts)])


def call(index: Any = 0, call_id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    return {
        "tool_calls": [{"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}]
    }


START = ev.Start(id="c", created=5, model="m")
ROLE = chunk({"role": "assistant", "content": ""})
STOP = ev.Finish(reason="stop")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([chunk({"content": "a"}), chunk({"content": None}), chunk(None), chunk({})], [ev.TextDelta("a")]),
        ([chunk({"reasoning_content": "r"}), chunk({"reasoning": "s"})], [ev.ReasoningDelta("r"), ev.ReasoningDelta("s")]),
        ([chunk({"refusal": "no"})], [ev.RefusalDelta("no")]),
        # Mistral's parts
        (
            [chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}, {"type": "text", "text": "a"}]})],
            [ev.ReasoningDelta("h"), ev.TextDelta("a")],
        ),
        # calls in pieces; ids and names only once, or empty again and again
        (
            [chunk(call(0, "a", "f", "")), chunk(call(0, None, None, '{"x"')), chunk(call(0, "", "", ":1}")), chunk(call(0, "a", "f", None))],
            [ev.ToolCallStart(index=0, id="a", name="f"), ev.ToolCallDelta(index=0, arguments='{"x"'), ev.ToolCallDelta(index=0, arguments=":1}")],
        ),
        # whole calls under the same index; without index or id; the object itself as arguments
        (
            [chunk(call(0, "a", "f", "{}")), chunk(call(0, "b", "f", "{}"))],
            [ev.ToolCallStart(index=0, id="a", name="f"), ev.ToolCallDelta(index=0, arguments="{}"), ev.ToolCallStart(index=1, id="b", name="f"), ev.ToolCallDelta(index=1, arguments="{}")],
        ),
        ([chunk(call(None, None, "f", {"x": 1}))], [ev.ToolCallStart(index=0, id="call_0", name="f"), ev.ToolCallDelta(index=0, arguments='{"x": 1}')]),
        ([chunk({"function_call": {"name": "f", "arguments": "{}"}})], [ev.ToolCallStart(index=0, id="call_0", name="f"), ev.ToolCallDelta(index=0, arguments="{}")]),
        (
            [chunk({"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}]})],
            [ev.ToolCallStart(index=0, id="a", name="f", kind="custom"), ev.ToolCallDelta(index=0, arguments="x")],
        ),
        # usage anywhere: the last word wins
        (
            [chunk({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 1}), chunk({}, usage=None)],
            [ev.TextDelta("a"), ev.UsageSeen(Usage(prompt=1, completion=1))],
        ),
        # Azure's first chunk is about the prompt
        ([{"choices": [], "id": "", "prompt_filter_results": []}, chunk({"content": "a"})], [ev.TextDelta("a")]),
    ],
)  # fmt: skip
def test_transcripts(parts: list[dict[str, Any]], expected: list[ev.Event]) -> None:
    for finish in (chunk({}, "stop"), chunk({"content": ""}, "stop")):
        assert read(*parts, finish, DONE) == [START, *expected, STOP, ev.End()]
    assert read(*parts, chunk(None, ""), chunk(None, "stop")) == [
        START,
        *expected,
        STOP,
        ev.End(),
    ]  # without [DONE]


@pytest.mark.parametrize(
    ("word", "reason", "native"),
    [
        ("stop", "stop", None),
        ("length", "length", None),
        ("tool_calls", "tool_calls", None),
        ("content_filter", "content_filter", None),
        ("function_call", "tool_calls", "function_call"),
        ("eos", "stop", "eos"),
        ("novelty", "unknown", "novelty"),
    ],
)
def test_finish_reasons(word: str, reason: Any, native: str | None) -> None:
    finish = ev.Finish(reason=reason, native_reason=native)
    assert read(chunk({"content": "a"}), chunk({}, word), chunk({}, word), DONE)[2:] == [finish, ev.End()]
    [choice] = FORMAT.read_response(
        json.dumps({"choices": [{"message": {}, "finish_reason": word}]}).encode()
    ).choices
    assert (choice.finish_reason, choice.native_reason) == (reason, native)


def test_done_ends_what_nobody_finished() -> None:
    assert read(chunk({"content": "a"}), DONE)[2:] == [ev.Finish(reason="unknown"), ev.End()]


def test_several_choices() -> None:
    parts = [
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        chunk({}, "stop"),
        chunk({}, "length", index=1),
    ]
    events = read(*parts, DONE)
    assert [(c.index, c.message.text, c.finish_reason) for c in fold(events).choices] == [
        (0, "a", "stop"),
        (1, "b", "length"),
    ]
    completion = add_up(chunks(write_all(events)))
    assert [choice["message"]["content"] for choice in completion["choices"]] == ["a", "b"]


def test_logprobs_add_up() -> None:
    one = {"content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}
    parts = [chunk({"content": "a"}), chunk({}, "stop")]
    parts[0]["choices"][0]["logprobs"] = parts[1]["choices"][0]["logprobs"] = one
    [choice] = fold(read(*parts, DONE)).choices
    assert choice.logprobs is not None
    assert json.loads(bytes(choice.logprobs)) == {"content": one["content"] * 2, "refusal": None}
    assert (
        add_up(chunks(write_all(read(*parts, DONE))))["choices"][0]["logprobs"]["content"]
        == one["content"] * 2
    )


def test_annotations() -> None:
    cited = {
        "type": "url_citation",
        "url_citation": {"url": "https://x", "title": "X", "start_index": 1, "end_index": 2},
    }
    events = read(
        chunk({"content": "abc"}),
        chunk({"annotations": [cited]}),
        chunk({"annotations": [cited]}),
        chunk({}, "stop"),
        DONE,
    )
    message = add_up(chunks(write_all(events)))["choices"][0]["message"]
    assert [{k: v for k, v in found.items() if k != "index"} for found in message["annotations"]] == [
        cited,
        cited,
    ]


@pytest.mark.parametrize(
    ("last", "expected", "message"),
    [
        ({"error": {"message": "m", "type": "server_error"}}, ProviderFailed, "m"),
        ({"error": {"message": "m", "code": 429}}, ProviderRateLimited, "m"),
        ({"error": {"message": "m", "code": "rate_limit_exceeded"}}, ProviderRateLimited, "m"),
        ({"error": {"message": "m", "type": "BadRequestError", "code": 400}}, ProviderRejected, "m"),
        ({"error": {"message": "m", "code": "context_length_exceeded"}}, ProviderRejected, "m"),
        ({"error": {"message": "m", "code": 502}, "choices": []}, ProviderFailed, "m"),
        ({"error": "m"}, ProviderFailed, "m"),
        ({"error": {}}, ProviderFailed, "the provider failed"),
        ("?", ProviderFailed, "the provider sent a malformed event stream: JSON is malformed: invalid character (byte 0)"),
        ('{"choices":5}', ProviderFailed, "the provider sent a malformed event stream: choices: Expected `array | null`, got `int`"),
    ],
)  # fmt: skip
def test_broken_streams(last: dict[str, Any] | str, expected: type[ProviderError], message: str) -> None:
    for before in ([], [ROLE], [ROLE, chunk({"content": "a"})]):
        *_, told = read(*before, last, chunk({"content": "late"}), DONE)
        assert isinstance(told, ev.StreamError)
        assert (type(told.error), told.error.message) == (expected, message)


def test_an_error_event_by_name() -> None:
    [told] = read_all(
        FORMAT.stream_reader(), [b'event: error\ndata: {"message": "m", "type": "server_error"}\n\n']
    )
    assert isinstance(told, ev.StreamError)
    assert told.error.message == "m"


@pytest.mark.parametrize("parts", [[], [ROLE], [ROLE, chunk({"content": "a"})], [DONE], ["{}", DONE]])
def test_truncated_streams(parts: list[Any]) -> None:
    *_, told = read(*parts)
    assert isinstance(told, ev.StreamError)
    assert told.error.status == 502


def test_what_commits() -> None:
    assert not any(map(ev.commits, read(ROLE, chunk({}), {"choices": [], "usage": {}})))
    for loud in ({"content": "a"}, {"reasoning": "a"}, {"refusal": "a"}, call(0, "a", "f")):
        assert any(map(ev.commits, read(ROLE, chunk(loud))))
    assert any(map(ev.commits, read(ROLE, chunk({}, "stop"))))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider sent a malformed answer: Input data was truncated"),
        (b"<html>", "the provider sent a malformed answer: JSON is malformed: invalid character (byte 0)"),
        (b"{}", "the provider failed"),
        (b'{"error": {"message": "m"}}', "m"),
        (b'{"choices": [{"message": {"tool_calls": [{"function": {"arguments": "\\ud800"}}]}}]}', "the provider sent a malformed answer: "),
    ],
)  # fmt: skip
def test_broken_answers(body: bytes, message: str) -> None:
    with pytest.raises(ProviderFailed) as caught:
        FORMAT.read_response(body)
    assert caught.value.message.startswith(message)


def test_an_answer_of_an_unusual_vendor() -> None:
    message = {
        "content": [{"type": "thinking", "thinking": "h"}, {"type": "text", "text": "a"}],
        "tool_calls": [
            {"type": "custom", "custom": {"name": "c", "input": "x"}},
            {"id": "b", "function": {"name": "f", "arguments": {"n": 1.0}}},
        ],
        "annotations": [{"type": "file_citation"}],
        "audio": {"id": "a"},
    }
    body = json.dumps(
        {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}
    )
    response = FORMAT.read_response(body.encode())
    [choice] = response.choices
    assert (choice.message.text, choice.message.reasoning, choice.message.annotations) == ("a", "h", ())
    assert [(call.id, call.name, call.arguments, call.kind) for call in choice.message.tool_calls] == [
        ("call_0", "c", "x", "custom"),
        ("b", "f", '{"n": 1.0}', "function"),
    ]
    assert choice.message.audio is not None
    assert bytes(choice.message.audio) == b'{"id": "a"}'
    assert response.usage == Usage(prompt=1)


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 3}, "prompt_cache_hit_tokens": 5}, 3),
        ({"prompt_cache_hit_tokens": 5}, 5),
        ({"cached_tokens": 7}, 7),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({}, None),
    ],
)
def test_cached_tokens_by_any_name(usage: dict[str, Any], cached: int | None) -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}}], "usage": usage}).encode()
    told = FORMAT.read_response(body).usage
    assert told is not None
    assert told.cached == cached
