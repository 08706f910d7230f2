"""The official openai SDK against Gemini behind a running gateway, at AI Studio and on Vertex AI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pydantic
import pytest

from extproc.providers.google.messages import UNSIGNED
from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import Gateway, running_gateway
from tests.e2e.test_sdk import WEATHER, user

MODELS = ["studio", "vertex", "studio/gemini-3.6-flash"]
SAID = {"studio": "gemini", "vertex": "cloud", "studio/gemini-3.6-flash": "gemini"}
"""Which account a model leads to."""
NEVER = "{consecutive_errors: 1000}"


class City(pydantic.BaseModel):
    name: str
    population: int


@pytest.fixture(scope="module")
def accounts_of_google(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    return Accounts(simulator, tmp_path_factory.mktemp("google"))


@pytest.fixture(scope="module")
def gateway(accounts_of_google: Accounts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    accounts = accounts_of_google
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  gemini: {accounts.provider("gemini", "google_ai", circuit_breaker=NEVER)}
  cloud: {accounts.provider("cloud", "vertex_ai")}
models:
  studio: {{target: gemini/gemini-3.6-flash}}
  vertex: {{target: cloud/gemini-3.6-flash}}
  older: {{target: gemini/gemini-2.5-flash}}
  strict: {{target: gemini/gemini-3.6-flash, unsupported_fields: reject}}
  failover:
    targets:
      - {{provider: gemini, model: gemini-3.6-flash}}
      - {{provider: cloud, model: gemini-3.6-flash, priority: 1}}
  studio/*: {{target: gemini/*}}
"""
    directory = tmp_path_factory.mktemp("gateway")
    for name in ("gemini", "cloud"):
        (directory / f"{name}.key").write_text(accounts.key(name) + "\n")
    with running_gateway(directory, config) as gateway:
        yield gateway
    for name in ("gemini", "cloud"):
        assert accounts.simulator.requests(account=accounts.full(name))


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


def bodies(accounts: Accounts, model: str) -> list[dict[str, Any]]:
    """What reached the provider behind `model`."""
    return [request["body"] for request in accounts.simulator.requests(account=accounts.full(SAID[model]))]


