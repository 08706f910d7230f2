"""Parameters of OpenAI chat requests as Anthropic gets them, a rule of translation.md a line.

Every body that these tests make must satisfy the SDK's types as well.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.errors import RequestError
from tests.extproc.providers.claude import EPHEMERAL, HAIKU, USER, body, calls, says, send, text, tool


def test_the_least_request() -> None:
    sent = send()
    assert sent.path == "/v1/messages"
    assert sent.headers == (("content-type", "application/json"), ("anthropic-version", "2023-06-01"))
    assert json.loads(sent.body) == {
        "model": HAIKU,
        "max_tokens": 64000,
        "messages": [says("user", text("hi"))],
    }
    assert sent.unsupported == ()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"messages": [{"role": "user", "content": ""}]}, "messages: the provider needs at least one that is not empty"),
        ({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}, "messages[0].content[0]: the provider takes only text here"),
        ({"messages": [USER, {"role": "assistant", "audio": {"id": "a"}}]}, "messages[1].audio: the provider cannot take audio"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0]: the provider has no custom tools"),
        ({"tools": [{"type": "file_search"}]}, "tools[0]: the provider has no tool of type 'file_search'"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": [1]}}]}, "tools[0].function.parameters: Expected `object`, got `array`"),
        ({"tool_choice": "required"}, "tool_choice: there is no such tool to choose"),
        ({"function_call": {"name": "f"}}, "function_call: there is no such tool to choose"),
        ({"functions": [{"name": "f", "parameters": [1]}]}, "functions[0].parameters: Expected `object`, got `array`"),
        ({"messages": [USER, {"role": "assistant", "function_call": {"name": "f"}, "anthropic_content": [{"type": "tool_use", "id": 5}]}]}, "messages[1].anthropic_content[0].id: Expected `str | null`, got `int`"),
        ({"reasoning_effort": "huge"}, "reasoning_effort: unknown level 'huge'"),
        ({"thinking": 5}, "thinking: Expected `object`, got `int`"),
        ({"betas": "x"}, "betas: Expected `array`, got `str`"),
        ({"betas": ["a\nb"]}, "betas: not the text of a header"),
        ({"output_config": []}, "output_config: Expected `object`, got `array`"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id: Expected `str`, got `int`"),
        ({"web_search_options": {"user_location": 5}}, "web_search_options.user_location: Expected `object | null`, got `int`"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": 5}}}}, "response_format.json_schema.schema: not a JSON schema: Expected `object`, got `int`"),
    ],
)  # fmt: skip
def test_errors(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError) as caught:
        send(**fields)
    assert (caught.value.message, caught.value.param) == (told, told.partition(": ")[0])


def test_a_forced_tool_that_is_not_offered_where_nothing_can_be_forced() -> None:
    choice = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(RequestError, match="tool_choice: there is no such tool to choose"):
        send("claude-opus-5-5", web_search_options={}, tool_choice=choice)


F = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("model", "fields", "expected", "unsupported"),
    [
        (HAIKU, {"temperature": 0.5}, {"temperature": 0.5}, ()),
        (HAIKU, {"temperature": 1.7}, {"temperature": 1.0}, ("temperature",)),
        (HAIKU, {"top_p": 0.5, "top_k": 5}, {"top_p": 0.5, "top_k": 5}, ()),
        # from 4.1 on one of the two, from 4.7 on none
        (HAIKU, {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}, ("top_p",)),
        (HAIKU, {"temperature": 0.5, "top_p": 1}, {"temperature": 0.5}, ()),
        ("claude-sonnet-4-0", {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}, ()),
        ("llama", {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}, ()),
        ("claude-opus-4-7", {"temperature": 0.5, "top_p": 0.5, "top_k": 5}, {}, ("temperature", "top_p", "top_k")),
        ("claude-sonnet-5", {"temperature": 1, "top_p": 1.0}, {}, ()),
        # thinking
        (HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "temperature": 0.5, "top_k": 5}, {}, ("temperature", "top_k")),
        (HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "temperature": 1, "top_p": 0.97}, {"top_p": 0.97}, ()),
        (HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "top_p": 0.5}, {}, ("top_p",)),
        (HAIKU, {"thinking": {"type": "disabled"}, "temperature": 0.5}, {"temperature": 0.5}, ()),
    ],
)  # fmt: skip
def test_sampling(
    model: str, fields: dict[str, Any], expected: dict[str, Any], unsupported: tuple[str, ...]
) -> None:
    sent = send(model, **fields)
    written = json.loads(sent.body)
    assert {name: written[name] for name in ("temperature", "top_p", "top_k") if name in written} == expected
    assert sent.unsupported == unsupported


SUMMARY = {"display": "summarized"}


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        # by budget
        (HAIKU, {"reasoning_effort": "medium"}, ({"type": "enabled", "budget_tokens": 8192, **SUMMARY}, None, 64000, ())),
        (HAIKU, {"reasoning_effort": "high", "max_tokens": 4000}, ({"type": "enabled", "budget_tokens": 3000, **SUMMARY}, None, 4000, ())),
        (HAIKU, {"reasoning_effort": "high", "max_tokens": 1025}, ({"type": "enabled", "budget_tokens": 1024, **SUMMARY}, None, 1025, ())),
        (HAIKU, {"reasoning_effort": "high", "max_tokens": 1024}, (None, None, 1024, ("reasoning_effort",))),
        (HAIKU, {"reasoning_effort": "none"}, (None, None, 64000, ())),
        ("llama", {"reasoning_effort": "max"}, ({"type": "enabled", "budget_tokens": 32768}, None, 40960, ())),
        ("claude-opus-4-5", {"reasoning_effort": "low"}, ({"type": "enabled", "budget_tokens": 2048, **SUMMARY}, "low", 64000, ())),
        ("claude-opus-4-1", {"reasoning_effort": "max"}, ({"type": "enabled", "budget_tokens": 23808, **SUMMARY}, None, 32000, ())),
        ("claude-3-5-haiku-latest", {"reasoning_effort": "low"}, (None, None, 8192, ("reasoning_effort",))),
        # by effort
        ("claude-sonnet-4-6", {"reasoning_effort": "minimal"}, ({"type": "adaptive", **SUMMARY}, "low", 64000, ())),
        ("claude-sonnet-4-6", {"reasoning_effort": "xhigh"}, ({"type": "adaptive", **SUMMARY}, "high", 64000, ("reasoning_effort",))),
        ("claude-opus-4-7", {"reasoning_effort": "xhigh"}, ({"type": "adaptive", **SUMMARY}, "xhigh", 64000, ())),
        # off
        ("claude-opus-4-8", {"reasoning_effort": "none"}, (None, None, 64000, ())),
        ("claude-sonnet-5", {"reasoning_effort": "none"}, ({"type": "disabled"}, None, 64000, ())),
        ("claude-sonnet-5-5", {"reasoning_effort": "none"}, ({"type": "between_tools"}, None, 64000, ())),
        ("claude-opus-5-5", {"reasoning_effort": "none"}, (None, "low", 64000, ("reasoning_effort",))),
        # a tool must be called
        (HAIKU, {"reasoning_effort": "low", "tools": [F], "tool_choice": "required"}, (None, None, 64000, ("reasoning_effort",))),
        ("claude-sonnet-5", {"reasoning_effort": "low", "tools": [F], "tool_choice": "required"}, (None, "low", 64000, ())),
        # the client's own words
        (HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 60000}}, ({"type": "enabled", "budget_tokens": 60000}, None, 68192, ())),
        ("claude-opus-5", {"thinking": {"type": "adaptive"}, "reasoning_effort": "max"}, ({"type": "adaptive"}, "max", 64000, ())),
        ("claude-opus-5", {"output_config": {"effort": "max"}, "reasoning_effort": "low"}, ({"type": "adaptive", **SUMMARY}, "max", 64000, ())),
    ],
)  # fmt: skip
def test_thinking(model: str, fields: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """expected: thinking, effort, max_tokens, unsupported fields."""
    sent = send(model, **fields)
    written = json.loads(sent.body)
    effort = written.get("output_config", {}).get("effort")
    assert (written.get("thinking"), effort, written["max_tokens"], sent.unsupported) == expected


PROVEN = {"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}


@pytest.mark.parametrize(
    ("model", "messages", "thinks"),
    [
        (HAIKU, [USER, calls("a"), tool("a")], False),
        (HAIKU, [USER, calls("a") | PROVEN, tool("a")], True),
        (HAIKU, [USER, calls("a"), tool("a"), USER], True),
        (HAIKU, [USER, calls("a"), tool("a"), {"role": "assistant", "content": "x"}, USER], True),
        ("claude-sonnet-4-6", [USER, calls("a"), tool("a")], True),
    ],
)
def test_manual_thinking_stops_within_a_turn_that_began_without(
    model: str, messages: list[Any], thinks: bool
) -> None:
    sent = send(model, messages=messages, reasoning_effort="low")
    assert ("thinking" in json.loads(sent.body)) is thinks
    assert sent.unsupported == (() if thinks else ("reasoning_effort",))


@pytest.mark.parametrize(
    ("fields", "expected", "unsupported"),
    [
        ({"max_tokens": 7}, {"max_tokens": 7}, ()),
        ({"max_completion_tokens": 7}, {"max_tokens": 7}, ()),
        ({"stop": "x"}, {"stop_sequences": ["x"]}, ()),
        ({"stop": ["x", " ", ""]}, {"stop_sequences": ["x"]}, ("stop",)),
        ({"stop": "\n"}, {}, ("stop",)),
        ({"stream": True}, {"stream": True}, ()),
        ({"stream": False}, {}, ()),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}, ()),
        ({"user": "u", "metadata": {"user_id": "m"}}, {"metadata": {"user_id": "m"}}, ()),
        ({"metadata": {"user_id": "m", "k": "v"}}, {"metadata": {"user_id": "m"}}, ("metadata",)),
        ({"service_tier": "auto"}, {"service_tier": "auto"}, ()),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}, ()),
        ({"service_tier": "flex"}, {}, ("service_tier",)),
        ({"container": "c"}, {"container": "c"}, ()),
        ({"cache_control": EPHEMERAL, "speed": "fast"}, {"cache_control": EPHEMERAL, "speed": "fast"}, ()),
        ({"messages": [USER | {"name": "n"}]}, {}, ("messages.name",)),
        ({"messages": [{"role": "system", "content": "", "name": "n"}, USER]}, {}, ("messages.name",)),
        ({"seed": 1, "n": 2, "logprobs": True, "top_logprobs": 2}, {}, ("logprobs", "n", "seed", "top_logprobs")),
        ({"presence_penalty": 0.1, "frequency_penalty": -1, "logit_bias": {"1": 1}}, {}, ("frequency_penalty", "logit_bias", "presence_penalty")),
        ({"store": True, "prediction": {"type": "content", "content": "x"}, "verbosity": "low"}, {}, ("prediction", "store", "verbosity")),
        ({"modalities": ["text", "audio"], "audio": {"voice": "x", "format": "wav"}}, {}, ("audio", "modalities")),
        ({"prompt_cache_key": "k", "prompt_cache_retention": "24h"}, {}, ("prompt_cache_key", "prompt_cache_retention")),
        ({"guided_json": {}, "min_p": 0.1}, {}, ("guided_json", "min_p")),
        ({"n": 1, "seed": None, "store": False, "logprobs": False, "presence_penalty": 0, "verbosity": "medium"}, {}, ()),
    ],
)  # fmt: skip
def test_parameters(fields: dict[str, Any], expected: dict[str, Any], unsupported: tuple[str, ...]) -> None:
    sent = send(**fields)
    least = {"model": HAIKU, "max_tokens": 64000, "messages": [says("user", text("hi"))]}
    assert json.loads(sent.body) == least | expected
    assert sent.unsupported == unsupported


SERVERS = [{"type": "url", "url": "https://x", "name": "m"}]


@pytest.mark.parametrize(
    ("fields", "betas"),
    [
        ({"betas": ["a", "b"]}, "a,b"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}], "betas": ["a"]}, "a,files-api-2025-04-14"),
        ({"mcp_servers": SERVERS}, "mcp-client-2025-11-20"),
        ({"mcp_servers": SERVERS, "betas": ["mcp-client-2025-04-04"]}, "mcp-client-2025-04-04"),
        ({"context_management": {"edits": []}}, "context-management-2025-06-27"),
    ],
)  # fmt: skip
def test_beta_headers(fields: dict[str, Any], betas: str) -> None:
    sent = send(**fields)
    assert dict(sent.headers)["anthropic-beta"] == betas
    assert "betas" not in json.loads(sent.body)
    assert sent.unsupported == ()


@pytest.mark.parametrize(
    ("model", "max_tokens"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-opus-20240229", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-latest", 32000),
        ("claude-opus-4-20250514", 32000),
        ("claude-opus-4-1@20250805", 32000),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64000),
        ("anthropic/claude-opus-4.6", 64000),
        ("claude-fable-5-1", 64000),
        ("claude-mythos-preview", 64000),
        ("claude-opus-latest", 8192),
        ("tiny", 8192),
    ],
)
def test_max_tokens_by_generation(model: str, max_tokens: int) -> None:
    assert body(model)["max_tokens"] == max_tokens
