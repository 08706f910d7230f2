"""The table of what each wire format honours is what the translators do: every field goes through each of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from openai.types.chat import completion_create_params

from extproc.chat.capabilities import CAPABILITIES, MODELS, Effect, losses
from extproc.chat.matrix import matrix
from extproc.contract.target import Target, WireFormatName
from extproc.dialects import DIALECTS
from extproc.errors import RequestError
from extproc.providers import WIRE_FORMATS

PAGE = Path(__file__).parents[3] / "docs" / "capabilities.md"
DIALECT = DIALECTS["openai_chat"]
USER: dict[str, Any] = {"role": "user", "content": "hi"}
BASE: dict[str, Any] = {"model": "m", "messages": [USER]}
B64 = base64.b64encode(b"%PDF-1.4 x").decode()
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}  # fmt: skip
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}  # fmt: skip
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "r"}


class Tried(NamedTuple):
    """fields: what is asked for; beside: what stands in the request without it, too."""

    fields: dict[str, Any]
    beside: Mapping[str, Any] = MappingProxyType({})


def part(**given: Any) -> Tried:
    """A part of the user's message, beside its text."""
    return Tried(
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, given]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    )


def messages(with_it: list[dict[str, Any]], without: list[dict[str, Any]]) -> Tried:
    return Tried({"messages": with_it}, {"messages": without})


def function(**more: Any) -> Tried:
    return Tried({"tools": [{"type": "function", "function": TOOL["function"] | more}]}, {"tools": [TOOL]})