@pytest.mark.parametrize("model", MODELS)
class TestChat:
    def test_unary(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.create(model=model, messages=user("hello gemini"))
        assert "hello gemini" in (completion.choices[0].message.content or "")
        assert (completion.choices[0].finish_reason, completion.model) == ("stop", model)
        usage = completion.usage
        assert usage is not None
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens

    def test_stream(self, client: openai.OpenAI, model: str) -> None:
        stream = client.chat.completions.create(
            model=model, messages=user("hello stream"), stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = list(stream)
        assert len({chunk.id for chunk in [*chunks, last]}) == 1
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "hello stream" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
        assert last.usage is not None
        assert last.usage.completion_tokens > 0

    def test_system_messages_and_parameters(self, client: openai.OpenAI, model: str) -> None:
        messages: Any = [
            {"role": "developer", "content": "Be brief."},
            *user("first"),
            {"role": "assistant", "content": "yes"},
            *user("second"),
        ]
        raw = client.chat.completions.with_raw_response.create(
            model=model,
            messages=messages,
            temperature=1.5,
            max_tokens=100,
            stop=["never"],
            top_p=0.9,
            seed=7,
            n=2,
            logprobs=True,
            top_logprobs=1,
            presence_penalty=0.5,
        )
        assert "x-llm-gateway-degraded" not in raw.headers
        completion = raw.parse()
        assert [choice.index for choice in completion.choices] == [0, 1]
        assert all("second" in (choice.message.content or "") for choice in completion.choices)
        logprobs = completion.choices[0].logprobs
        assert logprobs is not None
        assert logprobs.content

    def test_length(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.create(
            model=model, messages=user("one two three four five six"), max_tokens=3
        )
        assert completion.choices[0].finish_reason == "length"

    def test_tools_and_choices(self, client: openai.OpenAI, model: str) -> None:
        time: Any = json.loads(json.dumps(WEATHER).replace("get_weather", "get_time"))
        asked: Any = {"model": model, "tools": [WEATHER, time]}

        def called(text: str, **more: Any) -> list[str]:
            message = client.chat.completions.create(messages=user(text), **asked, **more).choices[0].message
            return [call.function.name for call in message.tool_calls or []]

        assert called("get_weather and get_time") == ["get_weather", "get_time"]
        named = {"type": "function", "function": {"name": "get_time"}}
        assert called("hello", tool_choice=named) == ["get_time"]
        assert called("hello", tool_choice="required") == ["get_weather"]
        assert called("get_weather please", tool_choice="none") == []

    def test_parse(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.parse(model=model, messages=user("a city"), response_format=City)
        assert isinstance(completion.choices[0].message.parsed, City)

    def test_images_audio_and_files(self, client: openai.OpenAI, model: str) -> None:
        parts: Any = [
            {"type": "text", "text": "what is this"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
        ]
        completion = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": parts}]
        )
        assert "what is this" in (completion.choices[0].message.content or "")

    @pytest.mark.parametrize("effort", ["low", None])
    @pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
    def test_signatures_survive_two_turns(
        self,
        client: openai.OpenAI,
        model: str,
        accounts_of_google: Accounts,
        stream: bool,
        effort: Any,
    ) -> None:
        """The simulator refuses a turn whose calls lack their signature, and one that it did not make."""
        messages = user("What is the weather in Paris? Use get_weather.")
        asked: Any = {"model": model, "tools": [WEATHER]} | ({"reasoning_effort": effort} if effort else {})
        first = _answer(client, stream=stream, messages=messages, **asked)
        assert ("reasoning_content" in first) is (effort is not None)
        result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "21 degrees"}
        answer = client.chat.completions.create(messages=[*messages, first, result], **asked)
        assert "21 degrees" in (answer.choices[0].message.content or "")
        sent = bodies(accounts_of_google, model)[-1]
        [call] = [part for part in sent["contents"][1]["parts"] if "functionCall" in part]
        assert call["thoughtSignature"] != UNSIGNED

    def test_clients_that_know_no_signatures(self, client: openai.OpenAI, model: str) -> None:
        messages = user("What is the weather in Paris? Use get_weather.")
        asked: Any = {"model": model, "tools": [WEATHER]}
        first = client.chat.completions.create(messages=messages, **asked).choices[0].message
        calls: Any = first.tool_calls
        plain = {"role": "assistant", "tool_calls": [call.model_dump() for call in calls]}
        result = {"role": "tool", "tool_call_id": calls[0].id, "content": "21 degrees"}
        answer = client.chat.completions.create(messages=[*messages, plain, result], **asked)
        assert "21 degrees" in (answer.choices[0].message.content or "")

    def test_web_search(self, client: openai.OpenAI, model: str) -> None:
        message = (
            client.chat.completions.create(model=model, messages=user("hello"), web_search_options={})
            .choices[0]
            .message
        )
        [annotation] = message.annotations or []
        cited = annotation.url_citation
        assert cited.url == "https://example.com/source"
        assert (message.content or "")[cited.start_index : cited.end_index] == message.content

    def test_cached_tokens_come_back(self, client: openai.OpenAI, model: str) -> None:
        messages: Any = [{"role": "system", "content": f"long context of {model} " * 700}, *user("hello")]
        client.chat.completions.create(model=model, messages=messages)
        usage: Any = client.chat.completions.create(model=model, messages=messages).usage
        assert usage.prompt_tokens_details.cached_tokens

    def test_what_cannot_be_honoured_is_named(self, client: openai.OpenAI, model: str) -> None:
        raw = client.chat.completions.with_raw_response.create(
            model=model, messages=user("hello"), logit_bias={"50256": -100}, store=True
        )
        assert set(raw.headers["x-llm-gateway-degraded"].split(", ")) == {"logit_bias", "store"}

    def test_what_cannot_be_carried_is_refused(self, client: openai.OpenAI, model: str) -> None:
        gif: Any = [{"type": "image_url", "image_url": {"url": "data:image/gif;base64,AAAA"}}]
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": gif}])
        assert raised.value.param == "messages[0].content[0]"

    def test_the_content_filter(self, client: openai.OpenAI, model: str) -> None:
        completion = client.chat.completions.create(model=model, messages=user("hello [sim:filter]"))
        choice: Any = completion.choices[0]
        assert (choice.finish_reason, choice.native_finish_reason) == ("content_filter", "SAFETY")

    def test_bad_requests_keep_the_providers_words(self, client: openai.OpenAI, model: str) -> None:
        tools: Any = [{"type": "function", "function": {"name": "1st"}}]
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=model, messages=user("x"), tools=tools)
        assert "Invalid function name" in raised.value.message


def _answer(client: openai.OpenAI, *, stream: bool, **asked: Any) -> dict[str, Any]:
    """The message as a client would send it back."""
    found: dict[str, Any]
    if not stream:
        found = client.chat.completions.create(**asked).choices[0].message.model_dump(exclude_none=True)
        return found
    with client.chat.completions.stream(**asked) as events:
        found = events.get_final_completion().choices[0].message.model_dump(exclude_none=True)
    found.pop("parsed", None)
    for call in found["tool_calls"]:
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return found


def test_thinking_by_budget(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="older", messages=user("think"), reasoning_effort="low")
    message: Any = completion.choices[0].message
    assert message.reasoning_content == "The user said: think"
    usage: Any = completion.usage
    assert usage.completion_tokens_details.reasoning_tokens == 4


def test_the_policy_reject(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="strict", messages=user("x"), logit_bias={"1": 1})
    assert (raised.value.code, raised.value.param) == ("unsupported_field", "logit_bias")


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429}, {"status": 403}, {"error_after_events": 0}, {"end_after_events": 0}]
)  # fmt: skip
def test_failover(
    client: openai.OpenAI, accounts_of_google: Accounts, stream: bool, fault: dict[str, Any]
) -> None:
    if not stream and "status" not in fault:
        fault = {"empty_body": True}
    accounts_of_google.fault("gemini", **fault)
    try:
        asked: Any = {"model": "failover", "messages": user("over")}
        if stream:
            text = "".join(
                chunk.choices[0].delta.content or ""
                for chunk in client.chat.completions.create(**asked, stream=True)
            )
        else:
            text = client.chat.completions.create(**asked).choices[0].message.content or ""
    finally:
        accounts_of_google.clear("gemini")
    assert accounts_of_google.full("cloud") in text


def test_a_stream_that_breaks_off_is_an_error(client: openai.OpenAI, accounts_of_google: Accounts) -> None:
    accounts_of_google.fault("gemini", end_after_events=2)
    try:
        with pytest.raises(openai.APIError, match="ended before its answer did"):
            list(client.chat.completions.create(model="studio", messages=user("a b c"), stream=True))
    finally:
        accounts_of_google.clear("gemini")


def test_how_long_to_wait_is_told_in_a_header(client: openai.OpenAI, accounts_of_google: Accounts) -> None:
    """Google says it in the body."""
    accounts_of_google.fault("gemini", status=429)
    try:
        with pytest.raises(openai.RateLimitError) as raised:
            client.chat.completions.create(model="studio", messages=user("x"))
    finally:
        accounts_of_google.clear("gemini")
    assert raised.value.response.headers["retry-after"] == "7"


def test_credentials(accounts_of_google: Accounts, client: openai.OpenAI) -> None:
    for model in ("studio", "vertex"):
        client.chat.completions.create(model=model, messages=user("x"))
    accounts_of_google.check_credentials()
