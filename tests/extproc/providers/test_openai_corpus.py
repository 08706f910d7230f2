"""Any request, at every vendor of OpenAI's format: valid by OpenAI's types, and each field sent or named."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.chat import completion_create_params as params

from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS
from extproc.providers.openai.vendors import vendor
from simulator.strict import RequestType
from tests.extproc.providers.test_corpus import REQUESTS

KINDS = [
    ("openai", "gpt-4o", ""), ("openai", "o3", ""), ("openai", "gpt-5.1", ""), ("azure_openai", "gpt-5", ""),
    ("azure_openai", "d", "2024-10-21"), ("azure_openai", "d", "2024-06-01"), ("vllm", "m", ""), ("ollama", "m", ""),
    ("together", "m", ""), ("groq", "m", ""), ("mistral", "m", ""), ("deepseek", "deepseek-reasoner", ""),
    ("openrouter", "openai/gpt-5", ""), ("xai", "grok-4", ""), ("cerebras", "m", ""), ("fireworks", "m", ""),
]  # fmt: skip
TYPES = {
    True: RequestType(params.CompletionCreateParamsStreaming),
    False: RequestType(params.CompletionCreateParamsNonStreaming),
}
ALWAYS = {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"}
OURS = {"audio", "cache_control", "annotations", "reasoning", "reasoning_content", "prompt_cache_breakpoint"}
"""Keys inside messages and tools that OpenAI's types of requests do not have."""


def without_ours(value: Any) -> Any:
    if isinstance(value, list):
        return [without_ours(inner) for inner in value]
    if isinstance(value, dict):
        return {key: without_ours(inner) for key, inner in value.items() if key not in OURS}
    return value


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REQUESTS, st.sampled_from(KINDS))
def test_any_request(asked: dict[str, Any], at: tuple[str, str, str]) -> None:
    kind, model, api_version = at
    row = vendor(kind, api_version)
    target = Target(
        leaf="l", provider="p", type=kind, wire_format="openai", base_path="/v1", api_version=api_version
    )
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    sent = WIRE_FORMATS["openai"].write_request(request, target, model)
    names = {theirs: ours for ours, theirs in row.renamed}
    body = {names.get(key, key): value for key, value in json.loads(sent.body).items()}

    problem = TYPES[bool(body.get("stream"))].check(without_ours(body))
    assert problem is None, problem

    typed = {
        "temperature": request.temperature, "top_p": request.top_p, "stop": request.stop or None,
        "tools": request.tools or None, "tool_choice": request.tool_choice, "user": request.user,
        "parallel_tool_calls": request.parallel_tool_calls, "response_format": request.response_format,
        "reasoning_effort": request.reasoning_effort, "service_tier": request.service_tier,
    }  # fmt: skip
    wanted = {name for name, value in typed.items() if value is not None} | set(request.plain)
    got = body.keys() - ALWAYS - request.extra.keys()
    named = {"tool_choice" if name == "function_call" else name for name in sent.unsupported}
    named -= {"messages.name", "stream_options"}
    assert len(sent.unsupported) == len(set(sent.unsupported))
    assert not got & named
    silent = wanted - got - named
    assert all(name in ("temperature", "top_p") and typed[name] == 1 for name in silent)
    assert got | named | silent == wanted
    assert row.knows is None or got <= row.knows
    limits = body.keys() & {"max_tokens", "max_completion_tokens"}
    assert limits == (set() if request.max_tokens is None else {row.limit})
