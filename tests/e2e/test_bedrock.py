"""Bedrock behind a running gateway, by the official client of OpenAI: signed by Envoy, alone and in a failover."""

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
from tests.e2e.harness import CLIENT_KEY, Gateway, running_gateway

KEYS = {
    "access_key_id": "AKIDGATEWAY",
    "secret_access_key": "a/secret+key=of-aws",
    "session_token": "tok/en+1==",
}
MODELS = ["bedrock", "failed_over", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
"""Alone, after another provider has failed, and under Bedrock's own name."""
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(pydantic.BaseModel):
    name: str
    population: int


class World:
    """The gateway and the accounts behind it."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.accounts = Accounts(simulator, directory)
        self.aws = self.accounts.full("aws")
        simulator.configure(self.aws, api_key=":".join(KEYS.values()))
        self.simulator = simulator
        self.directory = directory
        for name, value in KEYS.items():
            (directory / name).write_text(value)
        keys = ", ".join(f"{name}: {{file: {name}}}" for name in KEYS)
        base = f"{simulator.url}/{self.aws}/v1"
        self.config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  aws: {{type: aws_bedrock, region: eu-central-1, aws: {{{keys}}}, base_url: "{base}", circuit_breaker: {{consecutive_errors: 1000}}}}
  token: {self.accounts.provider("token", "aws_bedrock")}
  broken: {self.accounts.provider("broken", "openai")}
  openai: {self.accounts.provider("openai", "openai")}
models:
  bedrock: {{target: "aws/anthropic.claude-3-7-sonnet-20250219-v1:0"}}
  by_token: {{target: token/amazon.nova-pro-v1:0}}
  profile: {{target: "aws/arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123"}}
  failed_over:
    targets:
      - {{provider: broken, model: gpt-4o}}
      - {{provider: aws, model: "eu.anthropic.claude-3-7-sonnet-20250219-v1:0", priority: 1}}
  failing:
    targets:
      - {{provider: aws, model: amazon.nova-lite-v1:0}}
      - {{provider: openai, model: gpt-4o, priority: 1}}
  us.*: {{target: "aws/us.*"}}
"""

    def requests(self) -> list[dict[str, Any]]:
        return self.simulator.requests(account=self.aws)


@pytest.fixture(scope="module")
def world(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("bedrock")
    world = World(simulator, directory)
    world.accounts.fault("broken", status=500)
    return world


@pytest.fixture(scope="module")
def gateway(world: World) -> Iterator[Gateway]:
    with running_gateway(world.directory, world.config) as gateway:
        yield gateway
    world.accounts.check_credentials()
    for request in world.requests():
        carried = " ".join(value for _, value in request["headers"])
        assert CLIENT_KEY not in carried
        assert KEYS["secret_access_key"] not in carried
        assert not any(name.lower().startswith("x-llm-gateway") for name, _ in request["headers"])
    for name in ("broken", "openai"):
        for request in world.accounts.requests(name):
            names = {header.lower() for header, _ in request["headers"]}
            assert not any(header.startswith("x-amz") for header in names)
            assert "AKIDGATEWAY" not in str(request["headers"])
            assert "eventstream" not in str(request["headers"])


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("model", MODELS)
def test_unary(client: openai.OpenAI, world: World, model: str) -> None:
    completion = client.chat.completions.create(model=model, messages=user("hello gateway"), user="u")
    assert completion.model == model
    assert "hello gateway" in (completion.choices[0].message.content or "")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage
    assert completion.usage.total_tokens > 0
    [*_, last] = world.requests()
    headers = {name.lower(): value for name, value in last["headers"]}
    assert (
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
        in headers["authorization"]
    )
    assert "/eu-central-1/bedrock/aws4_request" in headers["authorization"]


@pytest.mark.parametrize("model", MODELS)
def test_stream(client: openai.OpenAI, model: str) -> None:
    stream = client.chat.completions.create(
        model=model, messages=user("hello stream"), stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert "hello stream" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
    assert last.usage
    assert last.usage.completion_tokens > 0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_reasoning_and_tools_there_and_back(client: openai.OpenAI, model: str, stream: bool) -> None:
    messages = user("What is the weather in Paris? Use get_weather.")
    asked: Any = {"model": model, "tools": [WEATHER], "reasoning_effort": "low", "max_tokens": 4000}
    if stream:
        with client.chat.completions.stream(messages=messages, **asked) as events:
            first = events.get_final_completion().choices[0]
    else:
        first = client.chat.completions.create(messages=messages, **asked).choices[0]
    assert first.finish_reason == "tool_calls"
    told = first.message.model_dump(exclude_none=True, exclude={"parsed"})
    assert told["thinking_blocks"][0]["signature"]
    [call] = told["tool_calls"]
    call.pop("index", None)
    call["function"].pop("parsed_arguments", None)
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    messages += [told, {"role": "tool", "tool_call_id": call["id"], "content": "21 degrees"}]
    answer = client.chat.completions.create(messages=messages, **asked)
    assert "21 degrees" in (answer.choices[0].message.content or "")


@pytest.mark.parametrize("model", [*MODELS, "by_token", "profile"])
def test_structured_output(client: openai.OpenAI, model: str) -> None:
    completion = client.chat.completions.parse(model=model, messages=user("a city"), response_format=City)
    assert isinstance(completion.choices[0].message.parsed, City)
    assert completion.choices[0].finish_reason == "stop"


def test_a_large_body_is_signed(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="bedrock", messages=user("grüße 👋 " * 100_000))
    assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_failover_from_bedrock(client: openai.OpenAI, world: World, stream: bool) -> None:
    knobs: Any = {"error_after_events": 1, "error_type": "throttlingException"} if stream else {"status": 503}
    world.simulator.fault(account=world.aws, times=1, match={"model": "amazon.nova-lite-v1:0"}, **knobs)
    answer = client.chat.completions.create(model="failing", messages=user("still here"), stream=stream)
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        text = answer.choices[0].message.content
    assert "still here" in text
    [*_, last] = world.accounts.requests("openai")
    assert last["body"]["model"] == "gpt-4o"


def test_errors(client: openai.OpenAI, world: World) -> None:
    wrong: Any = {"guardrailConfig": {"nonsense": 1}}
    with pytest.raises(openai.BadRequestError, match="nonsense"):
        client.chat.completions.create(model="bedrock", messages=user("hi"), extra_body=wrong)
    world.simulator.fault(account=world.aws, status=403, error_type="ExpiredTokenException")
    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(model="bedrock", messages=user("hi"))
    world.simulator.clear_faults(world.aws)
    assert (refused.value.status_code, refused.value.code) == (502, "provider_error")


def test_an_error_within_a_stream(client: openai.OpenAI, world: World) -> None:
    world.simulator.fault(
        account=world.aws, times=1, error_after_events=4, error_type="modelStreamErrorException",
        match={"model": "anthropic.claude-3-7-sonnet-20250219-v1:0"},
    )  # fmt: skip
    with pytest.raises(openai.APIError) as error:
        list(
            client.chat.completions.create(model="bedrock", messages=user("one two three four"), stream=True)
        )
    assert error.value.code == "provider_error"
