"""What the simulator refuses as OpenAI does, by the parameter that it blames."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.formats.openai_chat import OpenAIChat
from simulator.wire import Account, ApiError, Call

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = OpenAIChat()


def call(body: bytes, content_type: str = "application/json") -> Call:
    headers = {"content-type": content_type}
    return Call(
        account=Account(name=""),
        method="POST",
        path="/v1/chat/completions",
        headers=headers,
        body=body,
        serial=1,
        now=0,
    )


def refused(**changes: Any) -> ApiError:
    import msgspec

    with pytest.raises(ApiError) as caught:
        FORMAT.reply(call(msgspec.json.encode(BODY | changes)))
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"foo": 1}, "foo", "unknown_parameter"),
        ({"model": 5}, "model", "invalid_type"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": [{"content": "a"}]}, "messages[0]", "missing_required_parameter"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "messages[0]", "invalid_value"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
            "missing_required_parameter",
        ),
        ({"messages": [{"role": "user", "content": "a", "x": 1}]}, "messages[0].x", "unknown_parameter"),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content", None),
        ({"messages": [{"role": "assistant", "tool_calls": []}]}, "messages[0].tool_calls", "empty_array"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "a"}]}, "messages[0].role", None),
        ({"messages": [CALLING]}, "messages[1].role", None),
        ({"messages": [CALLING, *BODY["messages"]]}, "messages[1].role", None),
        ({"temperature": "1"}, "temperature", "invalid_type"),
        ({"temperature": 2.5}, "temperature", "above_max_value"),
        ({"top_p": -0.1}, "top_p", "below_min_value"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", None),
        ({"top_logprobs": 2}, "top_logprobs", None),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"tools": []}, "tools", "array_length"),
        ({"tool_choice": "auto"}, "tool_choice", None),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
            "tool_choice",
            None,
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "invalid_value",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": OPEN}}]},
            "tools[0].function.parameters",
            None,
        ),
        ({"response_format": {"type": "json_object"}}, "messages", None),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}},
            "response_format.json_schema.name",
            "invalid_value",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "n",
                        "strict": True,
                        "schema": OPEN | {"additionalProperties": False},
                    },
                }
            },
            "response_format",
            None,
        ),
    ],
)
def test_refused(changes: dict[str, Any], param: str, code: str | None) -> None:
    error = refused(**changes)
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"a"'])
def test_not_a_json_object(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        FORMAT.reply(call(body))
    assert caught.value.status == 400


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_wrong_content_type(content_type: str) -> None:
    with pytest.raises(ApiError, match="Content-Type"):
        FORMAT.reply(call(b"{}", content_type))


def test_content_type_with_parameters() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "a"}]}'
    assert FORMAT.reply(call(body, "application/json; charset=utf-8")).status == 200


def test_answered_calls_are_accepted() -> None:
    import msgspec

    answer = {"role": "tool", "tool_call_id": "c1", "content": "a"}
    body = BODY | {"messages": [*BODY["messages"], CALLING, answer, *BODY["messages"]]}
    assert FORMAT.reply(call(msgspec.json.encode(body))).status == 200


@pytest.mark.parametrize("model", ["o1", "o3-mini", "gpt-5", "gpt-5-mini"])
@pytest.mark.parametrize(
    "fields", [{"max_tokens": 5}, {"temperature": 0.5}, {"top_p": 0}, {"logprobs": True}]
)
def test_models_that_reason_take_less(model: str, fields: dict[str, Any]) -> None:
    assert refused(model=model, **fields).param == next(iter(fields))


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("o3", {"max_completion_tokens": 5, "temperature": 1}),
        ("gpt-5-chat-latest", {"temperature": 0.5}),
        ("gpt-5.1", {"temperature": 0.5}),
        ("gpt-4o", {"max_tokens": 5, "temperature": 0}),
    ],
)
def test_what_models_take(model: str, fields: dict[str, Any]) -> None:
    import msgspec

    assert FORMAT.reply(call(msgspec.json.encode(BODY | {"model": model} | fields))).status == 200
