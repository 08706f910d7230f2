"""The official openai SDK, unchanged, against a running gateway: both formats, native, renamed, translated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pydantic
import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import Gateway, running_gateway

MODELS = ["native", "renamed", "translated", "failover", "any/gpt-x", "claudes/claude-haiku-4-5"]
"""Each way through the gateway."""
TRANSLATED = {"translated", "claudes/claude-haiku-4-5"}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(pydantic.BaseModel):
    name: str
    population: int


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def gateway(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("sdk")
    accounts = Accounts(simulator, directory)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  claude: {accounts.provider("claude", "anthropic")}
models:
  native: {{target: openai/native}}
  renamed: {{target: openai/gpt-4o}}
  translated: {{target: claude/claude-haiku-4-5}}
  failover:
    targets:
      - {{provider: openai, model: gpt-4o}}
      - {{provider: claude, model: claude-haiku-4-5, priority: 1}}
  any/*: {{target: openai/*}}
  claudes/*: {{target: claude/*}}
"""
    with running_gateway(directory, config) as gateway:
        yield gateway
    accounts.check_credentials()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
class TestChat:
    def test_unary(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.create(model=model, messages=user("hello gateway"))
        choice = completion.choices[0]
        assert choice.message.role == "assistant"
        assert "hello gateway" in (choice.message.content or "")
        assert choice.finish_reason == "stop"
        assert completion.usage is not None
        assert (
            completion.usage.total_tokens
            == completion.usage.prompt_tokens + completion.usage.completion_tokens
        )
        if model in TRANSLATED:
            assert completion.model == model

    def test_stream(self, client: openai.OpenAI, model: str) -> None:
        chunks = list(client.chat.completions.create(model=model, messages=user("hello stream"), stream=True))
        assert len({chunk.id for chunk in chunks}) == 1
        assert chunks[0].choices[0].delta.role == "assistant"
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert "hello stream" in text
        assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
        assert not any(chunk.usage for chunk in chunks)

    def test_usage_in_a_stream_when_asked(self, client: openai.OpenAI, model: str) -> None:
        stream = client.chat.completions.create(
            model=model, messages=user("count me"), stream=True, stream_options={"include_usage": True}
        )
        *others, last = list(stream)
        assert last.choices == []
        assert last.usage is not None
        assert last.usage.completion_tokens > 0
        assert not any(chunk.usage for chunk in others)

    def test_stream_helper(self, client: openai.OpenAI, model: str) -> None:
        with client.chat.completions.stream(model=model, messages=user("hello helper")) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_completion()
        assert {"chunk", "content.delta", "content.done"} <= kinds
        assert "hello helper" in (final.choices[0].message.content or "")

    def test_system_messages_and_parameters(self, client: openai.OpenAI, model: str) -> None:
        messages: Any = [
            {"role": "developer", "content": "Be brief."},
            *user("first"),
            {"role": "assistant", "content": "yes"},
            {"role": "system", "content": [{"type": "text", "text": "Really."}]},
            *user("second"),
        ]
        completion = client.chat.completions.create(
            model=model,
            messages=messages,
            temperature=0.5,
            max_tokens=100,
            stop=["never"],
            top_p=0.9,
            user="u-1",
        )
        assert "second" in (completion.choices[0].message.content or "")

    def test_length(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.create(
            model=model, messages=user("one two three four five six seven"), max_tokens=3
        )
        assert completion.choices[0].finish_reason == "length"

    @pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
    def test_tool_round_trip(self, client: openai.OpenAI, model: str, stream: bool) -> None:
        messages = user("What is the weather in Paris? Use get_weather.")
        if stream:
            with client.chat.completions.stream(model=model, messages=messages, tools=[WEATHER]) as events:
                first = events.get_final_completion().choices[0]
        else:
            first = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER]).choices[0]
        assert first.finish_reason == "tool_calls"
        calls: Any = first.message.tool_calls
        assert [call.function.name for call in calls] == ["get_weather"]
        assert json.loads(calls[0].function.arguments) == {"city": "Paris"}
        messages += [
            first.message.model_dump(exclude_none=True, exclude={"parsed"}),
            {"role": "tool", "tool_call_id": calls[0].id, "content": "21 degrees"},
        ]
        for call in messages[1]["tool_calls"]:  # what the stream helper adds
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        answer = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
        assert "21 degrees" in (answer.choices[0].message.content or "")

    def test_parallel_tools_and_choices(self, client: openai.OpenAI, model: str) -> None:
        time: Any = json.loads(json.dumps(WEATHER).replace("get_weather", "get_time"))
        both = client.chat.completions.create(
            model=model, messages=user("get_weather and get_time for Paris"), tools=[WEATHER, time]
        )
        names = {
            call.function.name for call in both.choices[0].message.tool_calls or [] if call.type == "function"
        }
        assert names == {"get_weather", "get_time"}
        named = client.chat.completions.create(
            model=model,
            messages=user("hello"),
            tools=[WEATHER, time],
            tool_choice={"type": "function", "function": {"name": "get_time"}},
        )
        assert [
            c.function.name for c in named.choices[0].message.tool_calls or [] if c.type == "function"
        ] == ["get_time"]
        none = client.chat.completions.create(
            model=model, messages=user("get_weather please"), tools=[WEATHER], tool_choice="none"
        )
        assert none.choices[0].message.tool_calls is None

    def test_parse(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.parse(model=model, messages=user("a city"), response_format=City)
        assert isinstance(completion.choices[0].message.parsed, City)

    def test_images(self, client: openai.OpenAI, model: str) -> None:
        pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        parts: Any = [
            {"type": "text", "text": "what is this"},
            {"type": "image_url", "image_url": {"url": pixel}},
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        ]
        completion = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": parts}]
        )
        assert "what is this" in (completion.choices[0].message.content or "")

    async def test_async(self, gateway: Gateway, model: str) -> None:
        async with gateway.async_openai(timeout=30) as client:
            unary = await client.chat.completions.create(model=model, messages=user("hello async"))
            assert "hello async" in (unary.choices[0].message.content or "")
            stream = await client.chat.completions.create(model=model, messages=user("hello"), stream=True)
            assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "stop"
            async with client.chat.completions.stream(model=model, messages=user("helper")) as helper:
                final = await helper.get_final_completion()
            assert "helper" in (final.choices[0].message.content or "")
            asked: Any = {"model": model, "messages": user("get_weather in Paris"), "tools": [WEATHER]}
            called: Any = (await client.chat.completions.create(**asked)).choices[0].message.tool_calls
            assert json.loads(called[0].function.arguments) == {"city": "Paris"}
            parsed = await client.chat.completions.parse(
                model=model, messages=user("a city"), response_format=City
            )
            assert isinstance(parsed.choices[0].message.parsed, City)
            many = await asyncio.gather(
                *(
                    client.chat.completions.create(model=model, messages=user(f"number {n}"))
                    for n in range(30)
                )
            )
        assert [f"number {n}" in (c.choices[0].message.content or "") for n, c in enumerate(many)] == [
            True
        ] * 30

    def test_bad_requests_name_the_field(self, client: openai.OpenAI, model: str) -> None:
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=model, messages="hello")  # type: ignore[call-overload]
        assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize("model", sorted(TRANSLATED))
