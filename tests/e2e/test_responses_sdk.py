"""The official openai SDK's Responses API against a running gateway: native with state, translated without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import Gateway, running_gateway
from tests.extproc.dialects.responses_client import follow

NATIVE = ["openai", "azure_openai", "native", "failover"]
TRANSLATED = ["vllm", "ollama", "together", "dated_azure", "anthropic", "google_ai", "aws_bedrock"]
WAYS = ["native", "failover", "dated_azure"]
"""Beside the types of providers, which are in test_every_provider.py."""
THINKS = ["anthropic", "google_ai", "aws_bedrock"]
"""Models whose provider gives a proof of what they thought."""
NAMES = {
    "anthropic": "claude-haiku-4-5",
    "google_ai": "gemini-3-pro-preview",
    "aws_bedrock": "anthropic.claude-3-7-sonnet-20250219-v1:0",
}
PATIENT = "{consecutive_errors: 1000}"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": False,
}


class City(pydantic.BaseModel):
    name: str
    population: int


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("responses")


@pytest.fixture(scope="module")
def accounts(simulator: Simulator, directory: Path) -> Iterator[Accounts]:
    found = Accounts(simulator, directory)
    yield found
    found.check_credentials()


@pytest.fixture(scope="module")
def gateway(accounts: Accounts, directory: Path) -> Iterator[Gateway]:
    kinds = ["openai", "azure_openai", *(name for name in TRANSLATED if name != "dated_azure")]
    providers = "\n".join(f"  {kind}: {accounts.provider(kind, kind)}" for kind in kinds)
    models = "\n".join(f"  {kind}: {{target: '{kind}/{NAMES.get(kind, kind)}'}}" for kind in kinds)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
{providers}
  dated_azure: {accounts.provider("dated_azure", "azure_openai", api_version="'2024-10-21'")}
  down: {accounts.provider("down", "openai", circuit_breaker=PATIENT)}
models:
{models}
  dated_azure: {{target: dated_azure/gpt-4o}}
  native: {{target: openai/native}}
  failover:
    targets:
      - {{provider: down, model: gpt-5}}
      - {{provider: openai, model: gpt-5, priority: 1}}
  away:
    targets:
      - {{provider: down, model: gpt-5}}
      - {{provider: anthropic, model: claude-haiku-4-5, priority: 1}}
  watched:
    targets:
      - {{provider: openai, model: gpt-5}}
      - {{provider: azure_openai, model: gpt-5, priority: 1}}
  picky: {{target: anthropic/claude-haiku-4-5, unsupported_fields: reject}}
"""
    accounts.fault("down", status=503)
    with running_gateway(directory, config) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


@pytest.mark.parametrize("model", WAYS)
class TestResponses:
    def test_unary(self, client: openai.OpenAI, model: str) -> None:
        response = client.responses.create(model=model, input="hello gateway", instructions="Be brief.")
        assert "hello gateway" in response.output_text
        assert response.status == "completed"
        assert response.instructions == "Be brief."
        assert response.usage is not None
        assert response.usage.output_tokens > 0
        if model in TRANSLATED:
            assert response.model == model

    def test_stream(self, client: openai.OpenAI, model: str) -> None:
        events = list(client.responses.create(model=model, input="hello stream", stream=True))
        response = follow(events)
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert "hello stream" in text
        assert response.output_text == text
        assert response.usage.output_tokens > 0

    def test_stream_helper(self, client: openai.OpenAI, model: str) -> None:
        with client.responses.stream(model=model, input="hello helper") as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_response()
        assert {"response.created", "response.output_text.done", "response.completed"} <= kinds
        assert "hello helper" in final.output_text

    def test_parse(self, client: openai.OpenAI, model: str) -> None:
        response = client.responses.parse(model=model, input="a city", text_format=City)
        assert isinstance(response.output_parsed, City)

    def test_length(self, client: openai.OpenAI, model: str) -> None:
        response = client.responses.create(
            model=model, input="one two three four five six", max_output_tokens=3
        )
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"

    @pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
    def test_tools_in_two_turns(self, client: openai.OpenAI, model: str, stream: bool) -> None:
        given: list[Any] = [{"role": "user", "content": "get_weather please"}]
        asked: dict[str, Any] = {"model": model, "tools": [WEATHER], "store": False}
        if stream:
            first = follow(list(client.responses.create(input=given, stream=True, **asked)))
        else:
            first = client.responses.create(input=given, **asked)
        [call] = [item for item in first.output if item.type == "function_call"]
        assert call.name == "get_weather"
        assert set(json.loads(call.arguments)) == {"city"}
        given += [item.model_dump(mode="json", exclude_unset=True) for item in first.output]
        given.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
        second = client.responses.create(input=given, **asked)
        assert "the tool said sunny" in second.output_text


