"""A gateway whose workers use a transport of the test's choice: real Envoy, control plane, and a provider."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import trustme
from aiohttp import web

from extproc.contract.names import CLUSTER_EXT_PROC
from protos.binary import envoy_binary
from tests.e2e.harness import COMMAND, free_port

CONFIG = """
listener: {{address: 127.0.0.1, port: {port}, max_request_body: 64MiB}}
admin: {{port: {admin}}}
providers:
  claude: {{type: anthropic, base_url: "http://127.0.0.1:{provider}/v1", api_key: {{file: key}}}}
  local: {{type: openai, base_url: "http://127.0.0.1:{provider}/v1", api_key: {{file: key}}}}
models:
  translated: {{target: claude/claude-haiku-4-5}}
  renamed: {{target: local/other}}
  held: {{target: local/other, first_token_timeout: 60s}}
"""
CHUNK = 1000
"""Characters in each piece of a stream."""


class Provider:
    """Answers in Anthropic's and OpenAI's format: as much text as `max_tokens`, whatever the model.

    It says how much text it got as `input_tokens`.
    """

    async def start(self) -> int:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/chat/completions", self._completions)
        self._runner = web.AppRunner(app, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=2048)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.read())
        got, wanted = _length(asked["messages"][0]["content"]), asked["max_tokens"]
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": got, "output_tokens": 1},
        }
        if not asked.get("stream"):
            text = {"type": "text", "text": "~" * wanted}
            return web.json_response({**message, "content": [text], "stop_reason": "end_turn"})
        block = {"index": 0, "content_block": {"type": "text", "text": ""}}
        delta = {"index": 0, "delta": {"type": "text_delta", "text": "~" * CHUNK}}
        end = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 1}}
        return await self._stream(
            request,
            [
                _event("message_start", {"message": message}),
                _event("content_block_start", block),
                *[_event("content_block_delta", delta)] * (wanted // CHUNK),
                _event("content_block_stop", {"index": 0}),
                _event("message_delta", end),
                _event("message_stop", {}),
            ],
        )

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.read())
        got, wanted = _length(asked["messages"][0]["content"]), asked["max_tokens"]
        answer = {"id": "chatcmpl-1", "created": 1, "model": asked["model"]}
        usage = {"prompt_tokens": got, "completion_tokens": 1, "total_tokens": got + 1}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "~" * wanted}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return web.json_response(
                {**answer, "object": "chat.completion", "choices": [choice], "usage": usage}
            )
        piece = {**answer, "object": "chat.completion.chunk"}
        choice = {"index": 0, "delta": {"content": "~" * CHUNK}, "finish_reason": None}
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        return await self._stream(
            request,
            [
                *[_chunk({**piece, "choices": [choice]})] * (wanted // CHUNK),
                _chunk({**piece, "choices": [last]}),
                b"data: [DONE]\n\n",
            ],
        )

    async def _stream(self, request: web.Request, events: Sequence[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            for event in events:
                await response.write(event)
                await asyncio.sleep(0)
        return response


def _length(content: Any) -> int:
    return len(content) if isinstance(content, str) else sum(len(part["text"]) for part in content)


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def _chunk(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


class Process:
    """One piece of the gateway; its output goes to a file."""

    def __init__(self, folder: Path, name: str, *command: str) -> None:
        self._command = command
        self._log = folder / f"{name}.log"

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(*self._command, stdout=log, stderr=log)

    async def stop(self, limit: float = 30) -> int:
        """The exit status; the process is killed if it takes longer than `limit` seconds."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), limit)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            return -1


class Gateway:
    """client: of the gateway's listener."""

    def __init__(self, folder: Path, port: int, workers: Sequence[Process], envoy: Process) -> None:
        self.url = f"http://127.0.0.1:{port}/v1/chat/completions"
        self.workers = workers
        self.envoy = envoy
        self._admin = folder / "envoy.sock"

    async def stat(self, name: str) -> int:
        """Of the cluster of the workers."""
        connector = aiohttp.UnixConnector(str(self._admin))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.get(f"http://envoy/stats?filter=^cluster.{CLUSTER_EXT_PROC}.{name}$") as response,
        ):
            text = await response.text()
        return int(text.rpartition(":")[2]) if text.strip() else 0


def certificates(folder: Path) -> None:
    """Of the workers (server), of Envoy, and of an authority that nobody trusts."""
    for authority in ("ca", "other"):
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(folder / f"{authority}.pem"))
        for name, host in (("server", "127.0.0.1"), ("envoy", "envoy.example.org")):
            issued = ca.issue_cert(host)
            prefix = "" if authority == "ca" else "other-"
            issued.private_key_pem.write_to_path(str(folder / f"{prefix}{name}.key"))
            chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
            (folder / f"{prefix}{name}.crt").write_bytes(chain)


@contextlib.asynccontextmanager
async def running(folder: Path, transport: str, envoy_shows: str = "envoy") -> AsyncIterator[Gateway]:
    """transport: ``h2``; ``grpcio``; or ``mtls``, which is grpcio over TCP. envoy_shows: which certificate."""
    provider = Provider()
    provider_port = await provider.start()
    port, admin = free_port(), free_port()
    (folder / "key").write_text("sk-of-the-provider")
    (folder / "gateway.yaml").write_text(CONFIG.format(port=port, admin=admin, provider=provider_port))
    serve, find = ["--transport", "h2" if transport == "h2" else "grpcio"], []
    addresses = [f"unix:{folder}/w{number}.sock" for number in range(2)]
    if transport == "mtls":
        certificates(folder)
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        serve += ["--tls-cert", f"{folder}/server.crt", "--tls-key", f"{folder}/server.key"]
        serve += ["--tls-client-ca", f"{folder}/ca.pem"]
        find = ["--ext-proc-ca", f"{folder}/ca.pem", "--ext-proc-cert", f"{folder}/{envoy_shows}.crt"]
        find += ["--ext-proc-key", f"{folder}/{envoy_shows}.key"]
    python = [sys.executable, "-m"]
    workers = [
        Process(
            folder, f"worker{number}", *python, "extproc", "serve", "--drain", "60", "--listen", where, *serve
        )
        for number, where in enumerate(addresses)
    ]
    known = [word for where in addresses for word in ("--ext-proc", where)]
    ads = f"unix:{folder}/ads.sock"
    config = ("-c", f"{folder}/gateway.yaml", "--ads", ads)
    control = Process(folder, "control", *python, "controlplane", "serve", *config, *known, *find)
    bootstrap = await asyncio.create_subprocess_exec(
        *(str(COMMAND), "bootstrap", "--ads", ads, "--admin", f"unix:{folder}/envoy.sock"),
        stdout=asyncio.subprocess.PIPE,
    )
    (folder / "envoy.yaml").write_bytes((await bootstrap.communicate())[0])
    options = ("--disable-hot-restart", "-l", "warning", "--concurrency", "1", "--drain-time-s", "1")
    envoy = Process(folder, "envoy", str(envoy_binary()), "-c", str(folder / "envoy.yaml"), *options)
    started = [*workers, control, envoy]
    try:
        for process in started:
            await process.start()
        yield Gateway(folder, port, workers, envoy)
    finally:
        for process in reversed(started):
            await process.stop()
        await provider.stop()
