"""Tools, the choice among them, and their schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.google.schema import cleaned
from tests.extproc.providers.gemini import FLASH, VERTEX, body, function, send

TWO = [function("f"), function("g")]
OLDER = "gemini-2.0-flash"


def names(sent: dict[str, Any]) -> list[str]:
    return [one["name"] for tool in sent["tools"] for one in tool.get("functionDeclarations", ())]


def calling(**fields: Any) -> dict[str, Any]:
    return body(tools=TWO, **fields).get("toolConfig", {}).get("functionCallingConfig", {})


def test_functions() -> None:
    parameters = {"type": "object", "properties": {"b": {"type": "string"}, "a": {}}}
    sent = body(tools=[function("f", parameters, description="d"), function("g"), function("h", {})])
    assert sent["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parametersJsonSchema": {**parameters, "propertyOrdering": ["b", "a"]},
                },
                {"name": "g"},
                {"name": "h", "parametersJsonSchema": {"type": "object"}},
            ]
        }
    ]
    assert "toolConfig" not in sent


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "g"}}, {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        (allowed("required", "g", "x"), {"mode": "ANY", "allowedFunctionNames": ["g"]}),
    ],
)
def test_choices(choice: Any, expected: dict[str, Any]) -> None:
    assert calling(tool_choice=choice) == expected


def test_of_tools_that_may_be_called_only_those_are_offered() -> None:
    sent = body(tools=TWO, tool_choice=allowed("auto", "g"))
    assert names(sent) == ["g"]
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "required"},
        {"tools": TWO, "tool_choice": {"type": "function", "function": {"name": "x"}}},
    ],
)
def test_a_choice_of_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="there is no such tool to choose") as caught:
        send(**fields)
    assert caught.value.param == "tool_choice"


def test_strict_functions_are_validated_where_the_model_can() -> None:
    strict = [function("f", {"type": "object", "not": {}}, strict=True)]
    assert body(tools=strict)["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert send(tools=strict).unsupported == ("tools[0].function.parameters",)
    strict = [function("f", strict=True)]
    assert "toolConfig" not in body(OLDER, tools=strict)
    assert send(OLDER, tools=strict).unsupported == ("tools[0].function.strict",)
    # A forced call holds to its schema anyway.
    assert send(OLDER, tools=strict, tool_choice="required").unsupported == ()


def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    assert send(tools=TWO, parallel_tool_calls=False).unsupported == ("parallel_tool_calls",)
    assert send(tools=TWO, parallel_tool_calls=True).unsupported == ()


def test_functions_as_before_tools() -> None:
    sent = send(functions=[{"name": "f", "parameters": {}}], function_call={"name": "f"})
    assert sent.unsupported == ()
    with pytest.raises(RequestError) as caught:
        send(functions=[{"name": "f", "parameters": {"properties": 5}}])
    assert caught.value.param == "functions[0].parameters"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"type": "google_search"}, {"googleSearch": {}}),
        ({"type": "googleSearch", "excludeDomains": ["x"]}, {"googleSearch": {"excludeDomains": ["x"]}}),
        ({"type": "code_execution", "code_execution": {}}, {"codeExecution": {}}),
        ({"type": "url_context"}, {"urlContext": {}}),
    ],
)
def test_googles_own_tools(asked: dict[str, Any], expected: dict[str, Any]) -> None:
    assert body(tools=[asked])["tools"] == [expected]


def test_own_tools_beside_functions() -> None:
    tools = [{"type": "google_search"}, function("f")]
    sent = body(tools=tools)
    assert sent["tools"] == [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}]}]
    assert sent["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert "toolConfig" not in json.loads(send(FLASH, VERTEX, tools=tools).body)
    assert "toolConfig" not in body(OLDER, tools=tools)


def test_web_search() -> None:
    assert body(web_search_options={})["tools"] == [{"googleSearch": {}}]
    place = {"type": "approximate", "approximate": {"city": "Berlin"}}
    sent = send(web_search_options={"search_context_size": "low", "user_location": place})
    assert sent.unsupported == ("web_search_options.search_context_size", "web_search_options.user_location")


@pytest.mark.parametrize(
    "asked", [{"type": "custom", "custom": {"name": "c"}}, {"type": "web_search_20250305", "name": "w"}]
)
def test_tools_that_google_does_not_have(asked: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedFieldError) as caught:
        send(tools=[function("f"), asked])
    assert caught.value.param == "tools[1]"


def clean(schema: Any) -> tuple[Any, set[str]]:
    done = cleaned(Raw(json.dumps(schema).encode()), "x")
    return json.loads(bytes(done.schema)), set(done.dropped)


@pytest.mark.parametrize(
    ("schema", "expected", "dropped"),
    [
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}, set()),
        ({"const": "a"}, {"enum": ["a"]}, set()),
        ({"const": True}, {"description": "{const: true}"}, {"const"}),
        ({"enum": ["a", 1]}, {"enum": ["a", 1]}, set()),
        (
            {"type": ["string", "null"], "enum": ["a", None]},
            {"type": ["string", "null"], "enum": ["a"]},
            set(),
        ),
        ({"enum": ["a", None]}, {"description": '{enum: ["a", null]}'}, {"enum"}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}, set()),
        (
            {"type": "string", "format": "uri", "description": "d"},
            {"type": "string", "description": 'd\n\n{format: "uri"}'},
            {"format"},
        ),
        ({"default": 1, "$schema": "x", "examples": [1]}, {"description": "{default: 1}"}, set()),
        ({"oneOf": [{"pattern": "x"}]}, {"oneOf": [{"description": '{pattern: "x"}'}]}, {"pattern"}),
        ({"items": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}]}, set()),
        ({"items": {"minLength": 1}}, {"items": {"description": "{minLength: 1}"}}, {"minLength"}),
        (
            {"allOf": [{"$ref": "#/definitions/A"}], "description": "d", "definitions": {"A": {"const": 1}}},
            {"$ref": "#/$defs/A", "$defs": {"A": {"enum": [1]}}},
            set(),
        ),
        ({"allOf": [{}, {}]}, {"description": "{allOf: [{}, {}]}"}, {"allOf"}),
        ({"additionalProperties": {"not": {}}}, {"additionalProperties": {"description": "{not: {}}"}}, {"not"}),
        ({"properties": {"type": {"type": "string"}}}, {"properties": {"type": {"type": "string"}}}, set()),
        (
            {"properties": {"b": True, "a": {}}},
            {"properties": {"b": True, "a": {}}, "propertyOrdering": ["b", "a"]},
            set(),
        ),
        (
            {"properties": {"b": {}, "a": {}}, "propertyOrdering": ["a", "b"]},
            {"properties": {"b": {}, "a": {}}, "propertyOrdering": ["a", "b"]},
            set(),
        ),
    ],
)  # fmt: skip
def test_schemas(schema: Any, expected: Any, dropped: set[str]) -> None:
    assert clean(schema) == (expected, dropped)


@pytest.mark.parametrize("schema", [5, "x", [], {"properties": []}, {"items": 5, "$ref": 1}, {"anyOf": {}}])
def test_what_is_no_schema(schema: Any) -> None:
    with pytest.raises(RequestError, match="x: not a JSON schema"):
        clean(schema)


def test_a_schema_without_end() -> None:
    schema: Any = {}
    for _ in range(70):
        schema = {"items": schema}
    with pytest.raises(RequestError, match="nested more than 64 levels"):
        clean(schema)
