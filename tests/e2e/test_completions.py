"""Legacy completions by the official openai SDK: native, renamed, translated, failing over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import Gateway, running_gateway

MODELS = ["native", "dated-azure", "chat-only", "translated", "vertex", "failover"]
"""Ways beside the types of providers, which are in test_every_provider.py."""


@pytest.fixture(scope="module")
def gateway(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("completions")
    accounts = Accounts(simulator, directory)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  deepseek: {accounts.provider("deepseek", "deepseek")}
  azure: {accounts.provider("azure", "azure_openai", api_version='"2024-10-21"')}
  cloud: {accounts.provider("cloud", "vertex_ai")}
  down: {accounts.provider("down", "openai")}
  claude: {accounts.provider("claude", "anthropic")}
models:
  native: {{target: openai/native}}
  dated-azure: {{target: azure/my-deployment}}
  vertex: {{target: cloud/gemini-2.5-flash}}
  chat-only: {{target: deepseek/deepseek-chat}}
  translated: {{target: claude/claude-haiku-4-5}}
  failover:
    targets:
      - {{provider: down, model: davinci-002}}
      - {{provider: claude, model: claude-haiku-4-5, priority: 1}}
"""
    with running_gateway(directory, config) as gateway:
        accounts.fault("down", status=503)
        yield gateway
    accounts.check_credentials()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
class TestCompletions:
    def test_unary(self, client: openai.OpenAI, model: str) -> None:
        completion = client.completions.create(model=model, prompt="hello gateway", max_tokens=50)
        assert "hello gateway" in completion.choices[0].text
        assert completion.choices[0].finish_reason == "stop"
        assert completion.object == "text_completion"
        assert completion.usage is not None
        assert completion.usage.completion_tokens > 0

    def test_echo(self, client: openai.OpenAI, model: str) -> None:
        completion = client.completions.create(model=model, prompt="Say this: ", max_tokens=50, echo=True)
        assert completion.choices[0].text.startswith("Say this: Echo from")

    @pytest.mark.parametrize("usage", [False, True], ids=["plain", "usage"])
    def test_stream(self, client: openai.OpenAI, model: str, usage: bool) -> None:
        options: Any = {"stream_options": {"include_usage": True}} if usage else {}
        chunks = list(client.completions.create(model=model, prompt="hello stream", max_tokens=50, stream=True, **options))  # fmt: skip
        if usage:
            last = chunks.pop()
            assert last.choices == []
            assert last.usage is not None
            assert last.usage.completion_tokens > 0
        assert "hello stream" in "".join(chunk.choices[0].text for chunk in chunks)
        finished = [chunk.choices[0].finish_reason for chunk in chunks]
        assert [reason for reason in finished if reason] == ["stop"]
        assert len({chunk.id for chunk in chunks}) == 1

    def test_length(self, client: openai.OpenAI, model: str) -> None:
        completion = client.completions.create(model=model, prompt="one two three four five", max_tokens=3)
        assert completion.choices[0].finish_reason == "length"


def test_tokens_where_they_mean_something(client: openai.OpenAI) -> None:
    assert client.completions.create(model="native", prompt=[[1, 2], [3]]).choices[1].text.endswith("3")
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="translated", prompt=[[1, 2]])
    assert caught.value.param == "prompt"


def test_what_the_provider_lacks_is_named(client: openai.OpenAI) -> None:
    answer = client.completions.with_raw_response.create(
        model="translated", prompt="hello", max_tokens=50, best_of=2, seed=1, logprobs=2
    )
    assert answer.headers["x-llm-gateway-degraded"] == "best_of, logprobs, seed"
