"""Tools and structured output of OpenAI chat requests as Anthropic gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.errors import RequestError
from tests.extproc.providers.claude import EPHEMERAL, body, send

SCHEMA = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {}}, "required": ["b"]}
F = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
G = {"type": "function", "function": {"name": "g"}}
EMPTY = {"type": "object", "properties": {}}


def test_tools() -> None:
    marked = {
        "type": "function",
        "function": {"name": "h", "parameters": {"properties": {}}},
        "cache_control": EPHEMERAL,
    }
    native = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    assert body(tools=[F, G, marked, native])["tools"] == [
        {"name": "f", "description": "d", "input_schema": SCHEMA},
        {"name": "g", "input_schema": EMPTY},
        {"name": "h", "input_schema": EMPTY, "cache_control": EPHEMERAL},
        native,
    ]
    assert json.dumps(SCHEMA, separators=(", ", ": ")).encode() in send(tools=[F]).body


def test_strict_tools() -> None:
    strict = {
        "name": "f",
        "strict": True,
        "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}},
    }
    tools = [{"type": "function", "function": strict}]
    sent = send(tools=tools)
    [written] = json.loads(sent.body)["tools"]
    assert written["strict"] is True
    assert written["input_schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
        "additionalProperties": False,
    }
    assert sent.unsupported == ("tools[0].function.parameters",)
    older = send("claude-3-5-sonnet-latest", tools=tools)
    assert "strict" not in json.loads(older.body)["tools"][0]
    assert older.unsupported == ("tools[0].function.strict",)


@pytest.mark.parametrize(
    ("fields", "choice", "names"),
    [
        ({}, None, ["f", "g"]),
        ({"tool_choice": "auto"}, {"type": "auto"}, ["f", "g"]),
        ({"tool_choice": "none"}, {"type": "none"}, ["f", "g"]),
        ({"tool_choice": "required"}, {"type": "any"}, ["f", "g"]),
        ({"tool_choice": {"type": "function", "function": {"name": "g"}}}, {"type": "tool", "name": "g"}, ["f", "g"]),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]}}}, {"type": "auto"}, ["g"]),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}}, {"type": "any"}, ["f"]),
        ({"parallel_tool_calls": True}, None, ["f", "g"]),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}, ["f", "g"]),
        ({"parallel_tool_calls": False, "tool_choice": "required"}, {"type": "any", "disable_parallel_tool_use": True}, ["f", "g"]),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}, ["f", "g"]),
        ({"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}, None, []),
    ],
)  # fmt: skip
def test_tool_choice(fields: dict[str, Any], choice: Any, names: list[str]) -> None:
    sent = send(**({"tools": [F, G]} | fields))
    written = json.loads(sent.body)
    assert written.get("tool_choice") == choice
    assert [tool["name"] for tool in written.get("tools", ())] == names
    assert sent.unsupported == ()


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"])
@pytest.mark.parametrize(
    ("fields", "choice", "names"),
    [
        ({"tool_choice": "required"}, {"type": "auto"}, ["f", "g"]),
        ({"tool_choice": {"type": "function", "function": {"name": "g"}}}, {"type": "auto"}, ["g"]),
        ({"tool_choice": "required", "parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}, ["f", "g"]),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_forced(
    model: str, fields: dict[str, Any], choice: Any, names: list[str]
) -> None:
    sent = send(model, **({"tools": [F, G]} | fields))
    written = json.loads(sent.body)
    assert written["tool_choice"] == choice
    assert [tool["name"] for tool in written["tools"]] == names
    assert sent.unsupported == ("tool_choice",)
    assert send(model, tools=[F], tool_choice="auto").unsupported == ()
    assert send("claude-opus-5", **({"tools": [F, G]} | fields)).unsupported == ()


def test_web_search() -> None:
    place = {"country": "DE", "city": "Berlin"}
    options = {"search_context_size": "high", "user_location": {"type": "approximate", "approximate": place}}
    sent = send(web_search_options=options)
    [written] = json.loads(sent.body)["tools"]
    location = {"type": "approximate", **place}
    assert written == {"type": "web_search_20250305", "name": "web_search", "user_location": location}
    assert sent.unsupported == ("web_search_options.search_context_size",)
    assert send(web_search_options={}).unsupported == ()


def test_structured_output() -> None:
    schema = {
        "type": "object",
        "properties": {
            "z": {"type": "string", "format": "email", "maxLength": 9},
            "a": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]},
            "l": {
                "type": "array",
                "items": {"type": "string", "format": "odd"},
                "minItems": 2,
                "description": "L",
            },
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "e": {"enum": [1.0, "x"], "examples": ["x"]},
        },
        "$defs": {"n": {"type": "number", "minItems": 1}},
        "additionalProperties": False,
    }
    sent = send(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}})
    written = json.loads(sent.body)["output_config"]["format"]
    assert written == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "z": {"type": "string", "format": "email", "description": "{maxLength: 9}"},
                "a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]},
                "l": {
                    "type": "array",
                    "items": {"type": "string", "description": '{format: "odd"}'},
                    "description": "L\n\n{minItems: 2}",
                },
                "m": {
                    "type": "object",
                    "additionalProperties": False,
                    "description": '{additionalProperties: {"type": "string"}}',
                },
                "e": {"enum": [1.0, "x"]},
            },
            "$defs": {"n": {"type": "number", "minItems": 1}},
            "additionalProperties": False,
        },
    }
    assert list(written["schema"]["properties"]) == ["z", "a", "l", "m", "e"]
    assert sent.unsupported == ("response_format.json_schema.schema",)
    plain = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    assert send(response_format={"type": "json_schema", "json_schema": {"schema": plain}}).unsupported == ()


def test_a_schema_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    with pytest.raises(RequestError, match="nested more than 64 levels"):
        send(response_format={"type": "json_schema", "json_schema": {"schema": schema}})
