"""Images, speech, moderations and rerank by the official openai SDK through a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import Gateway, running_gateway

MODELS = ["native", "renamed", "failover"]


@pytest.fixture(scope="module")
def gateway(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("passing")
    accounts = Accounts(simulator, directory)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  down: {accounts.provider("down", "vllm")}
  claude: {accounts.provider("claude", "anthropic")}
models:
  native: {{target: openai/native}}
  renamed: {{target: openai/gpt-image-1}}
  claude: {{target: claude/claude-haiku-4-5}}
  failover:
    targets:
      - {{provider: down, model: any}}
      - {{provider: openai, model: gpt-image-1, priority: 1}}
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
class TestPassing:
    def test_images(self, client: openai.OpenAI, model: str) -> None:
        told = client.images.generate(model=model, prompt="a cat")
        assert told.data is not None
        assert told.data[0].b64_json

    def test_speech(self, client: openai.OpenAI, model: str) -> None:
        told = client.audio.speech.create(model=model, voice="alloy", input="hello" * 1000)
        assert told.content == b"\xff\xfb" + b"hello" * 1000

    def test_moderations(self, client: openai.OpenAI, model: str) -> None:
        assert not client.moderations.create(model=model, input="a").results[0].flagged

    def test_rerank(self, client: openai.OpenAI, model: str) -> None:
        asked = {"model": model, "query": "blue", "documents": ["red", "blue"]}
        told: Any = client.post("/rerank", body=asked, cast_to=object)
        assert told["results"][0]["index"] == 1


def test_other_formats_have_no_counterpart(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(model="claude", prompt="a cat")
    assert caught.value.param == "model"
    assert "its provider has no /images/generations" in str(caught.value)


def test_of_forms_the_model_is_not_read(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(model="native", file=("a.wav", b"RIFF"))
    assert caught.value.status_code == 415
    assert "forms (multipart)" in str(caught.value)
