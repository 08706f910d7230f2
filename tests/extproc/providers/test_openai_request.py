"""The neutral request as OpenAI gets it: what a client asked for in the newest spelling comes out the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS

TARGET = Target(leaf="l", provider="o", type="openai", wire_format="openai", base_path="/v1")
USER = {"role": "user", "content": "hi"}
B64 = "eA=="
FUNCTION = {
    "type": "function",
    "function": {"name": "f", "description": "d", "parameters": {"z": 1, "a": 2}, "strict": True},
}
CUSTOM = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}


def written(**fields: Any) -> dict[str, Any]:
    asked = {"model": "asked", "messages": [USER]} | fields
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    sent = WIRE_FORMATS["openai"].write_request(request, TARGET, "theirs")
    assert (sent.path, sent.headers) == ("/v1/chat/completions", (("content-type", "application/json"),))
    assert sent.unsupported == ()
    return json.loads(sent.body)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"max_completion_tokens": 5, "temperature": 1.5, "top_p": 0.5, "stop": ["a"], "user": "u"},
        {"seed": 1, "n": 2, "logit_bias": {"5": 1}, "metadata": {"k": "v"}, "top_k": 5, "guided_json": {"b": 1}},
        {"reasoning_effort": "low", "service_tier": "flex", "parallel_tool_calls": False},
        {"tools": [FUNCTION, CUSTOM, {"type": "novel", "x": 1}], "tool_choice": "required"},
        {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"tools": [CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "c"}}},
        {
            "tools": [FUNCTION, CUSTOM],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}],
                },
            },
        },
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"b": 1, "a": 2}, "strict": True}}},
    ],
)  # fmt: skip
def test_fields(fields: dict[str, Any]) -> None:
    assert written(**fields) == {"model": "theirs", "messages": [USER]} | fields


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "s", "name": "n"},
        {"role": "developer", "content": "d"},
        {"role": "user", "content": "u", "name": "n"},
        {"role": "user", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}},
                {"type": "input_audio", "input_audio": {"data": B64, "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
                {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"}},
                {"type": "video_url", "video_url": {"url": "https://v"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "custom", "custom": {"name": "c", "input": "x"}},
        ]},
        {"role": "assistant", "content": "a", "refusal": "no", "audio": {"id": "x"}, "name": "n"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    ],
)  # fmt: skip
def test_messages(message: dict[str, Any]) -> None:
    assert written(messages=[USER, message])["messages"] == [USER, message]


def test_old_spellings_become_new() -> None:
    asked = {
        "max_tokens": 5,
        "functions": [{"name": "f"}],
        "function_call": {"name": "f"},
        "stop": "x",
    }
    assert written(**asked) == {
        "model": "theirs",
        "messages": [USER],
        "max_completion_tokens": 5,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "stop": ["x"],
    }


def test_fields_that_stay_text_keep_the_client_s_order() -> None:
    asked = {
        "top_k": 5,
        "seed": 1,
        "audio": {},
        "n": 2,
        "prediction": {},
        "logit_bias": {"1": 1},
        "min_p": 0.1,
    }
    plain = [name for name in asked if name not in ("top_k", "min_p")]
    assert list(written(**asked))[2:] == [*plain, "top_k", "min_p"]


def test_what_tools_show_follows_their_results() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a", **call}, {"id": "b", **call}]},
        {"role": "tool", "tool_call_id": "a", "content": [image]},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "r"}, image]},
        {"role": "user", "content": "go on"},
    ]
    asked = {"model": "m", "messages": messages}
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    for shorter, last in ((request, [messages[3]]), (replace(request, messages=request.messages[:3]), [])):
        sent = WIRE_FORMATS["openai"].write_request(shorter, TARGET, "m")
        told = [
            {"type": "text", "text": "From the result of tool call a:"},
            image,
            {"type": "text", "text": "From the result of tool call b:"},
            image,
        ]
        assert json.loads(sent.body)["messages"] == [
            messages[0],
            {"role": "tool", "tool_call_id": "a", "content": "(not text: it follows)"},
            {"role": "tool", "tool_call_id": "b", "content": "r"},
            {"role": "user", "content": told},
            *last,
        ]
