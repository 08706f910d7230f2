"""docs/translation.md says what is true: each row of its tables is tried.

A row of the tables of request fields needs an example here, one for each field that it names, and
each example a row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from openai.types.chat import completion_create_params

from extproc.dialects import DIALECTS
from extproc.errors import RequestError
from extproc.providers import WIRE_FORMATS
from extproc.providers.anthropic.blocks import JSON_TOOL
from extproc.providers.anthropic.request import API_VERSION, NATIVE_FIELDS
from extproc.providers.anthropic.response import FINISH_REASONS
from extproc.providers.claude import traits
from tests.extproc.providers.claude import B64, EPHEMERAL, HAIKU, USER, calls, send, text, tool
from tests.extproc.providers.clients import REPLY, read_unary

PAGE = Path(__file__).parents[3] / "docs" / "translation.md"
ROW = re.compile(r"^\| (.+?) \|$", re.MULTILINE)
NAMES = re.compile(r"(`[^`]+`(?:, )?)+")


def tables() -> dict[str, list[list[str]]]:
    """Rows of cells, by the words of the first column's head; tables of one head are one."""
    found: dict[str, list[list[str]]] = {}
    for block in re.split(r"\n\n", PAGE.read_text(encoding="utf-8")):
        rows = [re.split(r" \| ", row) for row in ROW.findall(block)]
        if rows:
            found.setdefault(rows[0][0], []).extend(rows[1:])
    return found


TABLES = tables()


class Try(NamedTuple):
    """fields: what a client sends; beside: what it sends along, which is in the request without them too."""

    fields: dict[str, Any]
    model: str = HAIKU
    beside: Mapping[str, Any] = MappingProxyType({})


OLD, ADAPTIVE, NEW, OTHER = "claude-3-5-haiku-latest", "claude-opus-4-6", "claude-sonnet-5", "llama"
EFFORT = {"reasoning_effort": "low"}
FUNCTION = {"name": "f", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}
JSON_OBJECT = {"response_format": {"type": "json_object"}}
SHORT = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}}}