@pytest.mark.parametrize("model", NATIVE)
def test_native_providers_keep_state(client: openai.OpenAI, model: str) -> None:
    first = client.responses.create(model=model, input="get_weather please", tools=[WEATHER])
    [call] = [item for item in first.output if item.type == "function_call"]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = client.responses.create(
        model=model, input=[result], previous_response_id=first.id, tools=[WEATHER]
    )
    assert "the tool said sunny" in second.output_text


@pytest.mark.parametrize("model", TRANSLATED)
def test_the_others_say_that_they_keep_none(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=model, input="x", previous_response_id="resp_1")
    assert (caught.value.param, caught.value.code) == ("previous_response_id", "unsupported_field")
    raw = client.responses.with_raw_response.create(model=model, input="x", store=True)
    assert "store" in raw.headers["x-llm-gateway-degraded"]
    assert "store" not in client.responses.with_raw_response.create(
        model=model, input="x", store=False
    ).headers.get("x-llm-gateway-degraded", "")


@pytest.mark.parametrize("model", THINKS)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_what_was_thought_comes_back(
    client: openai.OpenAI, accounts: Accounts, model: str, stream: bool
) -> None:
    asked: dict[str, Any] = {
        "model": model,
        "tools": [WEATHER],
        "reasoning": {"effort": "high"},
        "max_output_tokens": 8000,
    }
    given: list[Any] = [{"role": "user", "content": "get_weather please"}]
    if stream:
        first = follow(list(client.responses.create(input=given, stream=True, **asked)))
    else:
        first = client.responses.create(input=given, **asked)
    thought = [item for item in first.output if item.type == "reasoning"]
    assert any(item.encrypted_content for item in thought)
    [call] = [item for item in first.output if item.type == "function_call"]
    given += [item.model_dump(mode="json", exclude_unset=True) for item in first.output]
    given.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    # The simulator refuses turns whose thinking is missing or was changed.
    second = client.responses.create(input=given, **asked)
    assert "the tool said sunny" in second.output_text
    sent = accounts.simulator.requests(account=accounts.full(model))[-1]["body"]
    assert "ignature" in json.dumps(sent)


def test_custom_tools_are_custom_to_the_client(client: openai.OpenAI) -> None:
    tool: Any = {"type": "custom", "name": "run_sql", "description": "Runs SQL."}
    response = follow(
        list(client.responses.create(model="anthropic", input="run_sql now", tools=[tool], stream=True))
    )
    [call] = [item for item in response.output if item.type == "custom_tool_call"]
    assert call.name == "run_sql"
    given: list[Any] = [
        {"role": "user", "content": "run_sql now"},
        *(item.model_dump(mode="json", exclude_unset=True) for item in response.output),
        {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "42"},
    ]
    second = client.responses.create(model="anthropic", input=given, tools=[tool])
    assert "the tool said 42" in second.output_text


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_failover_to_another_format(client: openai.OpenAI, stream: bool) -> None:
    if stream:
        response = follow(list(client.responses.create(model="away", input="hello", stream=True)))
    else:
        response = client.responses.create(model="away", input="hello")
    assert "claude-haiku-4-5: hello" in response.output_text


def test_an_error_before_content_of_a_native_stream(client: openai.OpenAI, accounts: Accounts) -> None:
    accounts.fault("openai", error_after_events=2, times=1)  # response.created and response.in_progress
    response = follow(list(client.responses.create(model="watched", input="hello", stream=True)))
    assert "-azure_openai/gpt-5: hello" in response.output_text
    assert not accounts.simulator.requests(account=accounts.full("openai"))[-1]["path"].endswith(
        "completions"
    )


def test_an_error_within_a_translated_stream(client: openai.OpenAI, accounts: Accounts) -> None:
    accounts.fault("anthropic", error_after_events=4, times=1)
    response = follow(list(client.responses.create(model="anthropic", input="hello you", stream=True)))
    assert response.status == "failed"
    assert response.error.code == "server_error"


def test_errors_name_the_clients_field(client: openai.OpenAI) -> None:
    image: Any = [
        {"role": "user", "content": [{"type": "input_image", "image_url": "gs://b/o", "detail": "auto"}]}
    ]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="anthropic", input=image)
    assert caught.value.param == "input[0].content[0]"
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="picky", input="x", truncation="auto")
    assert (caught.value.param, caught.value.code) == ("truncation", "unsupported_field")
