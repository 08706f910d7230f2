from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from extproc.chat.model import (
    AssistantMessage,
    AudioPart,
    ChatRequest,
    FilePart,
    FunctionTool,
    ImagePart,
    NativeContent,
    NativePart,
    RefusalPart,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolMessage,
    UserMessage,
)
from extproc.chat.places import client_place
from extproc.dialects.openai_responses.sealed import seal
from extproc.errors import RequestError, UnsupportedFieldError
from tests.extproc.dialects.responses_client import DIALECT

B64 = base64.b64encode(b"x").decode()
_OFFICIAL: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)


def read(**fields: Any) -> ChatRequest:
    return DIALECT.read_request(json.dumps({"model": "m", "input": "Hi"} | fields).encode())


def official(**fields: Any) -> ChatRequest:
    """`read`, of what the SDK would send."""
    _OFFICIAL.validate_python({"model": "m", "input": "Hi"} | fields)
    return read(**fields)


def says(*parts: str) -> tuple[TextPart, ...]:
    return tuple(TextPart(text=part) for part in parts)


def test_a_string() -> None:
    request = official(instructions="Be brief.")
    assert request.messages == (SystemMessage(parts=says("Be brief.")), UserMessage(parts=says("Hi")))


def test_roles_and_parts() -> None:
    request = read(
        input=[
            {"role": "developer", "content": "d"},
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{B64}"},
                    {
                        "type": "input_file",
                        "file_data": f"data:application/pdf;base64,{B64}",
                        "filename": "a",
                    },
                    {"type": "input_file", "file_data": B64, "filename": "a.txt"},
                    {"type": "input_file", "file_url": "https://x/a.pdf"},
                    {"type": "input_file", "file_id": "file-1"},
                    {"type": "input_audio", "input_audio": {"data": B64, "format": "mp3"}},
                    {"type": "hologram", "n": 1.0},
                ],
            },
        ]
    )
    developer, system, user = request.messages
    assert developer == SystemMessage(parts=says("d"), role="developer")
    assert system == SystemMessage(parts=says("s"))
    assert user.parts == (
        TextPart(text="t", cache=Raw(b'{"type":"ephemeral"}')),
        ImagePart(url="https://x/y.png", detail="low"),
        ImagePart(data=B64, media_type="image/png"),
        FilePart(data=B64, media_type="application/pdf", filename="a"),
        FilePart(data=B64, media_type="text/plain", filename="a.txt"),
        FilePart(url="https://x/a.pdf"),
        FilePart(file_id="file-1"),
        AudioPart(data=B64, format="mp3"),
        NativePart(type="hologram", raw=Raw(b'{"type": "hologram", "n": 1.0}')),
    )


def test_items_of_one_turn_are_one_message() -> None:
    thinking = Thinking(text="Hm.", signature="s")
    request = official(
        input=[
            {"role": "user", "content": "Hi"},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": seal(thinking),
            },
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {"type": "output_text", "text": "Let me see.", "annotations": []},
                    {"type": "refusal", "refusal": "No."},
                ],
            },
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x": 1.0}'},
            {"type": "custom_tool_call", "call_id": "b", "name": "sql", "input": "SELECT 1"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {
                "type": "custom_tool_call_output",
                "call_id": "b",
                "output": [
                    {"type": "input_text", "text": "2"},
                    {"type": "input_image", "image_url": "https://x", "detail": "auto"},
                ],
            },
        ]
    )
    assert request.messages[1:] == (
        AssistantMessage(
            parts=(TextPart(text="Let me see."), RefusalPart(refusal="No.")),
            tool_calls=(
                ToolCall(id="a", name="f", arguments='{"x": 1.0}'),
                ToolCall(id="b", name="sql", arguments='{"input":"SELECT 1"}'),
            ),
            reasoning="Hm.",
            thinking=(thinking,),
        ),
        ToolMessage(call_id="a", parts=says("1")),
        ToolMessage(call_id="b", parts=(TextPart(text="2"), ImagePart(url="https://x", detail="auto"))),
    )
    assert request.unsupported == ()
    assert client_place("messages[3].content[1]", request.places or {}) == "input[6].content[1]"


def test_a_provider_s_own_blocks_end_a_turn() -> None:
    native = NativeContent(owner="google", blocks=(Raw(b'{"a":1}'),))
    request = read(
        input=[
            {"role": "assistant", "content": "a"},
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": seal(native)},
            {"role": "assistant", "content": "b"},
        ]
    )
    assert request.messages == (
        AssistantMessage(parts=says("a"), native=native),
        AssistantMessage(parts=says("b")),
    )


