"""Streams hold what the real providers' recorded streams hold, in the same order, key by key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.raw import ask
from tests.simulator.recorded import RECORDED

LATER = {".obfuscation", ".service_tier", ".choices[].delta.refusal"}
"""Keys of OpenAI's streams that are newer than the recording."""

QUESTION = {"role": "user", "content": "use get_weather"}
ANTHROPIC = {
    "model": "m",
    "max_tokens": 2000,
    "stream": True,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "messages": [QUESTION],
    "tools": [{"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {}}}}],
}
OPENAI = {
    "model": "m",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [QUESTION],
    "tools": [
        {"type": "function", "function": {"name": "get_weather", "parameters": {"properties": {"city": {}}}}}
    ],
}


def recorded(name: str) -> bytes:
    path = RECORDED / name
    if not path.exists():
        pytest.skip("the recorded traffic is not here")
    return path.read_bytes()


def events(stream: bytes) -> list[Any]:
    found = [line.removeprefix(b"data: ") for line in stream.splitlines() if line.startswith(b"data: ")]
    return ["[DONE]" if line == b"[DONE]" else json.loads(line) for line in found]


def kind(event: Any) -> str:
    """What an event is, as far as order goes."""
    if event == "[DONE]":
        return event
    if "type" in event:
        inner = event.get("content_block") or event.get("delta") or {}
        return f"{event['type']} {inner.get('type', '')}".strip()
    if not event["choices"]:
        return "usage"
    [choice] = event["choices"]
    calls = choice["delta"].get("tool_calls")
    said = (
        "role"
        if "role" in choice["delta"]
        else "call"
        if calls and "id" in calls[0]
        else "arguments"
        if calls
        else ""
    )
    return f"{said} {choice['finish_reason']}"


def keys(value: Any, place: str = "") -> set[str]:
    if isinstance(value, list):
        return {found for item in value for found in keys(item, f"{place}[]")}
    if isinstance(value, dict):
        return {f"{place}.{key}" for key in value} | {
            found for key, item in value.items() for found in keys(item, f"{place}.{key}")
        }
    return set()


@pytest.mark.parametrize(
    ("path", "body", "recording"),
    [
        (
            "messages",
            ANTHROPIC,
            "anthropic/fixed_version_tool_chain_with_thinking_display_regression.response.sse",
        ),
        (
            "chat/completions",
            OPENAI,
            "openai/async_chat_completion_multiple_tools_streaming_no_content.response.sse",
        ),
    ],
    ids=["anthropic", "openai"],
)
def test_same_events_and_no_key_that_the_provider_lacks(
    simulator: Simulator, account: str, path: str, body: dict[str, Any], recording: str
) -> None:
    real = events(recorded(recording))
    simulated = events(b"".join(ask(simulator, f"/{account}/v1/{path}", body).chunks))
    assert first_of_each(simulated) == first_of_each(real)
    known = {found for event in real for found in keys(event)}
    assert {found for event in simulated for found in keys(event)} - known <= LATER


def first_of_each(stream: list[Any]) -> list[str]:
    return list(dict.fromkeys(map(kind, stream)))
