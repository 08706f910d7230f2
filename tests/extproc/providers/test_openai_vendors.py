"""Vendors of OpenAI's format and families of models: what is sent, what is left out, and that it is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controlplane.catalogue.providers import PROVIDER_TYPES
from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS
from extproc.providers.openai.vendors import _VENDORS

USER = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "g", "parameters": {"type": "object"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
SAMPLING = {"temperature": 0.5, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1}


def sent(
    kind: str, model: str = "m", api_version: str = "", **fields: Any
) -> tuple[dict[str, Any], list[str]]:
    """The body that goes out, without model and the user's message, and what is not honoured."""
    target = Target(
        leaf="l", provider="p", type=kind, wire_format="openai", base_path="/v1", api_version=api_version
    )
    asked = {"model": "asked", "messages": [USER]} | fields
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    written = WIRE_FORMATS["openai"].write_request(request, target, model)
    body = json.loads(written.body)
    assert body.pop("model") == model
    if body["messages"] == [USER]:
        del body["messages"]
    return body, list(written.unsupported)


def test_every_vendor_of_the_catalogue_has_a_row() -> None:
    assert {name for name, row in PROVIDER_TYPES.items() if row.wire_format == "openai"} == set(_VENDORS)


@pytest.mark.parametrize(
    ("kind", "api_version", "limit"),
    [
        ("openai", "", "max_completion_tokens"),
        ("azure_openai", "", "max_completion_tokens"),
        ("azure_openai", "2024-10-21", "max_completion_tokens"),
        ("azure_openai", "2024-06-01", "max_tokens"),
        ("groq", "", "max_completion_tokens"),
        ("xai", "", "max_completion_tokens"),
        ("cerebras", "", "max_completion_tokens"),
        ("vllm", "", "max_tokens"),
        ("ollama", "", "max_tokens"),
        ("together", "", "max_tokens"),
        ("mistral", "", "max_tokens"),
        ("deepseek", "", "max_tokens"),
        ("openrouter", "", "max_tokens"),
        ("fireworks", "", "max_tokens"),
        ("of_tomorrow", "", "max_tokens"),
    ],
)
@pytest.mark.parametrize("asked", ["max_tokens", "max_completion_tokens"])
def test_the_limit_has_the_vendors_name(kind: str, api_version: str, limit: str, asked: str) -> None:
    assert sent(kind, api_version=api_version, **{asked: 5}) == ({limit: 5}, [])


@pytest.mark.parametrize(
    "model",
    [
        "o1",
        "o1-2024-12-17",
        "o3-mini",
        "o4-mini",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5.5",
        "gpt-6",
        "ft/GPT-5",
        "codex-mini",
    ],
)
@pytest.mark.parametrize("kind", ["openai", "azure_openai"])
def test_reasoning_models_have_no_sampling(kind: str, model: str) -> None:
    asked = SAMPLING | {"logprobs": True, "top_logprobs": 2, "logit_bias": {"5": 1}}
    body, unsupported = sent(kind, model, reasoning_effort="low", max_tokens=5, **asked)
    assert body == {"max_completion_tokens": 5, "reasoning_effort": "low"}
    assert set(unsupported) == set(asked)


def test_the_only_value_that_there_is_is_honoured() -> None:
    assert sent("openai", "o3", temperature=1, top_p=1.0) == ({}, [])


@pytest.mark.parametrize(
    ("model", "effort", "takes"),
    [
        ("gpt-5", "none", False),
        ("gpt-5.1", None, True),
        ("gpt-5.1", "none", True),
        ("gpt-5.2", "low", False),
        ("gpt-5.4", None, False),
        ("gpt-5.4", "none", True),
        ("gpt-5-chat-latest", None, True),
        ("gpt-4o", None, True),
        ("our-deployment", None, True),
    ],
)
def test_sampling_where_nothing_is_thought(model: str, effort: str | None, takes: bool) -> None:
    asked = {} if effort is None else {"reasoning_effort": effort}
    body, unsupported = sent("openai", model, **SAMPLING, **asked)
    assert body == (SAMPLING if takes else {}) | asked
    assert set(unsupported) == (set() if takes else set(SAMPLING))