def test_another_s_reasoning_goes_nowhere_but_its_words() -> None:
    request = read(
        input=[
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "Hm."}],
                "encrypted_content": "gAAAAABo",
            },
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        ]
    )
    assert request.messages == (AssistantMessage(reasoning="Hm."),)
    assert request.unsupported == ("input[0].encrypted_content", "input[1]")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "local_shell_call_output", "id": "1", "output": ""}]}, "input[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}, "tools[0]"),
        ({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}, "tools[0]"),
        ({"tools": [{"type": "web_search", "external_web_access": False}]}, "tools[0].external_web_access"),
    ],
)
def test_what_only_openai_can_take(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedFieldError) as caught:
        read(**fields)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "unsupported_field", param)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 1}, "input"),
        ({"model": 1}, "model"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "arguments": "{}"}]}, "input[0].name"),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]},
            "input[0].arguments",
        ),
        ({"input": [{"type": "custom_tool_call", "call_id": "c", "name": "f"}]}, "input[0].input"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": 1}]}, "input[0].output"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "custom"}]}, "tools[0].name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "x", "tools": []}}, "tool_choice.mode"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "tool_choice.tools"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_wrong_requests(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(**fields)
    assert caught.value.param == param
    assert caught.value.message.startswith(param)


def test_tools() -> None:
    request = official(
        tools=[
            {"type": "web_search", "search_context_size": "low", "user_location": {"type": "approximate", "city": "Bonn"}},
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
            {"type": "custom", "name": "sql", "description": "SQL.", "format": {"type": "grammar", "syntax": "regex", "definition": "SELECT .+"}},
        ],
        parallel_tool_calls=False,
    )  # fmt: skip
    function, custom = request.tools
    assert function == FunctionTool(
        name="f", description="d", parameters=Raw(b'{"type": "object"}'), strict=True
    )
    assert isinstance(custom, FunctionTool)
    assert custom.description == "SQL.\n\nThe input follows this regex grammar:\nSELECT .+"
    assert request.unsupported == ("tools[2].format",)
    assert json.loads(bytes(request.plain["web_search_options"])) == {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Bonn"}},
    }
    assert request.parallel_tool_calls is False
    places = request.places or {}
    assert client_place("tools[0].function.parameters", places) == "tools[1].parameters"
    assert client_place("web_search_options.search_context_size", places) == "tools[0].search_context_size"


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "name": "f"}, ToolChoice(mode="required", name="f")),
        ({"type": "custom", "name": "f"}, ToolChoice(mode="required", name="f")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice(mode="required", allowed=("f",)),
        ),
    ],
)
def test_tool_choice(given: Any, read_as: ToolChoice) -> None:
    request = official(tool_choice=given)
    assert request.tool_choice == read_as
    assert request.unsupported == ()


def test_hosted_tools_cannot_be_forced() -> None:
    request = official(tool_choice={"type": "web_search_preview"})
    assert (request.tool_choice, request.unsupported) == (None, ("tool_choice",))


def test_text_and_reasoning() -> None:
    schema = {"type": "object", "properties": {"b": {}, "a": {}}}
    request = official(
        text={"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto"},
    )  # fmt: skip
    assert request.response_format == ResponseFormat(
        kind="json_schema", name="n", schema=Raw(json.dumps(schema).encode()), strict=True
    )
    assert request.plain == {"verbosity": Raw(b'"low"')}
    assert request.reasoning_effort == "high"
    assert read(text={"format": {"type": "json_object"}}).response_format == ResponseFormat(
        kind="json_object"
    )
    assert read(text={"format": {"type": "text"}, "verbosity": "medium"}).plain == {}


def test_the_rest() -> None:
    request = official(
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=2,
        metadata={"k": "v"},
        user="u",
        safety_identifier="s",
        service_tier="flex",
        prompt_cache_key="p",
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        store=False,
        truncation="disabled",
    )
    assert (request.max_tokens, request.temperature, request.top_p) == (9, 0.5, 0.9)
    assert (request.user, request.service_tier) == ("s", "flex")
    assert msgspec.json.decode(msgspec.json.encode(request.plain)) == {
        "metadata": {"k": "v"},
        "prompt_cache_key": "p",
        "logprobs": True,
        "top_logprobs": 2,
    }
    assert request.unsupported == ()
    assert request.extra == {}


def test_what_nobody_else_honours_is_named() -> None:
    request = official(
        store=True,
        truncation="auto",
        max_tool_calls=3,
        include=["web_search_call.action.sources"],
        stream_options={"include_obfuscation": True},
        reasoning={"mode": "pro", "context": "all_turns"},
        context_management=[{"type": "compaction"}],
    )
    assert set(request.unsupported) == {
        "store",
        "truncation",
        "max_tool_calls",
        "include",
        "stream_options.include_obfuscation",
        "reasoning.mode",
        "reasoning.context",
        "context_management",
    }


def test_what_nobody_else_honours_of_tools_and_files() -> None:
    file = {"type": "input_file", "file_url": "https://x", "detail": "low"}
    lost = {"allowed_callers": ["programmatic"], "async": True, "defer_loading": True, "output_schema": {}}
    request = read(
        input=[
            {"role": "user", "content": [file]},
            {"type": "function_call_output", "call_id": "c", "output": [file]},
        ],
        tools=[
            {"type": "function", "name": "f", **lost},
            {"type": "custom", "name": "c", "allowed_callers": ["direct"], "defer_loading": False},
            {"type": "web_search", "filters": {}, "search_content_types": ["image"]},
        ],
    )
    assert set(request.unsupported) == {
        "input[0].content[0].detail",
        "input[1].output[0].detail",
        *(f"tools[0].{name}" for name in lost),
        "tools[2].filters",
        "tools[2].search_content_types",
    }


def test_vendors_fields_are_for_the_vendor() -> None:
    request = read(top_k=5, context_management={"edits": []})
    assert set(request.extra) == {"top_k", "context_management"}


def test_only_the_model_s_name_is_edited() -> None:
    body = b'{ "temperature": 1.0, "model" : "a", "previous_response_id": "r"}'
    assert DIALECT.edit_request(body, model="b") == body.replace(b'"a"', b'"b"')
    with pytest.raises(RequestError):
        DIALECT.edit_request(b"[]", model="b")
