"""The Messages dialect: what its requests mean, and its answers' finer points."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat import model as m
from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.dialects.anthropic_messages.carrier import seal, unseal
from extproc.errors import ProviderFailed, ProviderRateLimited, RequestError, UnsupportedFieldError
from extproc.providers.claude_fields import for_provider
from tests.extproc.dialects.messages_client import (
    DIALECT,
    REPLY,
    add_up,
    check_order,
    read_unary,
    stream_events,
    write_all,
)

USER = {"role": "user", "content": "Hi"}


def read(*messages: Any, **fields: Any) -> m.ChatRequest:
    body = {"model": "m", "max_tokens": 100, "messages": list(messages) or [USER]} | fields
    request: m.ChatRequest = DIALECT.read_request(json.dumps(body).encode())
    return request


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words} | more


def test_system_stands_first_and_anywhere() -> None:
    request = read(USER, {"role": "system", "content": "more"}, system=[text("a"), text("b")])
    assert request.messages == (
        m.SystemMessage(parts=(m.TextPart(text="a"), m.TextPart(text="b"))),
        m.UserMessage(parts=(m.TextPart(text="Hi"),)),
        m.SystemMessage(parts=(m.TextPart(text="more"),)),
    )


def test_tool_results_are_messages_and_what_stands_beside_them_stays_a_turn() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}
    request = read(
        USER,
        assistant(
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "eA=="},
            text("so"),
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1.0}},
            {"type": "tool_use", "id": "t2", "name": "g", "input": {"INVALID_JSON": '{"a'}},
        ),
        user(
            {"type": "tool_result", "tool_use_id": "t1", "content": [text("x"), image]},
            {"type": "tool_result", "tool_use_id": "t2", "is_error": True, "content": "no"},
            text("go on", cache_control={"type": "ephemeral"}),
        ),
    )
    assert request.messages[1:] == (
        m.AssistantMessage(
            parts=(m.TextPart(text="so"),),
            tool_calls=(
                m.ToolCall(id="t1", name="f", arguments='{"a": 1.0}'),
                m.ToolCall(id="t2", name="g", arguments='{"a'),
            ),
            reasoning="hm",
            thinking=(m.Thinking(text="hm", signature="c2ln"), m.Thinking(redacted="eA==")),
        ),
        m.ToolMessage(
            call_id="t1",
            parts=(m.TextPart(text="x"), m.ImagePart(data="QQ==", media_type="image/png")),
        ),
        m.ToolMessage(call_id="t2", parts=(m.TextPart(text="no"),), error=True),
        m.UserMessage(parts=(m.TextPart(text="go on", cache=Raw(b'{"type": "ephemeral"}')),)),
    )
    assert request.places is not None
    assert request.places["messages[3]"] == "messages[2].content[1]"
    assert request.places["messages[4].content[0]"] == "messages[2].content[2]"


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
            [m.ImagePart(url="https://x/y")],
        ),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="},
            },
            [m.FilePart(data="QQ==", media_type="application/pdf", filename="document.pdf")],
        ),
        (
            {"type": "document", "title": "T", "source": {"type": "url", "url": "https://x"}},
            [m.FilePart(url="https://x", filename="T")],
        ),
        (
            {
                "type": "document",
                "title": "T",
                "context": "C",
                "source": {"type": "text", "media_type": "text/plain", "data": "D"},
            },
            [m.TextPart(text="C"), m.TextPart(text="T\n\nD")],
        ),
        (
            {"type": "document", "title": "T", "source": {"type": "content", "content": [text("D")]}},
            [m.TextPart(text="T"), m.TextPart(text="D")],
        ),
        (
            {"type": "search_result", "source": "https://x", "title": "T", "content": [text("D")]},
            [m.TextPart(text="T\nhttps://x"), m.TextPart(text="D")],
        ),
    ],
)
def test_parts(block: dict[str, Any], parts: list[m.Part]) -> None:
    assert read(user(block)).messages == (m.UserMessage(parts=tuple(parts)),)


def test_fields() -> None:
    request = read(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=["x"],
        metadata={"user_id": "u"},
        service_tier="standard_only",
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        tools=[{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True}],
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        seed=4,
    )
    assert (request.max_tokens, request.temperature, request.top_p, request.stop) == (100, 0.5, 0.9, ("x",))
    assert (request.stream, request.include_usage) == (True, True)
    assert (request.user, request.service_tier) == ("u", "default")
    assert request.tool_choice == m.ToolChoice(mode="required")
    assert request.parallel_tool_calls is False
    assert request.tools == (
        m.FunctionTool(name="f", description="d", parameters=Raw(b'{"type": "object"}'), strict=True),
    )
    assert request.response_format == m.ResponseFormat(kind="json_schema", schema=Raw(b'{"type": "object"}'))
    assert {name: bytes(value) for name, value in request.extra.items()} == {"seed": b"4"}
    assert request.claude.keys() == {"top_k", "output_config"}


def test_a_long_name_of_a_user_becomes_a_digest() -> None:
    assert read(metadata={"user_id": "u" * 65}).user == hashlib.sha256(b"u" * 65).hexdigest()


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, None),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 30_000}}, "high"),
        ({"thinking": {"type": "adaptive"}}, "high"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, "medium"),
        ({"output_config": {"effort": "max"}}, "high"),
    ],
)
def test_effort(fields: dict[str, Any], effort: str | None) -> None:
    assert read(**fields).reasoning_effort == effort


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 2}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text"),
        (
            {"messages": [user({"type": "image", "source": {"type": "base64"}})]},
            "messages[0].content[0].source.data",
        ),
        ({"messages": [user({"type": "tool_result"})]}, "messages[0].content[0].tool_use_id"),
        ({"messages": [user({"type": "container_upload", "file_id": "f"})]}, "messages[0].content[0]"),
        (
            {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
            "messages[0].content[0].source",
        ),
        ({"system": [{"type": "image"}]}, "system[0]"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ],
)
def test_errors_name_the_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(**fields)
    assert raised.value.param == param


def target(wire_format: Any, kind: str) -> Target:
    return Target(leaf="l", provider="p", type=kind, wire_format=wire_format, base_path="/v1")


@pytest.mark.parametrize(
    ("to", "model", "extra", "lost", "effort"),
    [
        (target("openai", "openai"), "gpt-5", set(), ("inference_geo", "top_k"), "low"),
        (target("openai", "vllm"), "x", {"top_k"}, ("inference_geo",), "low"),
        (target("google", "google_ai"), "gemini", {"top_k", "thinking"}, ("inference_geo",), None),
        (target("bedrock", "aws_bedrock"), "amazon.nova", set(), ("inference_geo", "top_k"), "low"),
        (
            target("bedrock", "aws_bedrock"),
            "anthropic.claude-sonnet-4-5",
            {"inference_geo", "thinking", "top_k"},
            (),
            None,
        ),
    ],
)
def test_fields_of_claude_elsewhere(
    to: Target, model: str, extra: set[str], lost: tuple[str, ...], effort: str | None
) -> None:
    request = read(top_k=3, thinking={"type": "enabled", "budget_tokens": 1024}, inference_geo="us")
    given = for_provider(request, to, model)
    assert (given.extra.keys(), given.unsupported, given.reasoning_effort) == (extra, lost, effort)


def test_what_only_claude_does_is_named() -> None:
    document = {
        "type": "document",
        "citations": {"enabled": True},
        "source": {"type": "text", "media_type": "text/plain", "data": "D"},
    }
    server = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    tool = {"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}
    request = read(user(document), assistant(server, text("x")), tools=[tool])
    assert request.unsupported == (
        "messages[0].content[0].citations",
        "messages[1].content[0]",
        "tools[0].defer_loading",
    )


def test_tools_that_only_claude_has_are_refused_elsewhere() -> None:
    request = read(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    with pytest.raises(UnsupportedFieldError, match="web_search_20250305"):
        for_provider(request, target("openai", "openai"), "gpt-5")
    assert for_provider(request, target("anthropic", "anthropic"), "claude-sonnet-4-5").tools == request.tools


# Answers


def told(*events: ev.Event) -> list[dict[str, Any]]:
    found = stream_events(write_all(list(events)))
    check_order(found)
    return found


USAGE = m.Usage(prompt=100, completion=7, cached=60, cache_write=30, reasoning=2)


def test_the_order_of_a_stream() -> None:
    found = told(
        ev.Start(id="x"),
        ev.Progress(),
        ev.ReasoningDelta("hm"),
        ev.ThinkingDone(m.Thinking(text="hm", signature="c2ln")),
        ev.ThinkingDone(m.Thinking(redacted="eA==")),
        ev.TextDelta("a"),
        ev.TextDelta("b"),
        ev.ToolCallStart(index=0, id="t", name="f"),
        ev.ToolCallDelta(index=0, arguments='{"a":'),
        ev.ToolCallDelta(index=0, arguments="1}"),
        ev.ToolCallStart(index=1, id="u", name="g"),
        ev.Finish(reason="tool_calls"),
        ev.UsageSeen(USAGE),
        ev.End(),
    )
    assert [event["type"].removeprefix("content_block_") for event in found] == [
        *("message_start", "start", "delta", "delta", "stop", "start", "stop"),
        *("start", "delta", "delta", "stop"),
        *("start", "delta", "delta", "stop", "start", "stop", "message_delta", "message_stop"),
    ]
    message = add_up(found)
    assert [block["type"] for block in message["content"]] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
    assert message["content"][3]["input"] == {"a": 1}
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] | {"output_tokens_details": None} == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
        "output_tokens_details": None,
    }


def test_the_start_tells_usage_that_is_known_by_then() -> None:
    found = told(ev.Start(), ev.UsageSeen(USAGE), ev.TextDelta("x"), ev.Finish(reason="stop"), ev.End())
    assert found[0]["message"]["usage"]["input_tokens"] == 10
    assert found[0]["message"]["id"] == "msg_req-1"


def test_calls_that_interleave_are_both_open() -> None:
    found = told(
        ev.ToolCallStart(index=0, id="t", name="f"),
        ev.ToolCallStart(index=1, id="u", name="g"),
        ev.ToolCallDelta(index=0, arguments='{"a": 1}'),
        ev.ToolCallDelta(index=1, arguments='{"b": 2}'),
        ev.Finish(reason="tool_calls"),
        ev.End(),
    )
    assert [block["input"] for block in add_up(found)["content"]] == [{"a": 1}, {"b": 2}]


def test_a_refusal_is_read_and_named() -> None:
    found = told(ev.RefusalDelta("No."), ev.Finish(reason="stop"), ev.End())
    message = add_up(found)
    assert message["content"][0]["text"] == "No."
    assert message["stop_reason"] == "refusal"
    assert message["stop_details"]["explanation"] == "No."


def test_sources_are_citations() -> None:
    cited = m.Annotation(url="https://x", title="X", start=0, end=3)
    found = told(ev.TextDelta("abc d"), ev.Cited(cited), ev.Finish(reason="stop"), ev.End())
    [block] = add_up(found)["content"]
    assert (block["citations"][0]["url"], block["citations"][0]["cited_text"]) == ("https://x", "abc")


def test_another_providers_parts_come_back() -> None:
    content = m.NativeContent(owner="google", blocks=(Raw(b'{"text":"hi"}'),))
    found = told(ev.TextDelta("hi"), ev.NativeMessage(content), ev.Finish(reason="stop"), ev.End())
    blocks = add_up(found)["content"]
    assert read(USER, assistant(*blocks)).messages[1] == m.AssistantMessage(
        parts=(m.TextPart(text="hi"),), native=content
    )
    choice = m.Choice(message=m.AssistantMessage(parts=(m.TextPart(text="hi"),), native=content))
    whole = read_unary(DIALECT.write_response(m.ChatResponse(choices=(choice,)), REPLY))
    assert whole["content"] == blocks


@pytest.mark.parametrize("data", ["", "b3BhcXVl", "native:google:", "native:google:%", "native:google:e30="])
def test_what_carries_nothing(data: str) -> None:
    assert unseal(data) is None


def test_a_broken_stream_ends_with_an_error() -> None:
    events = stream_events(write_all([ev.TextDelta("a"), ev.StreamError(ProviderFailed("it broke"))]))
    assert events[-1] == {"type": "error", "error": {"type": "api_error", "message": "it broke"}}


def test_error_types() -> None:
    assert (
        json.loads(DIALECT.write_error(ProviderRateLimited("slow down")))["error"]["type"]
        == "rate_limit_error"
    )
    assert json.loads(DIALECT.write_error(RequestError("no")))["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("reason", "more", "expected"),
    [
        ("stop", {}, "end_turn"),
        ("stop", {"stop_sequence": "x"}, "stop_sequence"),
        ("length", {}, "max_tokens"),
        ("length", {"native_reason": "model_context_window_exceeded"}, "model_context_window_exceeded"),
        ("content_filter", {}, "refusal"),
        ("pause", {}, "pause_turn"),
        ("unknown", {}, "end_turn"),
    ],
)
def test_stop_reasons(reason: Any, more: dict[str, Any], expected: str) -> None:
    found = told(ev.TextDelta("a"), ev.Finish(reason=reason, **more), ev.End())
    assert add_up(found)["stop_reason"] == expected
    choice = m.Choice(message=m.AssistantMessage(), finish_reason=reason, **more)
    whole = read_unary(DIALECT.write_response(m.ChatResponse(choices=(choice,)), REPLY))
    assert whole["stop_reason"] == expected


def test_arguments_that_are_no_json_come_back_as_they_were() -> None:
    message = m.AssistantMessage(tool_calls=(m.ToolCall(id="t", name="f", arguments='{"a'),))
    response = m.ChatResponse(choices=(m.Choice(message=message, finish_reason="length"),))
    content = read_unary(DIALECT.write_response(response, REPLY))["content"]
    assert content[0]["input"] == {"INVALID_JSON": '{"a'}
    assert read(USER, assistant(*content)).messages[1] == message


# The native way


def test_a_native_body_keeps_every_byte_but_the_name() -> None:
    body = b'{"temperature": 1.0, "model" : "m", "messages":[{"role":"assistant","content":[{"type":"thinking","signature":"c2ln","thinking":"x"}]}]}'
    assert DIALECT.edit_request(body, model="n") == body.replace(b'"m"', b'"n"')


@pytest.mark.parametrize(
    "foreign",
    [
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "thinking", "thinking": "x", "signature": "google:abc"},
        {"type": "redacted_thinking", "data": seal(m.NativeContent(owner="google", blocks=(Raw(b"{}"),)))},
    ],
)
def test_what_another_provider_thought_does_not_go_to_claude(foreign: dict[str, Any]) -> None:
    own = {"type": "thinking", "thinking": "x", "signature": "c2ln"}
    body = {"model": "m", "x": 1.0, "messages": [USER, assistant(own, foreign, text("y"))]}
    edited = json.loads(DIALECT.edit_request(json.dumps(body).encode(), model="n"))
    assert edited == body | {"model": "n", "messages": [USER, assistant(own, text("y"))]}


def test_a_turn_of_nothing_else_is_left_out() -> None:
    thought = {"type": "thinking", "thinking": "x", "signature": ""}
    body = {"model": "m", "messages": [USER, assistant(thought), USER]}
    edited = json.loads(DIALECT.edit_request(json.dumps(body).encode(), model="n"))
    assert edited["messages"] == [USER, USER]


def test_tokens_are_counted_by_anthropic_alone() -> None:
    with pytest.raises(RequestError) as raised:
        DIALECTS["anthropic_count_tokens"].read_request(b"{}")
    assert raised.value.status == 404
    assert json.loads(DIALECT.write_error(raised.value))["error"]["type"] == "not_found_error"