EXAMPLES: dict[str, Tried] = {
    "messages": messages([USER, {"role": "assistant", "content": "a"}, USER], [USER]),
    "messages[] of role system, developer": messages([{"role": "developer", "content": "s"}, USER], [USER]),
    "messages[].name": messages([USER | {"name": "n"}], [USER]),
    "messages[].refusal": messages([USER, {"role": "assistant", "refusal": "no"}, USER], [USER]),
    "messages[].tool_calls and their results": Tried(
        {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}, RESULT]}, {"tools": [TOOL]}
    ),
    "messages[].audio": messages([USER, {"role": "assistant", "audio": {"id": "a"}}, USER], [USER]),
    "messages[].content[] image_url, in base64": part(
        type="image_url", image_url={"url": f"data:image/png;base64,{B64}"}
    ),
    "messages[].content[] image_url, by URL": part(
        type="image_url", image_url={"url": "https://example.com/a.png"}
    ),
    "messages[].content[].image_url.detail": Tried(
        part(type="image_url", image_url={"url": f"data:image/png;base64,{B64}", "detail": "low"}).fields,
        part(type="image_url", image_url={"url": f"data:image/png;base64,{B64}"}).fields,
    ),
    "messages[].content[] file, in base64": part(
        type="file", file={"file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"}
    ),
    "messages[].content[] file, by file_id": part(type="file", file={"file_id": "file-1"}),
    "messages[].content[] input_audio": part(
        type="input_audio", input_audio={"data": B64, "format": "wav"}
    ),
    "messages[].content[].cache_control": Tried(
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    ),
    "stream": Tried({"stream": True}),
    "stream_options": Tried({"stream_options": {"include_obfuscation": False}}, {"stream": True}),
    "max_completion_tokens": Tried({"max_completion_tokens": 5}),
    "max_tokens": Tried({"max_tokens": 5}),
    "temperature": Tried({"temperature": 0.5}),
    "temperature above 1": Tried({"temperature": 1.5}),
    "top_p": Tried({"top_p": 0.96}),
    "stop": Tried({"stop": ["x"]}),
    "n": Tried({"n": 2}),
    "seed": Tried({"seed": 7}),
    "presence_penalty": Tried({"presence_penalty": 0.5}),
    "frequency_penalty": Tried({"frequency_penalty": 0.5}),
    "logit_bias": Tried({"logit_bias": {"1": 2}}),
    "logprobs": Tried({"logprobs": True}),
    "top_logprobs": Tried({"top_logprobs": 2}, {"logprobs": True}),
    "tools[] of type function": Tried({"tools": [TOOL]}),
    "tools[].function.strict": function(strict=True),
    "tools[] of type custom": Tried({"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
    "tool_choice auto, none": Tried({"tool_choice": "none"}, {"tools": [TOOL]}),
    "tool_choice required": Tried({"tool_choice": "required"}, {"tools": [TOOL]}),
    "tool_choice of one tool": Tried(
        {"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"tools": [TOOL]}
    ),
    "tool_choice of allowed_tools": Tried(
        {
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            }
        },
        {"tools": [TOOL, {"type": "function", "function": {"name": "g"}}]},
    ),
    "parallel_tool_calls": Tried({"parallel_tool_calls": False}, {"tools": [TOOL]}),
    "functions": Tried({"functions": [TOOL["function"]]}),
    "function_call": Tried({"function_call": {"name": "f"}}, {"functions": [TOOL["function"]]}),
    "response_format of json_object": Tried({"response_format": {"type": "json_object"}}),
    "response_format of json_schema": Tried(
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}}
    ),
    "reasoning_effort": Tried({"reasoning_effort": "low"}),
    "verbosity": Tried({"verbosity": "low"}),
    "service_tier": Tried({"service_tier": "flex"}),
    "user": Tried({"user": "u"}),
    "safety_identifier": Tried({"safety_identifier": "u"}),
    "metadata": Tried({"metadata": {"user_id": "u", "k": "v"}}),
    "store": Tried({"store": True}),
    "prediction": Tried({"prediction": {"type": "content", "content": "x"}}),
    "web_search_options": Tried({"web_search_options": {}}),
    "modalities": Tried({"modalities": ["text", "audio"]}),
    "audio": Tried({"audio": {"voice": "alloy", "format": "wav"}}),
    "moderation": Tried({"moderation": {"model": "m"}}),
    "prompt_cache_key": Tried({"prompt_cache_key": "k"}),
    "prompt_cache_retention": Tried({"prompt_cache_retention": "24h"}),
    "prompt_cache_options": Tried({"prompt_cache_options": {"mode": "explicit"}}),
    "top_k": Tried({"top_k": 5}),
    "thinking": Tried({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    "a field that nobody knows": Tried({"frobnicate": 1}),
}  # fmt: skip

TYPES: dict[WireFormatName, tuple[str, str]] = {
    "openai": ("openai", "/v1"),
    "anthropic": ("anthropic", "/v1"),
    "google": ("google_ai", "/v1beta"),
    "bedrock": ("aws_bedrock", ""),
}


def send(wire_format: WireFormatName, model: str, fields: Mapping[str, Any]) -> Any:
    kind, base_path = TYPES[wire_format]
    target = Target(leaf="l", provider="p", type=kind, wire_format=wire_format, base_path=base_path)
    request = DIALECT.read_request(json.dumps({**BASE, **fields}).encode())
    return WIRE_FORMATS[wire_format].write_request(request, target, model)


def effect(wire_format: WireFormatName, model: str, tried: Tried) -> Effect:
    """What becomes of the field, as seen from outside."""
    without = send(wire_format, model, tried.beside)
    try:
        sent = send(wire_format, model, {**tried.beside, **tried.fields})
    except RequestError:
        return "refused"
    same = (sent.path, sent.headers, sent.body) == (without.path, without.headers, without.body)
    if set(sent.unsupported) - set(without.unsupported):
        return "lost" if same else "changed"
    return "needless" if same else "honoured"


def found(wire_format: WireFormatName, field: str) -> Effect:
    effects = {effect(wire_format, model, EXAMPLES[field]) for model in MODELS[wire_format]}
    return effects.pop() if len(effects) == 1 else "by model"


@pytest.mark.parametrize("wire_format", WIRE_FORMATS)
@pytest.mark.parametrize("field", EXAMPLES)
def test_the_table_is_what_translators_do(field: str, wire_format: WireFormatName) -> None:
    assert getattr(CAPABILITIES[field], wire_format) == found(wire_format, field)


def test_every_row_has_its_example() -> None:
    assert list(CAPABILITIES) == list(EXAMPLES)


def test_every_field_of_openai_has_a_row() -> None:
    told = {re.split(r"[.\[ ]", field)[0] for field in CAPABILITIES}
    assert told >= {*completion_create_params.CompletionCreateParamsStreaming.__annotations__} - {"model"}


def test_every_wire_format_has_a_column() -> None:
    assert set(MODELS) == set(WIRE_FORMATS)


def test_fields_without_a_row_are_lost() -> None:
    assert losses("anthropic", ["seed", "frobnicate", "web_search_options"]) == ["frobnicate", "seed"]


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == matrix(), "run make docs"
