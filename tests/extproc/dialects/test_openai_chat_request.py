"""Chat completion requests becoming the neutral model, a rule a line."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from extproc.chat import model as m
from extproc.dialects import DIALECTS
from extproc.dialects.openai_chat import request, shapes
from extproc.errors import RequestError

DIALECT = DIALECTS["openai_chat"]


def read(**fields: Any) -> m.ChatRequest:
    return DIALECT.read_request(
        json.dumps({"model": "x", "messages": [{"role": "user", "content": "hi"}]} | fields).encode()
    )


def test_the_shape_has_the_fields_that_stay_text() -> None:
    assert shapes.Request.__struct_fields__ == (*shapes.Read.__struct_fields__, *request._ASKS_FOR_NOTHING)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 1},
        {"seed": 1, "logit_bias": {"1": 2}},
        {"temperature": 1, "stop": ["a"], "user": "u", "metadata": {}},
    ],
)
def test_a_field_that_nobody_knows_changes_nothing_else(fields: dict[str, Any]) -> None:
    other = read(**fields, unknown={"a": 1.0})
    assert other == msgspec.structs.replace(read(**fields), extra={"unknown": Raw(b'{"a": 1.0}')})


def message(message: dict[str, Any], *before: dict[str, Any]) -> Any:
    return read(messages=[*before, message]).messages[-1]


def part(given: dict[str, Any]) -> Any:
    [read_part] = message({"role": "user", "content": [given]}).parts
    return read_part


def text(words: str) -> tuple[m.TextPart, ...]:
    return (m.TextPart(text=words),)


MARK = {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"role": "system", "content": "s"}, m.SystemMessage(parts=text("s"))),
        ({"role": "developer", "content": "d"}, m.SystemMessage(parts=text("d"), role="developer")),
        ({"role": "user", "content": "u", "name": "ann"}, m.UserMessage(parts=text("u"), name="ann")),
        ({"role": "user", "content": []}, m.UserMessage(parts=())),
        ({"role": "assistant"}, m.AssistantMessage()),
        ({"role": "assistant", "content": None, "refusal": "no"}, m.AssistantMessage(refusal="no")),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            m.AssistantMessage(parts=(m.RefusalPart(refusal="no"),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            m.AssistantMessage(tool_calls=(m.ToolCall(id="a", name="f", arguments="{}"),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "f", "input": "x y"}}]},
            m.AssistantMessage(tool_calls=(m.ToolCall(id="a", name="f", arguments="x y", kind="custom"),)),
        ),
        (
            {
                "role": "assistant",
                "content": "c",
                "reasoning_content": "r",
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "r", "signature": "s", "index": 0},
                    {"type": "redacted_thinking", "data": "d"},
                ],
            },
            m.AssistantMessage(
                parts=text("c"),
                reasoning="r",
                thinking=(m.Thinking(text="r", signature="s"), m.Thinking(redacted="d")),
            ),
        ),
        ({"role": "tool", "tool_call_id": "a", "content": "r"}, m.ToolMessage(call_id="a", parts=text("r"))),
        (
            {"role": "tool", "tool_call_id": "a", "content": "r", "is_error": True},
            m.ToolMessage(call_id="a", parts=text("r"), error=True),
        ),
    ],
)  # fmt: skip
def test_messages(given: dict[str, Any], expected: m.Message) -> None:
    assert message(given) == expected


def test_legacy_functions() -> None:
    request = read(
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "r"},
        ],
        functions=[{"name": "f", "description": "d"}],
        function_call={"name": "f"},
    )
    call, result = request.messages
    assert isinstance(call, m.AssistantMessage)
    assert result == m.ToolMessage(call_id=call.tool_calls[0].id, parts=text("r"))
    assert request.tools == (m.FunctionTool(name="f", description="d"),)
    assert request.tool_choice == m.ToolChoice(mode="required", name="f", field="function_call")


B64 = base64.b64encode(b"x").decode()
PDF = base64.b64encode(b"%PDF-1.7 ...").decode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "text", "text": ""}, m.TextPart(text="")),
        ({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}, m.ImagePart(url="https://x/y.png", detail="low")),
        ({"type": "image_url", "image_url": {"url": f"data:image/PNG;base64,{B64}"}}, m.ImagePart(media_type="image/png", data=B64)),
        ({"type": "image_url", "image_url": {"url": "DATA:image/png,x"}}, m.ImagePart(media_type="image/png", data=B64)),
        ({"type": "image_url", "image_url": {"url": "data:nothing"}}, m.ImagePart(url="data:nothing")),
        ({"type": "input_audio", "input_audio": {"data": B64, "format": "wav"}}, m.AudioPart(data=B64, format="wav")),
        ({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"}}, m.FilePart(media_type="application/pdf", data=PDF, filename="a.pdf")),
        ({"type": "file", "file": {"file_data": PDF}}, m.FilePart(media_type="application/pdf", data=PDF)),
        ({"type": "file", "file": {"file_data": B64, "filename": "a.TXT"}}, m.FilePart(media_type="text/plain", data=B64, filename="a.TXT")),
        ({"type": "file", "file": {"file_data": B64, "filename": "a.bin"}}, m.FilePart(media_type="application/octet-stream", data=B64, filename="a.bin")),
        ({"type": "file", "file": {"file_data": "https://x/y.pdf"}}, m.FilePart(url="https://x/y.pdf")),
        ({"type": "file", "file": {"file_id": "file-1"}}, m.FilePart(file_id="file-1")),
    ],
)  # fmt: skip
def test_parts(given: dict[str, Any], expected: m.Part) -> None:
    assert part(given) == expected


def test_a_part_of_another_vendor_is_kept() -> None:
    kept = part({"type": "document", "source": {"n": 1.0, "a": [1, 2]}})
    assert kept.type == "document"
    assert bytes(kept.raw) == b'{"type": "document", "source": {"n": 1.0, "a": [1, 2]}}'


@pytest.mark.parametrize(
    ("marks", "cache"),
    [
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"type": "ephemeral", "ttl": "1h"}),
        ({"prompt_cache_breakpoint": {"mode": "explicit"}}, MARK),
        ({"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}, {"type": "ephemeral", "ttl": "1h"}),
        ({"cache_control": None}, None),
        ({}, None),
    ],
)
def test_caching_marks(marks: dict[str, Any], cache: Any) -> None:
    for bare in ({"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "https://x"}}):
        read_part = part(bare | marks)
        assert (None if read_part.cache is None else json.loads(bytes(read_part.cache))) == cache


def raws(**values: Any) -> dict[str, bytes]:
    return {name: json.dumps(value).encode() for name, value in values.items()}


def as_bytes(fields: dict[str, Raw]) -> dict[str, bytes]:
    return {name: bytes(value) for name, value in fields.items()}


def test_fields() -> None:
    request = read(
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=5,
        max_completion_tokens=6,
        temperature=1,
        top_p=0.5,
        stop="a",
        parallel_tool_calls=False,
        reasoning_effort="low",
        service_tier="auto",
        user="u",
        seed=3,
        logit_bias={"5": -100},
        thinking={"type": "adaptive"},
        min_p=None,
    )
    assert (request.model, request.stream, request.include_usage) == ("x", True, True)
    assert (request.max_tokens, request.temperature, request.top_p, request.stop) == (6, 1.0, 0.5, ("a",))
    assert (request.parallel_tool_calls, request.reasoning_effort) == (False, "low")
    assert (request.service_tier, request.user) == ("auto", "u")
    assert as_bytes(request.plain) == raws(seed=3, logit_bias={"5": -100})
    assert as_bytes(request.extra) == raws(thinking={"type": "adaptive"})


NOTHING: dict[str, Any] = {
    "n": 1,
    "logprobs": False,
    "top_logprobs": 0,
    "presence_penalty": 0,
    "frequency_penalty": 0.0,
    "logit_bias": {},
    "metadata": {},
    "store": False,
    "modalities": ["text"],
    "verbosity": "medium",
    "seed": None,
    "prediction": None,
    "stream": None,
    "stream_options": None,
    "tools": None,
    "tool_choice": None,
    "stop": None,
    "max_tokens": None,
    "response_format": {"type": "text"},
}


def test_values_that_ask_for_nothing() -> None:
    assert read(**NOTHING) == read()


def test_the_safety_identifier_is_the_newer_user() -> None:
    assert read(user="u", safety_identifier="s").user == "s"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", m.ToolChoice(mode="auto")),
        ("none", m.ToolChoice(mode="none")),
        ("required", m.ToolChoice(mode="required")),
        ("any", m.ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "f"}}, m.ToolChoice(mode="required", name="f")),
        ({"type": "custom", "custom": {"name": "f"}}, m.ToolChoice(mode="required", name="f")),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}},
            m.ToolChoice(mode="required", allowed=("f",)),
        ),
    ],
)  # fmt: skip
def test_tool_choice(given: Any, expected: m.ToolChoice) -> None:
    assert read(tool_choice=given).tool_choice == expected


def test_tools_keep_their_text() -> None:
    body = b'{"model":"x","messages":[{"role":"user","content":"h"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"z":1.0,"a":1e3},"strict":true}},{"type":"custom","custom":{"name":"c"}},{"type":"web_search_20250305","name":"w","n":1.0}]}'
    function, custom, native = DIALECT.read_request(body).tools
    assert isinstance(function, m.FunctionTool)
    assert function.parameters is not None
    assert (function.name, bytes(function.parameters), function.strict) == ("f", b'{"z":1.0,"a":1e3}', True)
    assert isinstance(custom, m.CustomTool)
    assert (custom.name, bytes(custom.raw)) == ("c", b'{"type":"custom","custom":{"name":"c"}}')
    assert isinstance(native, m.NativeTool)
    assert (native.type, bytes(native.raw)) == (
        "web_search_20250305",
        b'{"type":"web_search_20250305","name":"w","n":1.0}',
    )


def test_response_format() -> None:
    assert read(response_format={"type": "json_object"}).response_format == m.ResponseFormat(
        kind="json_object"
    )
    wanted = read(
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "strict": True, "schema": {"b": 1, "a": 2}},
        }
    ).response_format
    assert wanted is not None
    assert wanted.schema is not None
    assert (wanted.kind, wanted.name, wanted.strict, bytes(wanted.schema)) == (
        "json_schema",
        "n",
        True,
        b'{"b": 1, "a": 2}',
    )


USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"model": None}, "model: Expected `str`, got `null`"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": "hi"}, "messages: Expected `array`, got `str`"),
        ({"messages": [{"content": "x"}]}, "messages[0].role: required field is missing"),
        ({"messages": [{"role": "robot"}]}, "messages[0].role: Invalid value 'robot'"),
        ({"messages": [USER, {"role": "user", "content": 5}]}, "messages[1].content: Expected `str | array | null`, got `int`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id: required field is missing"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text: required field is missing"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url: required field is missing"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content[0].file: needs file_data or file_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]}]}, "messages[0].tool_calls[0].function: required field is missing"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].name: no earlier function_call has this name"),
        ({"messages": [{"role": "assistant", "anthropic_content": [5]}]}, "messages[0].anthropic_content[0]: expected an object"),
        ({"temperature": 2.5}, "temperature: must be between 0 and 2"),
        ({"temperature": "warm"}, "temperature: Expected `float | null`, got `str`"),
        ({"top_p": -0.1}, "top_p: must be between 0 and 1"),
        ({"max_tokens": 0}, "max_tokens: must be at least 1"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens: Expected `int | null`, got `float`"),
        ({"tools": [{"type": "function"}]}, "tools[0].function: required field is missing"),
        ({"tool_choice": "maybe"}, "tool_choice: unknown mode 'maybe'"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function: required field is missing"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools: required field is missing"),
        ({"response_format": {"type": "yaml"}}, "response_format.type: unknown type 'yaml'"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: required field is missing"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}, "response_format.json_schema.schema: required field is missing"),
    ],
)  # fmt: skip
def test_errors_name_the_field(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(**fields)
    assert caught.value.message == told
    assert (caught.value.status, caught.value.param) == (400, told.partition(": ")[0])


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b'{"model":"\\ud800"}', b"[" * 100_000])
def test_what_is_no_request_at_all(body: bytes) -> None:
    for use in (DIALECT.read_request, lambda body: DIALECT.edit_request(body, model="x")):
        with pytest.raises(RequestError):
            use(body)


@given(st.binary() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["model", "messages", "content", "tools", "role", "type"]), x)).map(lambda x: json.dumps(x).encode()))  # fmt: skip
def test_anything_is_read_or_refused(body: bytes) -> None:
    for use in (DIALECT.read_request, lambda body: DIALECT.edit_request(body, model="x")):
        with suppress(RequestError):
            use(body)
