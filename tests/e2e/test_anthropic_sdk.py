"""The official anthropic SDK, unchanged, against a running gateway: native, renamed, translated, failing over."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import CLIENT_KEY, Gateway, running_gateway

MODELS = ["claude-haiku-4-5", "failover", "any/gpt-5-mini"]
"""Ways through the gateway beside the types of providers, which are in test_every_provider.py."""
ASIDE = {"claude-haiku-4-5", "renamed", "failover"}
"""Answers that pass as they are, with the provider's name of the model."""
PATIENT = "{consecutive_errors: 1000}"
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anthropic")


@pytest.fixture(scope="module")
def accounts(simulator: Simulator, directory: Path) -> Iterator[Accounts]:
    found = Accounts(simulator, directory)
    yield found
    found.check_credentials()


@pytest.fixture(scope="module")
def gateway(accounts: Accounts, directory: Path) -> Iterator[Gateway]:
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}, max_request_body: 256KiB}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai", circuit_breaker=PATIENT)}
  claude: {accounts.provider("claude", "anthropic")}
  down: {accounts.provider("down", "anthropic", circuit_breaker=PATIENT)}
  google_ai: {accounts.provider("google_ai", "google_ai")}
  aws_bedrock: {accounts.provider("aws_bedrock", "aws_bedrock")}