class TestTranslated:
    def test_thinking_survives_two_turns(self, client: openai.OpenAI, model: str) -> None:
        """The simulator refuses a turn whose signature is not the one it gave."""
        messages = user("What is the weather in Paris? Use get_weather.")
        for stream in (False, True):
            first = self._think(client, model, messages, stream=stream)
            assert first["reasoning_content"]
            result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "21 degrees"}
            answer = client.chat.completions.create(
                model=model, messages=[*messages, first, result], tools=[WEATHER], reasoning_effort="low"
            )
            assert "21 degrees" in (answer.choices[0].message.content or "")

    def _think(self, client: openai.OpenAI, model: str, messages: Any, *, stream: bool) -> dict[str, Any]:
        asked: Any = {"model": model, "messages": messages, "tools": [WEATHER], "reasoning_effort": "low"}
        if not stream:
            message: dict[str, Any] = (
                client.chat.completions.create(**asked).choices[0].message.model_dump(exclude_none=True)
            )
            return message
        with client.chat.completions.stream(**asked) as events:
            found = events.get_final_completion().choices[0].message.model_dump(exclude_none=True)
        found.pop("parsed", None)
        for call in found["tool_calls"]:
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        return found

    def test_fields_that_the_provider_cannot_honour_are_named(
        self, client: openai.OpenAI, model: str
    ) -> None:
        raw = client.chat.completions.with_raw_response.create(
            model=model, messages=user("hello"), seed=7, logit_bias={"50256": -100}
        )
        degraded = set(raw.headers["x-llm-gateway-degraded"].split(", "))
        assert degraded == {"seed", "logit_bias"}

    def test_cache_marks_reach_the_provider_and_cached_tokens_come_back(
        self, client: openai.OpenAI, model: str
    ) -> None:
        system = {"type": "text", "text": "long context " * 2000, "cache_control": {"type": "ephemeral"}}
        messages: Any = [{"role": "system", "content": [system]}, *user("hello")]
        client.chat.completions.create(model=model, messages=messages)
        usage = client.chat.completions.create(model=model, messages=messages).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.prompt_tokens_details.cached_tokens

    def test_what_cannot_be_carried_at_all_is_refused(self, client: openai.OpenAI, model: str) -> None:
        audio: Any = [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": audio}])
        assert raised.value.param is not None
        assert raised.value.param.startswith("messages")


class TestModels:
    def test_list(self, client: openai.OpenAI) -> None:
        assert {model.id for model in client.models.list()} >= {"native", "translated", "any/*"}

    @pytest.mark.parametrize("model", ["native", "any/*"])
    def test_retrieve(self, client: openai.OpenAI, model: str) -> None:
        assert client.models.retrieve(model).id == model

    def test_retrieve_unknown(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as raised:
            client.models.retrieve("nonesuch")
        assert raised.value.code == "model_not_found"

    def test_unknown_model(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as raised:
            client.chat.completions.create(model="nonesuch", messages=user("hello"))
        assert raised.value.code == "model_not_found"
        assert raised.value.param == "model"
