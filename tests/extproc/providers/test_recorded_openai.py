"""Recorded chat completions of many vendors through the translator: nothing is lost, however it is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from extproc.chat.events import StreamError
from extproc.chat.fold import fold
from extproc.chat.model import AssistantMessage, Part
from extproc.contract.target import Target
from extproc.errors import UnsupportedFieldError
from extproc.providers import WIRE_FORMATS
from tests.extproc.providers.anthropic_types import check
from tests.extproc.providers.clients import DIALECT, REPLY, add_up, chunks, read_all, read_unary, write_all
from tests.extproc.recordings import Recording, cuts, requests, select

FORMAT = WIRE_FORMATS["openai"]
CLAUDE = Target(leaf="l", provider="claude", type="anthropic", wire_format="anthropic", base_path="/v1")
OPENAI = Target(leaf="l", provider="o", type="vllm", wire_format="openai", base_path="/v1")


def said(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content


def thought(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    parts = content if isinstance(content, list) else []
    inner = [inner["text"] for part in parts if part["type"] == "thinking" for inner in part["thinking"]]
    return (message.get("reasoning_content") or message.get("reasoning") or "") + "".join(inner)


def called(message: dict[str, Any]) -> list[tuple[str, str]]:
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    calls += [message["function_call"]] if message.get("function_call") else []
    return [(call["name"], call["arguments"]) for call in calls]


def expect_choice(told: dict[str, Any], source: dict[str, Any]) -> None:
    message = told["message"]
    assert (message["content"] or "") == said(source["message"])
    assert (message.get("reasoning_content") or "") == thought(source["message"])
    assert called(message) == called(source["message"])
    assert (message.get("refusal") or None) == (source["message"].get("refusal") or None)
    others = {"eos": "stop", "function_call": "tool_calls"}
    assert told["finish_reason"] == others.get(source["finish_reason"], source["finish_reason"])
    assert told.get("native_finish_reason", told["finish_reason"]) == source["finish_reason"]
    if (source.get("logprobs") or {}).get("content"):
        assert told["logprobs"]["content"] == source["logprobs"]["content"]


def expect_usage(told: dict[str, Any] | None, source: dict[str, Any] | None) -> None:
    if source is None:
        assert told is None
        return
    assert told is not None
    assert told["prompt_tokens"] == source["prompt_tokens"]
    assert told["completion_tokens"] == source.get("completion_tokens", 0)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        known = (
            "cached_tokens",
            "cache_write_tokens",
            "audio_tokens",
            "reasoning_tokens",
            "accepted_prediction_tokens",
        )
        given = source.get(name) or {}
        for field in known:
            assert (told.get(name) or {}).get(field) == given.get(field) or given.get(field) is None


@pytest.mark.parametrize("recording", select("openai", stream=False))
def test_answers(recording: Recording) -> None:
    source = json.loads(recording.body)
    completion = read_unary(DIALECT.write_response(FORMAT.read_response(recording.body), REPLY))
    assert completion["id"] == source["id"]
    assert completion["created"] == source["created"]
    assert completion["model"] == "asked-for"
    assert completion["system_fingerprint"] == source.get("system_fingerprint")
    for told, given in zip(completion["choices"], source["choices"], strict=True):
        expect_choice(told, given)
    expect_usage(completion["usage"], source.get("usage"))


def rebuilt(data: list[dict[str, Any]]) -> dict[str, Any]:
    """The completion that chunks add up to (one choice each, in these recordings)."""
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "refusal": ""}
    calls: dict[int, dict[str, Any]] = {}
    total: dict[str, Any] = {"usage": None, "finish_reason": None, "logprobs": []}
    for chunk in data:
        total["id"] = total.get("id") or chunk.get("id")
        of_groq = (chunk.get("x_groq") or {}).get("usage")
        total["usage"] = chunk.get("usage") or of_groq or total["usage"]
        for choice in chunk["choices"]:
            delta = choice.get("delta") or {}
            message["content"] += said(delta)
            message["reasoning_content"] += thought(delta)
            message["refusal"] += delta.get("refusal") or ""
            for call in delta.get("tool_calls") or ():
                known = calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""})
                known["name"] += call["function"].get("name") or ""
                known["arguments"] += call["function"].get("arguments") or ""
            total["finish_reason"] = choice.get("finish_reason") or total["finish_reason"]
            total["logprobs"] += (choice.get("logprobs") or {}).get("content") or ()
    message["tool_calls"] = [{"function": calls[index]} for index in sorted(calls)]
    return total | {"message": message, "logprobs": {"content": total["logprobs"]}}


@pytest.mark.parametrize("recording", select("openai", stream=True))
def test_streams(recording: Recording) -> None:
    events = read_all(FORMAT.stream_reader(), [recording.body])
    written = write_all(events)
    for pieces in ([recording.body[n : n + 1] for n in range(len(recording.body))], cuts(recording.body, 2)):
        assert write_all(read_all(FORMAT.stream_reader(), pieces)) == written

    source = rebuilt(recording.data())
    parts = chunks(written)
    assert {part["id"] for part in parts} == {source["id"]}
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    assert len([c for part in parts for c in part["choices"] if c["finish_reason"]]) == 1
    expect_usage(parts[-1]["usage"], source["usage"])
    assert source["usage"] is None or parts[-1]["choices"] == []
    completion = add_up(parts)
    expect_choice(completion["choices"][0], source)


@pytest.mark.parametrize("recording", select("openai", stream=True))
def test_a_stream_adds_up_to_the_answer(recording: Recording) -> None:
    [choice] = fold(read_all(FORMAT.stream_reader(), [recording.body])).choices
    source = rebuilt(recording.data())
    assert choice.message.text == source["message"]["content"]
    assert [(call.name, call.arguments) for call in choice.message.tool_calls] == called(source["message"])


@pytest.mark.parametrize("recording", select("openai", stream=True, error=True))
def test_streams_with_an_error(recording: Recording) -> None:
    events = read_all(FORMAT.stream_reader(), [recording.body])
    assert isinstance(events[-1], StreamError)
    assert not any(isinstance(event, StreamError) for event in events[:-1])
    parts = chunks(write_all(events), done=False)
    assert set(parts[-1]["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("recording", select("openai", stream=False, error=True))
def test_errors(recording: Recording) -> None:
    error = FORMAT.read_error(max(recording.status, 400), {}, recording.body)
    expected = {401: 502, 429: 429, 200: 400}.get(recording.status, recording.status)
    assert error.status == expected
    assert error.message
    body = json.loads(recording.body)
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    assert (error.message == inner.get("message", inner.get("detail", error.message))) is (
        recording.status != 401
    )


@pytest.mark.parametrize("recording", requests())
def test_requests_for_anthropic(recording: Recording) -> None:
    asked = recording.request
    assert asked is not None
    request = DIALECT.read_request(json.dumps(asked).encode())
    if b"document_url" in json.dumps(asked).encode() or b"openrouter:" in json.dumps(asked).encode():
        with pytest.raises(UnsupportedFieldError, match=r"^(messages\[4\].content\[0\]|tools\[0\]): "):
            WIRE_FORMATS["anthropic"].write_request(request, CLAUDE, "claude-sonnet-4-5")
        return
    sent = WIRE_FORMATS["anthropic"].write_request(request, CLAUDE, "claude-sonnet-4-5")
    body = json.loads(sent.body)
    check(body)
    assert body.get("stream", False) == asked.get("stream", False)
    words = [
        m["content"] for m in asked["messages"] if isinstance(m.get("content"), str) and m["content"].strip()
    ]
    text = json.dumps(body, ensure_ascii=False)
    assert all(json.dumps(word, ensure_ascii=False)[1:-1].rstrip() in text for word in words)
    names = [tool["function"]["name"] for tool in asked.get("tools") or ()]
    names += [function["name"] for function in asked.get("functions") or ()]
    names += ["web_search"] if "web_search_options" in asked else []
    assert [tool["name"] for tool in body.get("tools", ())] == names


def unmarked(part: Part) -> Part:
    return replace(part, cache=None) if hasattr(part, "cache") else part


@pytest.mark.parametrize("recording", requests())
def test_requests_for_openai(recording: Recording) -> None:
    """What goes through the neutral model and back is what was asked, in the newest spelling."""
    asked = json.loads(json.dumps(recording.request))
    body = json.dumps(asked).encode()
    request = DIALECT.read_request(body)
    written = FORMAT.write_request(request, OPENAI, asked["model"]).body
    again = DIALECT.read_request(written)
    assert (again.max_tokens, again.stop) == (request.max_tokens, request.stop)
    for one, other in zip(again.messages, request.messages, strict=True):
        assert (type(one), [*map(unmarked, one.parts)]) == (type(other), [*map(unmarked, other.parts)])
        if isinstance(one, AssistantMessage) and isinstance(other, AssistantMessage):
            assert (one.tool_calls, one.reasoning) == (other.tool_calls, other.reasoning)
    renamed = json.loads(DIALECT.edit_request(body, model="other"))
    assert renamed == asked | {"model": "other"}
    for tool in asked.get("tools") or ():
        tool.pop("cache_control", None)
    tools = [
        *(asked.get("tools") or ()),
        *({"function": function} for function in asked.get("functions") or ()),
    ]
    assert json.loads(written).get("tools", []) == [{"type": "function", **tool} for tool in tools]
