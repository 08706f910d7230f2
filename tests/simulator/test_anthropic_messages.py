"""The official Anthropic client against the simulator."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from simulator import Simulator
from tests.simulator.known import unknown_fields

WEATHER = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def say(client: anthropic.Anthropic, text: str, **options: Any) -> Any:
    return client.messages.create(
        **{"model": "claude-x", "max_tokens": 2000, "messages": [user(text)]} | options
    )


def test_answer_names_account_model_and_message(anthropic_client: anthropic.Anthropic, account: str) -> None:
    message = say(anthropic_client, "hello there", system="be brief")
    assert [block.text for block in message.content] == [f"Echo from {account}/claude-x: hello there"]
    assert (message.stop_reason, message.stop_sequence, message.model) == ("end_turn", None, "claude-x")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (4, 5)
    assert unknown_fields(message) == []


async def test_async_stream(simulator: Simulator, account: str) -> None:
    url = f"{simulator.url}/{account}"
    async with anthropic.AsyncAnthropic(base_url=url, api_key="key", max_retries=0) as client:
        stream = await client.messages.create(model="m", max_tokens=50, messages=[user("a b")], stream=True)
        events = [event async for event in stream]
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 5,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    deltas = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert deltas == ["Echo", " from", f" {account}/m:", " a", " b"]
    assert events[-2].usage.output_tokens == 5
    assert unknown_fields(events) == []


def test_streamed_and_whole_say_the_same(anthropic_client: anthropic.Anthropic) -> None:
    options: dict[str, Any] = {
        "model": "m",
        "max_tokens": 2000,
        "messages": [user("get_weather, get_time [sim:preamble]")],
        "tools": [WEATHER, TIME],
        "thinking": THINKING,
    }
    whole = anthropic_client.messages.create(**options).model_dump()
    with anthropic_client.messages.stream(**options) as stream:
        streamed = stream.get_final_message().model_dump()
    assert [block["type"] for block in whole["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    for message in (whole, streamed):
        message["id"] = ""
        for block in message["content"]:
            block.pop("id", None)
            block.pop("parsed_output", None)
    assert streamed == whole


def test_tool_call_and_its_result(anthropic_client: anthropic.Anthropic, account: str) -> None:
    first = say(anthropic_client, "use get_weather", tools=[WEATHER, TIME])
    assert first.stop_reason == "tool_use"
    [call] = first.content
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "18 °C"}]}
    history = [user("use get_weather"), first.to_param(), user([result])]
    second = say(anthropic_client, "", messages=history, tools=[WEATHER])
    assert second.content[0].text == f"Echo from {account}/claude-x: the tool said 18 °C"


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("hello", {"type": "any"}, ["get_weather"]),
        ("hello", {"type": "tool", "name": "get_time"}, ["get_time"]),
        ("get_weather", {"type": "none"}, []),
        ("hello", {"type": "auto"}, []),
        ("get_time get_weather", {"type": "auto"}, ["get_weather", "get_time"]),
        ("get_time get_weather", {"type": "auto", "disable_parallel_tool_use": True}, ["get_weather"]),
    ],
)
def test_tool_choice(
    anthropic_client: anthropic.Anthropic, text: str, choice: dict[str, Any], called: list[str]
) -> None:
    message = say(anthropic_client, text, tools=[WEATHER, TIME], tool_choice=choice)
    assert [block.name for block in message.content if block.type == "tool_use"] == called


@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_thinking_comes_back_with_its_signature(anthropic_client: anthropic.Anthropic, display: str) -> None:
    options: dict[str, Any] = {"tools": [WEATHER], "thinking": {**THINKING, "display": display}}
    first = say(anthropic_client, "use get_weather", **options)
    thought, call = first.content
    assert thought.thinking == ("The user said: use get_weather" if display == "summarized" else "")
    assert first.usage.output_tokens_details.thinking_tokens == 5
    result = user([{"type": "tool_result", "tool_use_id": call.id, "content": "18"}])
    question = user("use get_weather")
    assert say(anthropic_client, "", messages=[question, first.to_param(), result], **options).content

    changed = first.model_dump()["content"]
    changed[0]["thinking"] += "!"
    for block in changed:
        block.pop("caller", None)
        block.pop("toolset_name", None)
    history = [question, {"role": "assistant", "content": changed}, result]
    with pytest.raises(anthropic.BadRequestError, match=r"messages.1.content.0: Invalid `signature` in"):
        say(anthropic_client, "", messages=history, **options)


def test_redacted_thinking_comes_back_too(anthropic_client: anthropic.Anthropic) -> None:
    first = say(anthropic_client, "a [sim:redact]", thinking=THINKING)
    assert [block.type for block in first.content] == ["redacted_thinking", "text"]
    history = [user("a"), first.to_param(), user("b")]
    assert say(anthropic_client, "", messages=history).content[0].type == "text"
    block = {"type": "redacted_thinking", "data": first.content[0].data[:-4] + "AAA="}
    history[1] = {"role": "assistant", "content": [block]}
    with pytest.raises(anthropic.BadRequestError, match="redacted_thinking"):
        say(anthropic_client, "", messages=history)


def test_structured_output(anthropic_client: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
        "required": ["city", "population"],
        "additionalProperties": False,
    }
    config = {"format": {"type": "json_schema", "schema": schema}}
    message = say(anthropic_client, "Paris?", output_config=config)
    assert json.loads(message.content[0].text) == {"city": "Paris", "population": 1}


def test_limits_stops_and_refusals(anthropic_client: anthropic.Anthropic, account: str) -> None:
    cut = say(anthropic_client, "one two three", max_tokens=2)
    assert (cut.content[0].text, cut.stop_reason) == ("Echo from", "max_tokens")
    stopped = say(anthropic_client, "one two three", stop_sequences=[" two"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " two")
    assert stopped.content[0].text == f"Echo from {account}/claude-x: one"
    refused = say(anthropic_client, "[sim:refuse]")
    assert (refused.stop_reason, refused.stop_details.type) == ("refusal", "refusal")
    assert say(anthropic_client, "a", max_tokens=0).content == []


def test_prompt_cache(anthropic_client: anthropic.Anthropic) -> None:
    mark = {"type": "ephemeral"}
    system = [{"type": "text", "text": "one two three four", "cache_control": mark}]
    first = say(anthropic_client, "a b", system=system).usage
    assert (first.input_tokens, first.cache_creation_input_tokens, first.cache_read_input_tokens) == (2, 4, 0)
    assert first.cache_creation.ephemeral_5m_input_tokens == 4
    again = say(anthropic_client, "c", system=system).usage
    assert (again.input_tokens, again.cache_creation_input_tokens, again.cache_read_input_tokens) == (1, 0, 4)
    longer = [user([{"type": "text", "text": "five six", "cache_control": {**mark, "ttl": "1h"}}])]
    grown = say(anthropic_client, "", messages=longer, system=system).usage
    assert (grown.cache_creation_input_tokens, grown.cache_read_input_tokens) == (2, 4)
    assert grown.cache_creation.ephemeral_1h_input_tokens == 2
    automatic = say(anthropic_client, "seven", cache_control=mark).usage
    assert (automatic.input_tokens, automatic.cache_creation_input_tokens) == (0, 1)


def test_versions(anthropic_client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"temperature: Extra inputs are not permitted"):
        say(anthropic_client, "a", extra_body={"temperature": 1.0})
    old = {"anthropic-version": "2023-06-01"}
    assert say(anthropic_client, "a", extra_body={"temperature": 0.5}, extra_headers=old).content
    with pytest.raises(anthropic.BadRequestError, match="not a valid version"):
        say(anthropic_client, "a", extra_headers={"anthropic-version": "1999-01-01"})


def test_keys(simulator: Simulator, account: str, anthropic_client: anthropic.Anthropic) -> None:
    simulator.configure(account, api_key="right")
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        say(anthropic_client, "a")
    # Where both are sent, x-api-key counts.
    assert say(anthropic_client, "a", extra_headers={"x-api-key": "right"}).content
    assert say(anthropic_client.with_options(api_key="right"), "a").content
    with pytest.raises(anthropic.AuthenticationError, match="header is required"):
        say(anthropic_client, "a", extra_headers={"Authorization": "Basic eDp5"})


def test_missing_model(anthropic_client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        say(anthropic_client, "a", model="missing-claude")
    assert caught.value.body["error"] == {"type": "not_found_error", "message": "model: missing-claude"}
    assert caught.value.body["request_id"] == caught.value.response.headers["request-id"]


def test_models(anthropic_client: anthropic.Anthropic) -> None:
    models = list(anthropic_client.models.list())
    assert [model.id for model in models] == ["sim-small", "sim-large"]
    assert unknown_fields(models) == []
    assert anthropic_client.models.retrieve("any").id == "any"
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client.models.retrieve("missing-one")


def test_beta_endpoint_is_the_same_path(anthropic_client: anthropic.Anthropic) -> None:
    message = anthropic_client.beta.messages.create(model="m", max_tokens=20, messages=[user("a")])
    assert message.stop_reason == "end_turn"
