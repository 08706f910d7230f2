"""Embeddings by the official openai SDK: where the provider has them, and where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from simulator import Simulator
from simulator.vectors import vector
from tests.e2e.conftest import Accounts
from tests.e2e.harness import Gateway, running_gateway

NATIVE = ["native", "dated-azure", "failover"]
MODELS = [*NATIVE, "vertex", "predict", "across"]
"""Ways beside the types of providers, which are in test_every_provider.py."""


@pytest.fixture(scope="module")
def gateway(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("embeddings")
    accounts = Accounts(simulator, directory)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  down: {accounts.provider("down", "vllm")}
  azure: {accounts.provider("azure", "azure_openai", api_version='"2024-10-21"')}
  gemini: {accounts.provider("gemini", "google_ai")}
  cloud: {accounts.provider("cloud", "vertex_ai")}
  aws: {accounts.provider("aws", "aws_bedrock")}
  groq: {accounts.provider("groq", "groq")}
models:
  native: {{target: openai/native}}
  dated-azure: {{target: azure/my-deployment}}
  gemini: {{target: gemini/gemini-embedding-001}}
  vertex: {{target: cloud/gemini-embedding-001}}
  predict: {{target: cloud/text-embedding-005}}
  across:
    targets:
      - {{provider: down, model: text-embedding-3-small}}
      - {{provider: gemini, model: gemini-embedding-001, priority: 1}}
  titan: {{target: "aws/amazon.titan-embed-text-v2:0"}}
  cohere: {{target: aws/cohere.embed-english-v3}}
  groq: {{target: groq/llama}}
  failover:
    targets:
      - {{provider: down, model: text-embedding-3-small}}
      - {{provider: openai, model: text-embedding-3-small, priority: 1}}
"""
    with running_gateway(directory, config) as gateway:
        accounts.fault("down", status=503)
        yield gateway
    accounts.check_credentials()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


@pytest.mark.parametrize("encoding", ["float", "base64", None])
@pytest.mark.parametrize("model", MODELS)
def test_vectors(client: openai.OpenAI, model: str, encoding: str | None) -> None:
    options: Any = {} if encoding is None else {"encoding_format": encoding}
    told = client.embeddings.create(model=model, input=["one", "two words"], dimensions=64, **options)
    assert told.usage.prompt_tokens == 3
    if encoding == "base64":  # asked for by name, the client leaves it packed
        assert all(isinstance(each.embedding, str) for each in told.data)
        return
    assert [each.embedding for each in told.data] == [
        pytest.approx(vector(text, 64), abs=1e-6) for text in ("one", "two words")
    ]


@pytest.mark.parametrize("model", NATIVE)
def test_tokens(client: openai.OpenAI, model: str) -> None:
    assert len(client.embeddings.create(model=model, input=[[1, 2], [3]]).data) == 2


def test_vendors_without_embeddings(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="groq", input="x")
    assert caught.value.param == "model"
    assert "model: groq (groq) has no embeddings" in str(caught.value)


def test_options_of_google(client: openai.OpenAI) -> None:
    answer = client.embeddings.with_raw_response.create(
        model="gemini", input="x", user="u", extra_body={"taskType": "CLUSTERING", "other": 1}
    )
    assert answer.headers["x-llm-gateway-degraded"] == "other, user"
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="gemini", input="x", extra_body={"taskType": "NOTHING"})


def test_bedrock(client: openai.OpenAI) -> None:
    told = client.embeddings.create(model="titan", input="one two", dimensions=256)
    assert told.data[0].embedding == pytest.approx(vector("one two", 256), abs=1e-6)
    assert told.usage.prompt_tokens == 2
    several = client.embeddings.create(model="cohere", input=["one", "two"])
    assert [each.embedding for each in several.data] == [
        pytest.approx(vector(text, 1024), abs=1e-6) for text in ("one", "two")
    ]
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="titan", input=["one", "two"])
    assert caught.value.param == "input"
    answer = client.embeddings.with_raw_response.create(model="cohere", input="x", dimensions=64)
    assert answer.headers["x-llm-gateway-degraded"] == "dimensions"
