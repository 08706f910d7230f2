"""The official OpenAI client against the simulator."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from simulator import Simulator
from tests.simulator.known import unknown_fields

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}
TIME = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}},
}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def say(client: openai.OpenAI, text: str, **options: Any) -> Any:
    return client.chat.completions.create(model="gpt-4o", messages=[user(text)], **options)


def test_answer_names_account_model_and_message(openai_client: openai.OpenAI, account: str) -> None:
    completion = say(openai_client, "hello there")
    assert completion.choices[0].message.content == f"Echo from {account}/gpt-4o: hello there"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "gpt-4o"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (2, 5)
    assert completion.usage.total_tokens == 7
    assert unknown_fields(completion) == []


def test_last_user_message_counts_and_parts_are_joined(openai_client: openai.OpenAI, account: str) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    messages = [
        {"role": "system", "content": "be brief"},
        user("first"),
        {"role": "assistant", "content": "yes"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "what is"}, image, {"type": "text", "text": "this"}],
        },
    ]
    completion = openai_client.chat.completions.create(model="m", messages=messages)
    assert completion.choices[0].message.content == f"Echo from {account}/m: what is this"
    assert completion.usage.prompt_tokens == 2 + 1 + 1 + 2 + 100 + 1


async def test_async_stream(simulator: Simulator, account: str) -> None:
    url = f"{simulator.url}/{account}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="key", max_retries=0) as client:
        stream = await client.chat.completions.create(model="m", messages=[user("a b")], stream=True)
        pieces = [chunk.choices[0].delta.content async for chunk in stream]
    assert pieces == ["", "Echo", " from", f" {account}/m:", " a", " b", None]


def test_stream_order_and_usage_chunk(openai_client: openai.OpenAI) -> None:
    chunks = list(say(openai_client, "a", stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 4
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert unknown_fields(chunks) == []


def test_no_usage_and_no_padding_unless_wanted(openai_client: openai.OpenAI) -> None:
    chunks = list(say(openai_client, "a", stream=True, stream_options={"include_obfuscation": False}))
    assert all(chunk.choices for chunk in chunks)
    assert not any({"usage", "obfuscation"} & chunk.model_fields_set for chunk in chunks)


def test_tool_call_and_its_result(openai_client: openai.OpenAI, account: str) -> None:
    first = say(openai_client, "use get_weather please", tools=[WEATHER, TIME])
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    [call] = message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    assert unknown_fields(first) == []
    history = [
        user("use get_weather please"),
        message,
        {"role": "tool", "tool_call_id": call.id, "content": "18 °C"},
    ]
    second = openai_client.chat.completions.create(model="m", messages=history, tools=[WEATHER])
    assert second.choices[0].message.content == f"Echo from {account}/m: the tool said 18 °C"


def test_parallel_tool_calls_streamed(openai_client: openai.OpenAI) -> None:
    with openai_client.chat.completions.stream(
        model="m", messages=[user("get_time and get_weather [sim:preamble]")], tools=[WEATHER, TIME]
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["get_weather", "get_time"]
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [{"city": "Paris"}, {}]
    assert len({call.id for call in message.tool_calls}) == 2
    assert message.content.endswith("calls a tool.")


@pytest.mark.parametrize(
    ("options", "called"),
    [
        ({"tool_choice": "required"}, ["get_weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, ["get_time"]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": "auto"}, []),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "get_time"}}],
                    },
                }
            },
            ["get_time"],
        ),
    ],
    ids=["required", "named", "none", "auto", "allowed"],
)
def test_tool_choice(openai_client: openai.OpenAI, options: dict[str, Any], called: list[str]) -> None:
    message = say(openai_client, "hello", tools=[WEATHER, TIME], **options).choices[0].message
    assert [call.function.name for call in message.tool_calls or ()] == called


def test_one_call_unless_parallel(openai_client: openai.OpenAI) -> None:
    options = {"tools": [WEATHER, TIME], "parallel_tool_calls": False}
    message = say(openai_client, "get_time get_weather", **options).choices[0].message
    assert len(message.tool_calls) == 1


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def test_parse(openai_client: openai.OpenAI) -> None:
    completion = openai_client.chat.completions.parse(
        model="m", messages=[user("who")], response_format=Person
    )
    assert completion.choices[0].message.parsed == Person(name="Ada", age=1, tags=["tags"])


def test_json_object(openai_client: openai.OpenAI) -> None:
    completion = say(openai_client, "as json", response_format={"type": "json_object"})
    assert json.loads(completion.choices[0].message.content) == {"echo": "as json"}


def test_limits_and_stops(openai_client: openai.OpenAI, account: str) -> None:
    cut = say(openai_client, "one two three", max_completion_tokens=2).choices[0]
    assert (cut.message.content, cut.finish_reason) == ("Echo from", "length")
    stopped = say(openai_client, "one two three", stop=[" three", " two"]).choices[0]
    assert (stopped.message.content, stopped.finish_reason) == (f"Echo from {account}/gpt-4o: one", "stop")


def test_several_choices(openai_client: openai.OpenAI) -> None:
    assert [choice.index for choice in say(openai_client, "a", n=2).choices] == [0, 1]
    indices = [chunk.choices[0].index for chunk in say(openai_client, "a", n=2, stream=True)]
    assert set(indices) == {0, 1}


def test_reasoning_counts(openai_client: openai.OpenAI) -> None:
    usage = say(openai_client, "a b", reasoning_effort="low").usage
    assert usage.completion_tokens_details.reasoning_tokens == 5
    assert usage.completion_tokens == 5 + 5
    assert (
        say(openai_client, "a", reasoning_effort="none").usage.completion_tokens_details.reasoning_tokens == 0
    )


def test_refusal_and_filter(openai_client: openai.OpenAI) -> None:
    refused = say(openai_client, "[sim:refuse]").choices[0]
    assert (refused.message.content, refused.finish_reason) == (None, "stop")
    assert refused.message.refusal == "I cannot help with that."
    with openai_client.chat.completions.stream(model="m", messages=[user("[sim:refuse]")]) as stream:
        assert stream.get_final_completion().choices[0].message.refusal == "I cannot help with that."
    assert say(openai_client, "[sim:filter]").choices[0].finish_reason == "content_filter"


def test_chunks_directive(openai_client: openai.OpenAI, account: str) -> None:
    stream = say(openai_client, "hi [sim:chunks=100,delay=0.0001]", stream=True)
    pieces = [chunk.choices[0].delta.content for chunk in stream]
    texts = [piece for piece in pieces if piece]
    assert texts == [f"Echo from {account}/gpt-4o: hi", *(f" {number}" for number in range(2, 101))]


def test_long_prompts_are_cached(openai_client: openai.OpenAI) -> None:
    text = "word " * 1500
    assert say(openai_client, text).usage.prompt_tokens_details.cached_tokens == 0
    assert say(openai_client, text).usage.prompt_tokens_details.cached_tokens == 1408


def test_long_messages_are_not_echoed_whole(openai_client: openai.OpenAI) -> None:
    content = say(openai_client, "x" * 12_000_000).choices[0].message.content
    assert content.endswith("x…")
    assert len(content) < 2_200


def test_models(openai_client: openai.OpenAI, simulator: Simulator, account: str) -> None:
    simulator.configure(account, models=["a", "b"])
    assert [model.id for model in openai_client.models.list()] == ["a", "b"]
    model = openai_client.models.retrieve("anything")
    assert (model.id, unknown_fields(model)) == ("anything", [])
    with pytest.raises(openai.NotFoundError):
        openai_client.models.retrieve("missing-model")


def test_missing_model(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.chat.completions.create(model="missing-gpt", messages=[user("a")])
    assert caught.value.code == "model_not_found"


def test_keys(simulator: Simulator, account: str) -> None:
    simulator.configure(account, api_key="right")
    with openai.OpenAI(base_url=f"{simulator.url}/{account}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            say(client, "a")
        assert caught.value.code == "invalid_api_key"
        assert say(client.with_options(api_key="right"), "a").choices
        with pytest.raises(openai.AuthenticationError):
            say(client, "a", extra_headers={"Authorization": "Basic eDp5"})


def test_vendor_fields_where_the_account_allows_them(
    openai_client: openai.OpenAI, simulator: Simulator, account: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        say(openai_client, "a", extra_body={"top_k": 3})
    assert (caught.value.param, caught.value.code) == ("top_k", "unknown_parameter")
    simulator.configure(account, allow_unknown_fields=True)
    assert say(openai_client, "a", extra_body={"top_k": 3}).choices