@pytest.mark.parametrize(
    ("kind", "model", "fields", "unsupported"),
    [
        ("openai", "gpt-4o", {"reasoning_effort": "low"}, ["reasoning_effort"]),
        ("openai", "o3", {"stop": ["x"], "parallel_tool_calls": False}, ["stop", "parallel_tool_calls"]),
        (
            "groq",
            "llama",
            {"logprobs": True, "logit_bias": {"5": 1}, "n": 2},
            ["logprobs", "logit_bias", "n"],
        ),
        ("groq", "llama", {"service_tier": "priority", "store": True}, ["service_tier", "store"]),
        (
            "mistral",
            "m",
            {"user": "u", "store": True, "logit_bias": {"5": 1}},
            ["user", "store", "logit_bias"],
        ),
        ("deepseek", "deepseek-chat", {"seed": 1, "response_format": SCHEMA}, ["response_format", "seed"]),
        (
            "deepseek",
            "deepseek-reasoner",
            {"temperature": 0.5, "logprobs": True},
            ["temperature", "logprobs"],
        ),
        ("xai", "grok-4", {"stop": ["x"], "reasoning_effort": "low"}, ["stop", "reasoning_effort"]),
        ("xai", "grok-4.5", {"presence_penalty": 1}, ["presence_penalty"]),
        ("xai", "grok-4-fast-non-reasoning", {"reasoning_effort": "low"}, ["reasoning_effort"]),
        ("ollama", "m", {"n": 2, "user": "u", "logit_bias": {"5": 1}}, ["user", "n", "logit_bias"]),
        ("vllm", "m", {"user": "u", "metadata": {"a": "b"}}, ["user", "metadata"]),
        (
            "together",
            "m",
            {"logprobs": True, "parallel_tool_calls": False},
            ["parallel_tool_calls", "logprobs"],
        ),
    ],
)
def test_what_is_not_honoured_is_left_out_and_named(
    kind: str, model: str, fields: dict[str, Any], unsupported: list[str]
) -> None:
    assert sent(kind, model, **fields) == ({}, unsupported)


@pytest.mark.parametrize(
    ("kind", "model", "fields"),
    [
        ("groq", "llama", {"service_tier": "flex", "user": "u", "parallel_tool_calls": False, "seed": 1}),
        ("mistral", "m", {"metadata": {"a": "b"}, "n": 2, "logprobs": True, "response_format": SCHEMA}),
        ("deepseek", "deepseek-chat", SAMPLING | {"response_format": {"type": "json_object"}}),
        ("xai", "grok-3-mini", {"reasoning_effort": "low", "temperature": 0.5}),
        ("xai", "grok-4-fast-non-reasoning", {"stop": ["x"], "presence_penalty": 1}),
        ("openrouter", "openai/gpt-5", SAMPLING),
        ("fireworks", "m", SAMPLING | {"logit_bias": {"5": 1}, "user": "u"}),
        ("cerebras", "m", {"service_tier": "flex", "prompt_cache_key": "k"}),
        ("vllm", "m", {"logit_bias": {"5": 1}, "guided_json": {"type": "object"}, "top_k": 3}),
        ("mistral", "m", {"safe_prompt": True}),
    ],
)
def test_what_is_known_goes_out_as_it_is(kind: str, model: str, fields: dict[str, Any]) -> None:
    assert sent(kind, model, **fields) == (fields, [])


def test_mistrals_own_word_for_seed() -> None:
    assert sent("mistral", seed=7) == ({"random_seed": 7}, [])


@pytest.mark.parametrize(
    ("kind", "api_version", "body", "unsupported"),
    [
        ("openai", "", {"stream": True, "stream_options": {"include_usage": True}}, []),
        ("mistral", "", {"stream": True}, []),
        ("groq", "", {"stream": True}, []),
        ("openrouter", "", {"stream": True}, []),
        ("azure_openai", "2024-06-01", {"stream": True}, ["stream_options"]),
    ],
)
def test_usage_in_streams(kind: str, api_version: str, body: dict[str, Any], unsupported: list[str]) -> None:
    asked: Any = {"stream": True, "stream_options": {"include_usage": True}}
    assert sent(kind, api_version=api_version, **asked) == (body, unsupported)


def test_tools_to_choose_from() -> None:
    """Who cannot be told which tools to choose from is shown no others."""
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
    asked: Any = {
        "tools": [FUNCTION, OTHER],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": allowed},
    }
    assert sent("openai", **asked) == (asked, [])
    assert sent("vllm", **asked) == ({"tools": [OTHER], "tool_choice": "required"}, [])
    none = asked | {"tools": [FUNCTION]}
    assert sent("vllm", **none) == ({"tools": [FUNCTION]}, ["tool_choice"])


MESSAGES: Any = [
    {"role": "developer", "content": "d", "name": "n"},
    {"role": "user", "content": "u", "name": "n"},
    {"role": "assistant", "content": "a", "reasoning_content": "r", "refusal": "no"},
]


@pytest.mark.parametrize(
    ("kind", "developer", "assistant"),
    [
        ("openai", "developer", {"content": "a", "refusal": "no"}),
        ("openrouter", "developer", {"reasoning": "r"}),
        ("vllm", "system", {"reasoning_content": "r"}),
        ("deepseek", "system", {"reasoning_content": "r"}),
        ("mistral", "system", {}),
        ("groq", "system", {"reasoning": "r"}),
    ],
)
def test_messages(kind: str, developer: str, assistant: dict[str, Any]) -> None:
    body, unsupported = sent(kind, messages=MESSAGES)
    named = {} if kind in ("mistral", "groq") else {"name": "n"}
    said = [{"type": "text", "text": "a"}, {"type": "text", "text": "no"}]
    assert body["messages"] == [
        {"role": developer, "content": "d"} | named,
        {"role": "user", "content": "u"} | named,
        {"role": "assistant", "content": said} | assistant,
    ]
    assert unsupported == ([] if named else ["messages.name"])
