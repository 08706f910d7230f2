"""Any valid chat completion request becomes a valid request for Anthropic, or a clean 400."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openai.types.chat import completion_create_params
from pydantic import TypeAdapter

from extproc.dialects import DIALECTS
from extproc.errors import RequestError
from extproc.providers import WIRE_FORMATS
from extproc.providers.anthropic.blocks import JSON_TOOL
from tests.extproc.providers.anthropic_types import check
from tests.extproc.providers.claude import B64, EPHEMERAL, TARGET

OPENAI_REQUEST = TypeAdapter(completion_create_params.CompletionCreateParams)
DIALECT = DIALECTS["openai_chat"]

WORDS = st.text(max_size=12) | st.sampled_from(["", " ", "\n", "Hi", "Grüße 👋"])
NAMES = st.sampled_from(["f", "g", "get_weather"])
IDS = st.sampled_from(["call_1", "toolu_01", "functions.f:0", "ä"])
MARKS = st.sampled_from([{}, {"cache_control": EPHEMERAL}, {"prompt_cache_breakpoint": {"mode": "explicit"}}])


def maybe(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def typed(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


TEXT = st.builds(dict.__or__, typed("text", text=WORDS), MARKS)
URLS = st.sampled_from(
    ["https://x/y.png", f"data:image/png;base64,{B64}", f"data:image/tiff;base64,{B64}", "gs://b/o"]
)
DETAILS = st.sampled_from([{}, {"detail": "auto"}, {"detail": "low"}])
FILES = st.sampled_from(
    [
        {"file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"},
        {"file_data": B64, "filename": "a.txt"},
        {"file_data": B64, "filename": "a.exe"},
        {"file_id": "file-1"},
    ]
)
PARTS = st.one_of(
    TEXT,
    typed("image_url", image_url=st.builds(lambda url, more: {"url": url} | more, URLS, DETAILS)),
    typed("file", file=FILES),
    typed("input_audio", input_audio=st.just({"data": B64, "format": "mp3"})),
)
CALLS = st.builds(
    lambda call_id, name, arguments: {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}},
    IDS,
    NAMES,
    st.sampled_from(["{}", '{"a": [1, 2.0]}', "", "not json", "[1]", '{"a": ']),
)  # fmt: skip
MESSAGES = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "developer"]),
            "content": WORDS | st.lists(TEXT, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {"role": st.just("user"), "content": WORDS | st.lists(PARTS, min_size=1, max_size=3)},
        optional={"name": NAMES},
    ),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": WORDS | st.none() | st.lists(TEXT, min_size=1, max_size=2)},
        optional={"tool_calls": st.lists(CALLS, min_size=1, max_size=2), "refusal": WORDS},
    ),
    st.fixed_dictionaries(
        {
            "role": st.just("tool"),
            "tool_call_id": IDS,
            "content": WORDS | st.lists(TEXT, min_size=1, max_size=2),
        }
    ),
)
SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "format": "uri", "maxLength": 5},
            {"type": "integer", "minimum": 1},
            {"type": ["number", "null"]},
            {"enum": ["a", 1, None]},
            {},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda properties, more: {"type": "object", "properties": properties, **more},
            st.dictionaries(st.sampled_from(["a", "b", "type", "properties"]), inner, max_size=3),
            st.sampled_from([{}, {"required": ["a"]}, {"additionalProperties": False}, {"additionalProperties": {"type": "string"}}]),
        ),
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 2}, inner),
        st.builds(lambda variants: {"anyOf": variants}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda variants: {"oneOf": variants, "description": "d"}, st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=6,
)  # fmt: skip
OBJECTS = st.builds(
    lambda p: {"type": "object", "properties": p}, st.dictionaries(st.sampled_from("ab"), SCHEMAS, max_size=2)
)
TOOLS = st.one_of(
    typed(
        "function",
        function=st.fixed_dictionaries(
            {"name": NAMES}, optional={"description": WORDS, "parameters": OBJECTS, "strict": st.booleans()}
        ),
    ),
    typed("custom", custom=st.just({"name": "c"})),
)
FUNCTIONS = st.fixed_dictionaries({"name": NAMES}, optional={"description": WORDS, "parameters": OBJECTS})
CHOICES = st.one_of(
    st.sampled_from(["auto", "none", "required"]),
    st.builds(lambda name: {"type": "function", "function": {"name": name}}, NAMES),
    st.builds(
        lambda mode, name: {
            "type": "allowed_tools",
            "allowed_tools": {"mode": mode, "tools": [{"type": "function", "function": {"name": name}}]},
        },
        st.sampled_from(["auto", "required"]),
        NAMES,
    ),
)
FORMATS = st.one_of(
    st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
    st.builds(
        lambda schema, strict: {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": schema, "strict": strict},
        },
        OBJECTS,
        st.booleans(),
    ),
)
REQUESTS = st.builds(
    dict.__or__,
    st.fixed_dictionaries({"model": st.just("m"), "messages": st.lists(MESSAGES, min_size=1, max_size=6)}),
    maybe(
        {
            "stream": st.booleans(),
            "stream_options": st.just({"include_usage": True}),
            "max_tokens": st.integers(1, 100_000),
            "max_completion_tokens": st.integers(1, 100_000),
            "temperature": st.floats(0, 2),
            "top_p": st.floats(0, 1),
            "stop": WORDS | st.lists(WORDS, max_size=4),
            "tools": st.lists(TOOLS, min_size=1, max_size=3),
            "tool_choice": CHOICES,
            "functions": st.lists(FUNCTIONS, min_size=1, max_size=2),
            "function_call": st.sampled_from(["auto", "none"])
            | st.builds(lambda name: {"name": name}, NAMES),
            "parallel_tool_calls": st.booleans(),
            "response_format": FORMATS,
            "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
            "service_tier": st.sampled_from(["auto", "default", "flex", "priority"]),
            "seed": st.integers(),
            "n": st.integers(1, 3),
            "logprobs": st.booleans(),
            "top_logprobs": st.integers(0, 20),
            "presence_penalty": st.floats(-2, 2),
            "frequency_penalty": st.floats(-2, 2),
            "logit_bias": st.dictionaries(st.sampled_from(["1", "2"]), st.integers(-100, 100), max_size=2),
            "user": WORDS,
            "safety_identifier": WORDS,
            "metadata": st.dictionaries(st.sampled_from(["user_id", "k"]), WORDS, max_size=2),
            "store": st.booleans(),
            "verbosity": st.sampled_from(["low", "medium", "high"]),
            "modalities": st.just(["text"]),
            "prompt_cache_key": WORDS,
            "web_search_options": st.sampled_from([{}, {"search_context_size": "low"}]),
            "prediction": st.just({"type": "content", "content": "x"}),
        }
    ),
)
UNSTRUCTURED = ("claude-3-5-haiku-latest", "claude-opus-4-1", "tiny")
MODELS = st.sampled_from(
    [
        *UNSTRUCTURED,
        "claude-haiku-4-5",
        "claude-opus-4-6",
        "claude-sonnet-5-5",
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REQUESTS, MODELS)
@example(
    {
        "model": "m",
        "messages": [{"role": "user", "content": "0"}],
        "functions": [{"name": "f"}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    },
    "claude-sonnet-5-5",
)
def test_any_request(asked: dict[str, Any], model: str) -> None:
    OPENAI_REQUEST.validate_python(asked)
    request = DIALECT.read_request(json.dumps(asked).encode())
    refused = None
    try:
        sent = WIRE_FORMATS["anthropic"].write_request(request, TARGET, model)
    except RequestError as error:
        refused = error
    if refused is not None:
        assert (refused.status, refused.type) == (400, "invalid_request_error")
        assert refused.param is not None
        assert refused.param.startswith(("messages", "tools[", "tool_choice", "function_call"))
        return
    body = json.loads(sent.body)
    check(body)
    follow_the_rules(body, asked)
    if model in UNSTRUCTURED and asked.get("response_format", {"type": "text"})["type"] != "text":
        assert "output_config" not in body
        assert body["tool_choice"]["type"] in ("any", "tool")
        theirs = [tool["name"] for tool in body["tools"] if tool["name"] != JSON_TOOL]
        assert theirs or body["tool_choice"]["name"] == JSON_TOOL
    else:
        assert JSON_TOOL not in sent.body.decode()
    assert set(sent.unsupported) <= {name for field in asked for name in named(field, asked)}


def named(field: str, asked: dict[str, Any]) -> list[str]:
    """What `unsupported` may call `field`."""
    inner = {
        "messages": ["messages.name", "messages.content.image_url.detail"],
        "response_format": ["response_format.json_schema.schema"],
        "web_search_options": ["web_search_options.search_context_size"],
        "tools": [
            f"tools[{n}].function.{x}"
            for n in range(len(asked.get("tools", ())))
            for x in ("strict", "parameters")
        ],
    }
    return [field, *inner.get(field, ())]


def follow_the_rules(body: dict[str, Any], asked: dict[str, Any]) -> None:
    """What Anthropic demands beyond its types."""
    roles = [turn["role"] for turn in body["messages"]]
    assert roles == [("user", "assistant")[n % 2] for n in range(len(roles))]
    for turn in body["messages"]:
        kinds = [block["type"] for block in turn["content"]]
        assert kinds
        assert kinds == sorted(kinds, key=lambda kind: kind != "tool_result") or turn["role"] == "assistant"
        assert all(block["text"].strip() for block in turn["content"] if block["type"] == "text")
    assert all(sequence.strip() for sequence in body.get("stop_sequences", ()))
    assert "tool_choice" not in body or body["tools"]
    assert body.get("stream", False) is asked.get("stream", False)
    thinking = body.get("thinking", {"type": "disabled"})
    if thinking["type"] == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"]
    if thinking["type"] in ("enabled", "adaptive"):
        assert "temperature" not in body
        assert body.get("top_p", 1) >= 0.95
        assert body.get("tool_choice", {"type": "auto"})["type"] not in ("any", "tool")