def tools(**function: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": FUNCTION | function}]}


def schema(given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": given} | more}}


def messages(*given: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(given)}


def part(**given: Any) -> dict[str, Any]:
    """A user's message of which this is the first part."""
    return messages({"role": "user", "content": [given, text("hi")]})


def image(url: str = "https://x/y.png", **more: Any) -> dict[str, Any]:
    return part(type="image_url", image_url={"url": url} | more)


def said(**message: Any) -> dict[str, Any]:
    """A conversation in whose middle the assistant says this."""
    return messages(USER, {"role": "assistant", "content": "a"} | message, USER)


def called(result: dict[str, Any]) -> dict[str, Any]:
    return messages(USER, calls("c"), result)


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
OUTPUT_CONFIG = {"output_config": {"effort": "low"}}
PROOF = [{"type": "thinking", "thinking": "t", "signature": "s"}]
SERVERS = [{"type": "url", "url": "https://x", "name": "m"}]

EXAMPLES: dict[str, list[Try]] = {
    "`model`": [Try({"model": "m"})],
    "`stream`": [Try({"stream": True})],
    "`stream_options.include_usage`": [Try({"stream_options": {"include_usage": True}}, beside={"stream": True})],
    "`stream_options.include_obfuscation`": [Try({"stream_options": {"include_obfuscation": True}}, beside={"stream": True})],
    "`max_completion_tokens`, `max_tokens`": [Try({"max_completion_tokens": 5}), Try({"max_tokens": 5})],
    "`temperature`, `top_p`": [Try({"temperature": 0.5}), Try({"top_p": 0.5}, OTHER)],
    "`temperature` above 1": [Try({"temperature": 1.5})],
    "`temperature`, `top_k` with reasoning on, other than 1": [Try({"temperature": 0.5}, beside=EFFORT), Try({"top_k": 5}, beside=EFFORT)],
    "`top_p` below 0.95 with reasoning on": [Try({"top_p": 0.9}, beside=EFFORT)],
    "`top_p` beside `temperature`, on Claude 4.1 to 4.6": [Try({"top_p": 0.5}, model, {"temperature": 0.5}) for model in ("claude-opus-4-1", HAIKU, ADAPTIVE)],
    "`temperature`, `top_p`, `top_k` other than 1, on Claude 4.7 and newer": [Try({"temperature": 0.5}, "claude-opus-4-7"), Try({"top_p": 0.5}, NEW), Try({"top_k": 5}, NEW)],
    "`stop`": [Try({"stop": "x"})],
    "`stop` of white space only": [Try({"stop": " \n"})],
    "`tools[].function`": [Try({"tools": [TOOL]})],
    "`tools[].function.strict` on Claude 4.5 and newer, and on other servers": [Try(tools(strict=True), model, tools()) for model in (HAIKU, NEW, OTHER)],
    "`tools[].function.strict` on Claude before 4.5": [Try(tools(strict=True), "claude-opus-4-1")],
    "`tools[].function.parameters` of a strict tool, with rules that Anthropic does not enforce (`minLength`, …)": [Try(tools(strict=True, parameters=SHORT))],
    "`tools[]` of a type of Anthropic's own (`web_search_20250305`, …)": [Try({"tools": [{"type": "web_search_20250305", "name": "web_search"}]})],
    "`tools[]` of type `custom`, or another": [Try({"tools": [{"type": "custom", "custom": {"name": "c"}}]})],
    "`tools[]` with the name `gateway_json_response`": [Try(tools(name=JSON_TOOL))],
    "`tool_choice`": [Try({"tool_choice": "required"}, beside={"tools": [TOOL]})],
    "`tool_choice` that forces a tool, on Claude 5.5 and newer and Fable 5.1": [Try({"tool_choice": choice}, model, {"tools": [TOOL]}) for choice in ("required", {"type": "function", "function": {"name": "f"}}) for model in ("claude-opus-5-5", "claude-fable-5-1")],
    "`tool_choice` of type `allowed_tools`": [Try({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}}, beside={"tools": [TOOL]})],
    "`tool_choice` demanding a tool where there is none": [Try({"tool_choice": "required"})],
    "`parallel_tool_calls` false": [Try({"parallel_tool_calls": False}, beside={"tools": [TOOL]})],
    "`functions`": [Try({"functions": [FUNCTION]})],
    "`function_call`": [Try({"function_call": {"name": "f"}}, beside={"functions": [FUNCTION]})],
    "`response_format` of type `json_schema` on Claude 4.5 and newer": [Try(schema({"type": "object"}), model) for model in (HAIKU, NEW)],
    "`response_format` of type `json_schema`, `json_object` on Claude before 4.5, and on other servers": [Try(wanted, model) for model in (OLD, "claude-opus-4-1", OTHER) for wanted in (schema(SHORT), JSON_OBJECT)],
    "`response_format` beside a tool that the client forces, there": [Try(JSON_OBJECT, OTHER, {"tools": [TOOL], "tool_choice": "required"})],
    "`response_format` of type `json_schema` whose schema is no object, there": [Try(schema({"type": "array"}), OTHER)],
    "`response_format` of type `json_object` on Claude 4.5 and newer": [Try(JSON_OBJECT, model) for model in (HAIKU, NEW)],
    "`response_format.json_schema.description`": [Try(schema({"type": "object"}, description="d"), model, schema({"type": "object"})) for model in (HAIKU, OTHER)],
    "`response_format.json_schema.schema` with rules that Anthropic does not enforce, on Claude 4.5 and newer": [Try(schema(SHORT))],
    "`reasoning_effort` on Claude 4.6 and newer": [Try({"reasoning_effort": "high"}, model) for model in (ADAPTIVE, NEW)],
    "`reasoning_effort` on Claude 3.7 to 4.5, and on other servers": [Try({"reasoning_effort": "high"}, model) for model in ("claude-3-7-sonnet-latest", HAIKU, OTHER)],
    "`reasoning_effort` `none` where Claude thinks by itself (Claude 5 and newer)": [Try({"reasoning_effort": "none"}, NEW)],
    "`reasoning_effort` `none` where thinking cannot be turned off (Opus 5.5, Fable, Mythos)": [Try({"reasoning_effort": "none"}, model) for model in ("claude-opus-5-5", "claude-fable-5", "claude-mythos-preview")],
    "`reasoning_effort` that the generation lacks (`xhigh` on Claude 4.6)": [Try({"reasoning_effort": "xhigh"}, ADAPTIVE)],
    "`reasoning_effort` on Claude before 3.7": [Try(EFFORT, OLD)],
    "`reasoning_effort` beside a forced tool, on Claude before 4.6": [Try(EFFORT, beside={"tools": [TOOL], "tool_choice": "required"})],
    "`reasoning_effort` beside `response_format`, where a tool answers": [Try(EFFORT, model, JSON_OBJECT) for model in ("claude-opus-4-1", OTHER)],
    "`reasoning_effort` with `max_tokens` of at most 1,024, on Claude before 4.6": [Try(EFFORT, beside={"max_tokens": 1024})],
    "`reasoning_effort` with a tool's result whose call came back without `thinking_blocks`, on Claude before 4.6": [Try(EFFORT, beside=called(tool("c")))],
    "`reasoning_effort` that nobody knows": [Try({"reasoning_effort": "huge"})],
    "`safety_identifier`, `user`": [Try({"safety_identifier": "u"}), Try({"user": "u"})],
    "`metadata.user_id`": [Try({"metadata": {"user_id": "u"}})],
    "`metadata` with other keys": [Try({"metadata": {"k": "v"}})],
    "`service_tier` `auto`, `default`": [Try({"service_tier": "default"})],
    "`service_tier` of another name": [Try({"service_tier": "flex"})],
    "`web_search_options`": [Try({"web_search_options": {}})],
    "`web_search_options.search_context_size` other than `medium`": [Try({"web_search_options": {"search_context_size": "low"}})],
    "`n`, `seed`, `logprobs`, `top_logprobs`, `logit_bias`, `presence_penalty`, `frequency_penalty`": [
        Try({"n": 2}), Try({"seed": 1}), Try({"logprobs": True}), Try({"top_logprobs": 2}), Try({"logit_bias": {"1": 1}}), Try({"presence_penalty": 1}), Try({"frequency_penalty": 1}),
    ],
    "`audio`, `modalities`, `moderation`, `prediction`, `store`, `verbosity`": [
        Try({"audio": {"voice": "x", "format": "wav"}}), Try({"modalities": ["audio"]}), Try({"moderation": {"model": "m"}}), Try({"prediction": {"type": "content", "content": "x"}}),
        Try({"store": True}), Try({"verbosity": "low"}),
    ],
    "`prompt_cache_key`, `prompt_cache_retention`, `prompt_cache_options`": [Try({"prompt_cache_key": "k"}), Try({"prompt_cache_retention": "24h"}), Try({"prompt_cache_options": {"mode": "explicit"}})],
    # Anthropic's own
    "`thinking`": [Try(THINKING)],
    "`thinking` beside a forced tool, the one that answers included": [Try(THINKING, HAIKU, {"tools": [TOOL], "tool_choice": "required"}), Try(THINKING, OTHER, JSON_OBJECT)],
    "`output_config`": [Try(OUTPUT_CONFIG)],
    "`top_k`": [Try({"top_k": 5})],
    "`betas`": [Try({"betas": ["b"]})],
    "`context_management`, `mcp_servers`": [Try({"context_management": {"edits": []}}), Try({"mcp_servers": SERVERS})],
    "`cache_control`, `container`, `diagnostics`, `fallbacks`, `inference_geo`, `speed`": [
        Try({"cache_control": EPHEMERAL}), Try({"container": "c"}), Try({"diagnostics": {}}), Try({"fallbacks": []}), Try({"inference_geo": "eu"}), Try({"speed": "fast"}),
    ],
    "`min_p`, `guided_json`, and whatever else neither OpenAI nor Anthropic defines": [Try({"min_p": 0.1}), Try({"guided_json": {}})],
    # messages
    "`messages[].content`": [Try(messages({"role": "user", "content": "else"}))],
    "`messages` with nothing but white space": [Try(messages({"role": "user", "content": " "}))],
    "`messages.name`": [Try(messages(USER | {"name": "n"}))],
    "`messages[].content[]` of type `image_url`: a URL, or JPEG, PNG, GIF, WebP in base64": [Try(image(f"data:image/png;base64,{B64}"))],
    "`messages[].content[]` of type `image_url`, with another kind of image": [Try(image(f"data:image/tiff;base64,{B64}"))],
    "`messages.content.image_url.detail` `auto`, `high`": [Try(image(detail="high"), beside=image())],
    "`messages.content.image_url.detail` `low`, `original`": [Try(image(detail="low"))],
    "`messages[].content[]` of type `file`: PDF, UTF-8 text, images, a URL": [Try(part(type="file", file={"file_data": B64, "filename": "a.txt"}))],
    "`messages[].content[].file.file_id`": [Try(part(type="file", file={"file_id": "f"}))],
    "`messages[].content[]` of type `file`, with another kind of file": [Try(part(type="file", file={"file_data": B64, "filename": "a.exe"}))],
    "`messages[].content[]` of type `input_audio`": [Try(part(type="input_audio", input_audio={"data": B64, "format": "mp3"}))],
    "`messages[].content[]` of a type of Anthropic's own (`document`, `search_result`, …)": [Try(part(type="document", source={"type": "text", "media_type": "text/plain", "data": "x"}))],
    "`messages[].content[]` of a type that neither OpenAI nor Anthropic defines": [Try(part(type="video_url", video_url={"url": "https://x"}))],
    "`messages[].content[]` of a system message, other than text": [Try(messages({"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}, USER))],
    "`messages[].content[].cache_control`": [Try(part(**text("x", cache_control=EPHEMERAL)), beside=part(**text("x")))],
    "`messages[].content[].prompt_cache_breakpoint`": [Try(part(**text("x", prompt_cache_breakpoint={"mode": "explicit"})), beside=part(**text("x")))],
    "`messages[].refusal`": [Try(said(refusal="no"), beside=said())],
    "`messages[].tool_calls`": [Try(messages(USER, calls("c", arguments="{"), tool("c")))],
    "`messages[].tool_call_id`": [Try(called(tool("c")))],
    "`messages[].is_error` on a tool's message": [Try(called(tool("c", is_error=True)), beside=called(tool("c")))],
    "`messages[].function_call`": [Try(messages(USER, {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, {"role": "function", "name": "f", "content": "r"}))],
    "`messages[].name` of role `function`, that no earlier call has": [Try(messages({"role": "function", "name": "f", "content": "r"}))],
    "`messages[].audio`": [Try(messages({"role": "assistant", "audio": {"id": "a"}}, USER))],
    "`messages[].reasoning_content`": [Try(said(reasoning_content="t"), beside=said())],
    "`messages[].thinking_blocks` with Anthropic's signature": [Try(said(thinking_blocks=PROOF), beside=said())],
    "`messages[].thinking_blocks` without a signature": [Try(said(thinking_blocks=[{"type": "thinking", "thinking": "t"}]), beside=said())],
    "`messages[].anthropic_content`": [Try(said(anthropic_content=[text("b")]), beside=said())],
}  # fmt: skip
REQUEST_ROWS = TABLES["field"]


def names(cell: str) -> list[str]:
    """The fields that a row is about: those that its first cell begins with."""
    begin = NAMES.match(cell)
    assert begin is not None, cell
    return re.findall(r"`([^`]+)`", begin[0])


def test_every_row_has_its_example() -> None:
    assert [row[0] for row in REQUEST_ROWS] == list(EXAMPLES)


def cases() -> list[Any]:
    found = []
    for cell, _, result in REQUEST_ROWS:
        named, tried = names(cell), EXAMPLES.get(cell, [])
        if len(named) == 1:
            named *= len(tried)
        found += [
            pytest.param(name, result, example, id=f"{cell} ({n})")
            for n, (name, example) in enumerate(zip(named, tried, strict=True))
        ]
    return found


@pytest.mark.parametrize(("name", "result", "tried"), cases())
def test_requests(name: str, result: str, tried: Try) -> None:
    asked = {**tried.beside, **tried.fields}
    place = re.compile(re.escape(name).replace(re.escape("[]"), r"\[\d+\]"))
    if result == "refused":
        with pytest.raises(RequestError) as caught:
            send(tried.model, **asked)
        assert caught.value.status == 400
        assert place.fullmatch(caught.value.param or "")
        return
    sent, without = send(tried.model, **asked), send(tried.model, **tried.beside)
    same = (sent.body, sent.headers) == (without.body, without.headers)
    match result:
        case "kept":
            assert (sent.unsupported, same) == ((), False)
        case "degraded":
            assert [place.fullmatch(told) is not None for told in sent.unsupported] == [True]
        case _:
            assert result in ("read here", "no effect")
            assert (sent.unsupported, same) == ((), True)


def test_every_field_of_openai_and_anthropic_has_a_row() -> None:
    told = {re.split(r"[.\[]", name)[0] for cell, *_ in REQUEST_ROWS for name in names(cell)}
    of_openai = completion_create_params.CompletionCreateParamsStreaming.__annotations__
    assert told >= {*of_openai, *NATIVE_FIELDS}


def test_defaults() -> None:
    for _, model, max_tokens in TABLES["model"]:
        assert traits(model.strip("`")).max_tokens == int(max_tokens)
    assert f"`anthropic-version: {API_VERSION}`" in PAGE.read_text(encoding="utf-8")


def answered(**fields: Any) -> dict[str, Any]:
    """What a client gets for Anthropic's message of these fields."""
    body = json.dumps({"type": "message", "id": "m", "content": []} | fields).encode()
    answer = WIRE_FORMATS["anthropic"].read_response(body)
    return read_unary(DIALECTS["openai_chat"].write_response(answer, REPLY))


def test_finish_reasons() -> None:
    *known, other = TABLES["Anthropic's `stop_reason`"]
    assert {reason.strip("`") for reason, _ in known} == FINISH_REASONS.keys()
    for reason, word in known:
        [choice] = answered(stop_reason=reason.strip("`"))["choices"]
        assert f"`{choice['finish_reason']}`" == word
    tool_use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    words = [
        answered(stop_reason="x", content=content)["choices"][0]["finish_reason"]
        for content in ([], [tool_use])
    ]
    assert re.findall(r"`([^`]+)`", other[1]) == words


def test_usage() -> None:
    counts = {
        "input_tokens": 1,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 100,
        "output_tokens": 1000,
    }
    usage = answered(
        stop_reason="end_turn", usage=counts | {"output_tokens_details": {"thinking_tokens": 500}}
    )["usage"]
    told = {
        f"{name}.{inner}": n
        for name, value in usage.items()
        if isinstance(value, dict)
        for inner, n in value.items()
    }
    told |= {name: value for name, value in usage.items() if not isinstance(value, dict)}
    counts |= {"output_tokens_details.thinking_tokens": 500}
    for name, what in TABLES["usage"]:
        summed = sum(counts[count] for count in re.findall(r"`([^`]+)`", what)) or sum(
            list(counts.values())[:4]
        )
        assert told.pop(name.strip("`")) == summed
    assert told == {}


def test_statuses() -> None:
    for statuses, status, kind, code in TABLES["Anthropic's status"]:
        for given in map(int, statuses.split(", ")):
            error = WIRE_FORMATS["anthropic"].read_error(given, {}, b"{}")
            expected = given if status == "the same" else int(status)
            assert (error.status, error.type, error.code) == (expected, kind, code)