models:
  google_ai: {{target: google_ai/gemini-3.6-flash}}
  aws_bedrock: {{target: "aws_bedrock/anthropic.claude-3-7-sonnet-20250219-v1:0"}}
  claude-haiku-4-5: {{target: claude/claude-haiku-4-5}}
  renamed: {{target: claude/claude-haiku-4-5}}
  translated: {{target: openai/gpt-4o}}
  failover:
    targets:
      - {{provider: down, model: claude-haiku-4-5}}
      - {{provider: claude, model: claude-haiku-4-5, priority: 1}}
  dead: {{target: down/dead, retry: {{attempts: 1}}}}
  any/*: {{target: openai/*}}
"""
    accounts.fault("down", status=503)
    with running_gateway(directory, config) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=CLIENT_KEY, timeout=30, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
class TestMessages:
    def test_unary(self, client: anthropic.Anthropic, model: str) -> None:
        message = client.messages.create(model=model, max_tokens=200, messages=user("hello gateway"))
        [block] = [block for block in message.content if block.type == "text"]
        assert "hello gateway" in block.text
        assert message.stop_reason == "end_turn"
        assert message.usage.input_tokens > 0
        assert message.usage.output_tokens > 0
        if model not in ASIDE:
            assert message.model == model

    def test_stream(self, client: anthropic.Anthropic, model: str) -> None:
        with client.messages.stream(model=model, max_tokens=200, messages=user("hello stream")) as stream:
            kinds = [event.type for event in stream]
            message = stream.get_final_message()
        assert kinds[0] == "message_start"
        assert kinds[-1] == "message_stop"
        assert "hello stream" in "".join(block.text for block in message.content if block.type == "text")
        assert message.stop_reason == "end_turn"
        assert message.usage.input_tokens > 0
        assert message.usage.output_tokens > 0

    @pytest.mark.parametrize("streamed", [False, True])
    def test_tools(self, client: anthropic.Anthropic, model: str, streamed: bool) -> None:
        asked: Any = {
            "model": model,
            "max_tokens": 300,
            "tools": [WEATHER],
            "tool_choice": {"type": "tool", "name": "get_weather"},
        }
        first = ask(client, user("weather in Paris"), streamed, asked)
        [call] = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use"
        assert call.name == "get_weather"
        assert isinstance(call.input["city"], str)
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
        turns = [
            *user("weather in Paris"),
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        second = ask(client, turns, streamed, {**asked, "tool_choice": {"type": "none"}})
        assert "18 degrees" in "".join(block.text for block in second.content if block.type == "text")

    def test_system_and_parameters(self, client: anthropic.Anthropic, model: str) -> None:
        system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
        message = client.messages.create(
            model=model,
            max_tokens=200,
            system=system,
            stop_sequences=["never"],
            metadata={"user_id": "u" * 150},
            messages=[*user("one"), {"role": "assistant", "content": "yes"}, *user("two")],
        )
        assert "two" in "".join(block.text for block in message.content if block.type == "text")


def ask(client: anthropic.Anthropic, messages: Any, streamed: bool, asked: Any) -> Any:
    if not streamed:
        return client.messages.create(messages=messages, **asked)
    with client.messages.stream(messages=messages, **asked) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "renamed", "failover", "google_ai", "aws_bedrock"])
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking(client: anthropic.Anthropic, model: str, streamed: bool) -> None:
    asked = {"model": model, "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    first = ask(client, user("think"), streamed, asked)
    thoughts = [block for block in first.content if block.type == "thinking"]
    assert any(thought.thinking for thought in thoughts)
    assert any(thought.signature for thought in thoughts)  # Gemini's comes after the text
    turns = [*user("think"), {"role": "assistant", "content": first.content}, *user("and again")]
    assert ask(client, turns, streamed, asked).stop_reason == "end_turn"


def test_what_another_provider_thought_stays_with_it(client: anthropic.Anthropic) -> None:
    """A conversation that moves to Claude: its signatures would be refused."""
    thought: Any = {"type": "thinking", "thinking": "hm", "signature": ""}
    turns = [
        *user("one"),
        {"role": "assistant", "content": [thought, {"type": "text", "text": "yes"}]},
        *user("two"),
    ]
    message = client.messages.create(model="renamed", max_tokens=200, messages=turns)
    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "failover"])
def test_count_tokens(client: anthropic.Anthropic, model: str) -> None:
    counted = client.messages.count_tokens(model=model, messages=user("how many tokens are these"))
    assert counted.input_tokens > 0


def error(raised: anthropic.APIStatusError) -> str:
    body: Any = raised.body
    assert set(body) <= {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert set(body["error"]) == {"type", "message"}
    assert body["error"]["message"]
    return str(body["error"]["type"])


def test_unknown_model(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        client.messages.create(model="nonesuch", max_tokens=1, messages=user("hello"))
    assert error(raised.value) == "not_found_error"
    assert "nonesuch" in str(raised.value)


def test_a_field_that_is_wrong(client: anthropic.Anthropic) -> None:
    bad: Any = [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]
    with pytest.raises(anthropic.BadRequestError, match=r"messages\[0\].content\[0\].source.data") as raised:
        client.messages.create(model="translated", max_tokens=1, messages=bad)
    assert error(raised.value) == "invalid_request_error"


def test_a_provider_that_fails(client: anthropic.Anthropic) -> None:
    """Envoy carries this one alone; what the client gets is Envoy's own."""
    with pytest.raises(anthropic.InternalServerError) as raised:
        client.messages.create(model="dead", max_tokens=1, messages=user("hello"))
    assert raised.value.status_code == 502
    assert error(raised.value) == "api_error"


@pytest.mark.parametrize("fault", [{"close_before_headers": True}, {"status": 401}])
def test_a_provider_that_breaks_off(
    client: anthropic.Anthropic, accounts: Accounts, fault: dict[str, Any]
) -> None:
    accounts.fault("openai", **fault)
    try:
        with pytest.raises(anthropic.InternalServerError) as raised:
            client.messages.create(model="translated", max_tokens=1, messages=user("hello"))
    finally:
        accounts.clear("openai")
    assert raised.value.status_code == 502
    assert error(raised.value) == "api_error"


@pytest.mark.parametrize(
    ("asked", "body", "status", "kind"),
    [
        ("GET /v1/messages", None, 405, "invalid_request_error"),
        ("POST /v1/messages/batches", b"{}", 404, "not_found_error"),
        ("POST /v1/messages", b"{", 400, "invalid_request_error"),
        ("POST /v1/messages", b"{}", 400, "invalid_request_error"),
        ("POST /v1/messages/count_tokens", b"{}", 400, "invalid_request_error"),
        ("POST /v1/messages", b'{"y": "' + b"y" * 300_000 + b'"}', 413, "request_too_large"),
    ],
)
def test_requests_for_no_model(
    gateway: Gateway, asked: str, body: bytes | None, status: int, kind: str
) -> None:
    method, path = asked.split()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        told = json.loads(response.read())
    finally:
        connection.close()
    assert (response.status, told["type"], told["error"]["type"]) == (status, "error", kind)


@pytest.mark.parametrize("model", ["renamed", "claude-haiku-4-5", "translated", "google_ai", "aws_bedrock"])
def test_what_coding_agents_send(client: anthropic.Anthropic, accounts: Accounts, model: str) -> None:
    """The beta client: a query, a header, caching marks, adaptive thinking, tools by the dozen."""
    system: Any = [
        {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Be brief."},
    ]
    tools: Any = [{**WEATHER, "name": f"tool_{n}"} for n in range(20)]
    tools[-1]["cache_control"] = {"type": "ephemeral"}
    with client.beta.messages.stream(
        model=model,
        max_tokens=8000,
        betas=["interleaved-thinking-2025-05-14"],
        system=system,
        tools=tools,
        tool_choice={"type": "none"},
        metadata={"user_id": "user_" + "0" * 64 + "_account__session_" + "1" * 36},
        messages=user("list the files"),
    ) as stream:
        message = stream.get_final_message()
    assert "list the files" in "".join(block.text for block in message.content if block.type == "text")
    if model in ASIDE:
        headers = {name.lower(): value for name, value in accounts.requests("claude")[-1]["headers"]}
        assert headers["anthropic-beta"] == "interleaved-thinking-2025-05-14"


def test_what_is_not_honoured_is_named(client: anthropic.Anthropic) -> None:
    answer = client.messages.with_raw_response.create(
        model="translated",
        max_tokens=100,
        messages=user("hello"),
        extra_body={"top_k": 5, "inference_geo": "us"},
    )
    assert answer.headers["x-llm-gateway-degraded"] == "inference_geo, top_k"


def test_the_list_of_models(client: anthropic.Anthropic) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {"claude-haiku-4-5", "failover", "google_ai", "dead", "any/*"} <= listed.keys()
    assert listed["renamed"].type == "model"
    assert client.models.retrieve("renamed").display_name == "renamed"
