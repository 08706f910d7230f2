"""``llm-gateway demo``: simulated providers, a gateway before them, and a tour with the OpenAI client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import openai

from controlplane.group.directory import bases, private_directory
from controlplane.group.supervisor import Group, Options
from controlplane.signals import ENDING, handled
from extproc.contract.names import HEADER_ATTEMPTS, HEADER_PROVIDER
from simulator import Simulator, running

Say = Callable[[str], None]

_CONFIG: Final = """\
# Edit this file while the gateway runs: every change is live.
listener: {{address: 127.0.0.1, port: {port}}}
admin: {{port: {admin}}}

providers:
  openai:   {{type: openai, base_url: "{sim}/openai/v1", api_key: {{file: key}}}}
  claude:   {{type: anthropic, base_url: "{sim}/claude/v1", api_key: {{file: key}}}}
  together: {{type: together, base_url: "{sim}/together/v1", api_key: {{file: key}}}}
  azure:
    {{type: azure_openai, base_url: "{sim}/azure/openai", api_version: "2024-10-21", api_key: {{file: key}}}}
  vllm:     {{type: vllm, base_url: "{sim}/vllm/v1"}}
  ollama:   {{type: ollama, base_url: "{sim}/ollama/v1"}}
  broken:   {{type: openai, base_url: "{sim}/broken/v1", api_key: {{file: key}}}}

models:
  gpt-4o: {{target: openai/gpt-4o}}                   # native: no Python in the path
  claude: {{target: claude/claude-haiku-4-5}}         # translated
  llama: {{target: vllm/meta-llama/Llama-3.3-70B}}
  deployment: {{target: azure/deployment}}            # native, too: its name is in the path
  "together/*": {{target: together/*}}
  "ollama/*": {{target: ollama/*}}
  resilient:                                        # the first target always fails
    targets:
      - {{provider: broken, model: gpt-4o}}
      - {{provider: claude, model: claude-haiku-4-5, priority: 1}}
      - {{provider: openai, model: gpt-4o, priority: 2}}
    first_token_timeout: 10s
"""

_WEATHER: Final[Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def free_port(preferred: int) -> int:
    """`preferred` on loopback if nobody has it, else one that is free."""
    for port in (preferred, 0):
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


async def demo(port: int, command: str, say: Say, *, once: bool) -> None:
    """Run until SIGINT or SIGTERM; `once`: until the tour is over.

    port: the listener's, another one if it is taken.
    command: how the user calls ``llm-gateway``, for the lines to try.

    Raises: as `controlplane.group.supervisor.up`; openai.OpenAIError if the tour fails.
    """
    stop = asyncio.Event()
    with (
        handled(dict.fromkeys(ENDING, stop.set)),
        tempfile.TemporaryDirectory(prefix="llm-demo-") as directory,
        private_directory(bases(os.environ)) as places,
    ):
        async with running(process=True) as simulator:
            port, admin = free_port(port), free_port(9901)
            file = _write_config(Path(directory), port, admin, simulator)
            ready = asyncio.Event()
            group = Group(Options([file], concurrency=2, drain=1.0, log_level="error"), places)
            serving = asyncio.create_task(group.run(stop, lambda _: ready.set()))
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            try:
                if ready.is_set():
                    await asyncio.to_thread(_tour, f"http://127.0.0.1:{port}", simulator, say)
                    _what_now(f"http://127.0.0.1:{port}", admin, file, command, say)
                    if once:
                        stop.set()
            except BaseException:
                stop.set()
                raise
            finally:
                waiting.cancel()
                await serving


def _write_config(directory: Path, port: int, admin: int, simulator: Simulator) -> Path:
    file = directory / "gateway.yaml"
    file.write_text(_CONFIG.format(port=port, admin=admin, sim=simulator.url))
    (directory / "key").write_text("sk-simulated-account")
    return file


def _tour(url: str, simulator: Simulator, say: Say) -> None:
    simulator.fault(account="broken", status=503)
    with openai.OpenAI(base_url=f"{url}/v1", api_key="the-gateway-is-open", max_retries=0) as client:
        for model, what in (("gpt-4o", "OpenAI format, native"), ("claude", "Anthropic format, translated")):
            say(f"\n== {model}: {what}")
            _unary(client, model, say)
            _stream(client, model, say)
            _tool_call(client, model, say)
        say("\n== resilient: the first target answers 503")
        _unary(client, "resilient", say)
        simulator.clear_faults("broken")
        simulator.fault(account="broken", error_after_events=0)
        say("\n== resilient: the first target breaks its stream with an error event before any content")
        _stream(client, "resilient", say)


def _unary(client: openai.OpenAI, model: str, say: Say) -> None:
    messages: Any = [{"role": "user", "content": "Say hello to the platform team."}]
    raw = client.chat.completions.with_raw_response.create(model=model, messages=messages)
    completion = raw.parse()
    say(f"unary      {completion.choices[0].message.content!r}")
    say(f"           {_path(raw.headers)}, {completion.usage.total_tokens if completion.usage else 0} tokens")


def _stream(client: openai.OpenAI, model: str, say: Say) -> None:
    messages: Any = [{"role": "user", "content": "Count with me."}]
    raw = client.chat.completions.with_raw_response.create(model=model, messages=messages, stream=True)
    deltas = [chunk.choices[0].delta.content for chunk in raw.parse() if chunk.choices]
    say(f"stream     {' | '.join(delta for delta in deltas if delta)}")
    say(f"           {_path(raw.headers)}")


def _tool_call(client: openai.OpenAI, model: str, say: Say) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Paris? Use get_weather."}]
    completion = client.chat.completions.create(model=model, messages=messages, tools=[_WEATHER])
    calls: list[Any] = list(completion.choices[0].message.tool_calls or [])
    say(f"tool call  {', '.join(f'{call.function.name}({call.function.arguments})' for call in calls)}")


def _path(headers: Any) -> str:
    return f"from provider {headers[HEADER_PROVIDER]}, attempts {headers[HEADER_ATTEMPTS]}"


def _what_now(url: str, admin: int, file: Path, command: str, say: Say) -> None:
    body = '{"model": "claude", "messages": [{"role": "user", "content": "Hello"}], "stream": true}'
    say(f"""
The gateway runs at {url}. Try:

  curl -N {url}/v1/chat/completions -H 'content-type: application/json' -d '{body}'
  curl {url}/v1/models
  {command} status --admin http://127.0.0.1:{admin}
  {command} explain -c {file} --model resilient

Edit {file}: changes are live. Ctrl-C ends it.""")
