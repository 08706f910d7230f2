"""A real model behind the gateway: llama.cpp's server on a 2 MB model, as an OpenAI- and as an Anthropic-format provider.

Nobody here wrote that server. It is deterministic at temperature 0: it greets, calls an offered tool, and answers
after the tool's result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import openai
import pydantic
import pytest

from tests.e2e.harness import Gateway, free_port, running_gateway

MODELS = ["native", "renamed", "translated", "failover"]
MODEL = Path(__file__).parents[1] / "data" / "tiny2.gguf"
SERVER = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.n_predict = 2048, 2, 256
params.hostnames, params.port = ["127.0.0.1"], int(sys.argv[2])
params.cpuparams.n_threads = 1
params.use_jinja = True
server = xllamacpp.Server(params)
while True:
    time.sleep(3600)
"""
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

STRICT_TOOL: Any = {"type": "function", "function": TOOL["function"] | {"strict": True}}
"""OpenAI's `parse` takes no other tool."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("xllamacpp", reason="xllamacpp has no wheel for this platform")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(MODEL), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "llama.cpp's server ended"
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("llama.cpp's server did not start")


@pytest.fixture(scope="module")
def gateway(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  as-openai: {{type: vllm, base_url: "{server}", health_check: {{path: /health}}}}
  as-anthropic: {{type: anthropic, base_url: "{server}"}}
  nobody: {{type: vllm, base_url: "http://127.0.0.1:{free_port()}"}}
models:
  native: {{target: as-openai/native}}
  renamed: {{target: as-openai/tiny}}
  translated: {{target: as-anthropic/tiny}}
  failover: {{targets: [{{provider: nobody, model: a}}, {{provider: as-anthropic, model: tiny, priority: 1}}]}}
"""
    with running_gateway(tmp_path_factory.mktemp("tiny"), config) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=60) as client:
        yield client


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("model", MODELS)
class TestRealServer:
    def test_unary_and_stream_say_the_same(self, client: openai.OpenAI, model: str) -> None:
        unary = client.chat.completions.create(
            model=model, messages=user("Hello"), temperature=0, max_tokens=16
        )
        text = unary.choices[0].message.content
        assert text
        assert unary.usage is not None
        assert unary.usage.prompt_tokens > 0
        stream = client.chat.completions.create(
            model=model,
            messages=user("Hello"),
            temperature=0,
            max_tokens=16,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text
        finishes = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
        assert finishes == [unary.choices[0].finish_reason]
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == unary.usage.completion_tokens

    @pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
    def test_a_tool_and_its_result(self, client: openai.OpenAI, model: str, stream: bool) -> None:
        asked: Any = {"model": model, "tools": [TOOL], "temperature": 0, "max_tokens": 32}
        messages = user("What is the weather in Paris?")
        if stream:
            with client.chat.completions.stream(messages=messages, **asked) as events:
                choice: Any = events.get_final_completion().choices[0]
        else:
            choice = client.chat.completions.create(messages=messages, **asked).choices[0]
        assert choice.finish_reason == "tool_calls"
        (call,) = choice.message.tool_calls
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == {"city": "Paris"}
        function = {"name": call.function.name, "arguments": call.function.arguments}
        messages += [
            {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ]
        answer = client.chat.completions.create(messages=messages, **asked)
        assert answer.choices[0].message.content == "It is sunny in Paris."

    def test_async(self, gateway: Gateway, model: str) -> None:
        import asyncio

        async def ask() -> list[str | None]:
            async with gateway.async_openai(timeout=60) as client:
                asked = [
                    client.chat.completions.create(
                        model=model, messages=user("Hello"), temperature=0, max_tokens=16
                    )
                    for _ in range(8)
                ]
                return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]

        answers = asyncio.run(ask())
        assert all(answers)
        assert len(set(answers)) == 1

    def test_a_bad_request_is_a_400(self, client: openai.OpenAI, model: str) -> None:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=model, messages=user("Hello"), temperature="hot")  # type: ignore[arg-type]


class Answer(pydantic.BaseModel):
    mood: Literal["fine"]


@pytest.mark.parametrize("model", MODELS)
class TestStructuredOutput:
    """Grammars make even this model answer in a schema: its OpenAI side has them for response_format,
    its Anthropic side only for tools.
    """

    @pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
    @pytest.mark.parametrize(
        "beside", [{}, {"tools": [STRICT_TOOL], "tool_choice": "none"}], ids=["alone", "none"]
    )
    def test_parse(self, client: openai.OpenAI, model: str, stream: bool, beside: dict[str, Any]) -> None:
        asked: Any = {"model": model, "messages": user("Hello"), "temperature": 0, "max_tokens": 256}
        if stream:
            with client.chat.completions.stream(response_format=Answer, **asked, **beside) as events:
                choice: Any = events.get_final_completion().choices[0]
        else:
            choice = client.chat.completions.parse(response_format=Answer, **asked, **beside).choices[0]
        assert choice.finish_reason == "stop"
        assert choice.message.parsed == Answer(mood="fine")
        assert not choice.message.tool_calls

    def test_json_object(self, client: openai.OpenAI, model: str) -> None:
        response = client.chat.completions.with_raw_response.create(
            model=model,
            messages=user("Hello"),
            response_format={"type": "json_object"},
            temperature=0,
            max_tokens=256,
        )
        assert "x-llm-gateway-degraded" not in response.headers
        choice = response.parse().choices[0]
        assert isinstance(json.loads(choice.message.content or ""), dict)
        assert choice.finish_reason == "stop"


def test_the_health_check_sees_the_server(gateway: Gateway) -> None:
    (endpoint,) = gateway.status()["providers"]["as-openai"]["endpoints"]
    assert endpoint["healthy"]
