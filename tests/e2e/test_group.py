"""The group as a whole: TLS, health, draining, processes that die, and the command line around it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import trustme

from tests.e2e.conftest import Accounts, Start
from tests.e2e.harness import COMMAND, Gateway, free_port, running_gateway

HELLO: Any = [{"role": "user", "content": "hello"}]


def config(accounts: Accounts, listener: str = "") -> str:
    return f"""
listener: {{address: 127.0.0.1, port: {{port}}{listener}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  claude: {accounts.provider("claude", "anthropic")}
models:
  native: {{target: openai/native}}
  translated: {{target: claude/claude-haiku-4-5}}
"""


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


def issue(authority: trustme.CA, directory: Path, name: str, host: str) -> None:
    certificate = authority.issue_cert(host)
    certificate.private_key_pem.write_to_path(str(directory / f"{name}.key"))
    (directory / f"{name}.crt").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))


class TestTls:
    LISTENER = ", tls: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.pem}"

    @pytest.fixture
    def gateway(
        self, accounts: Accounts, start: Start, tmp_path: Path, authority: trustme.CA
    ) -> Iterator[Gateway]:
        issue(authority, tmp_path, "server", "localhost")
        issue(authority, tmp_path, "client", "app.example.org")
        with start(config(accounts, self.LISTENER)) as gateway:
            yield gateway

    def context(self, directory: Path, *, client: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        if client:
            context.load_cert_chain(directory / "client.crt", directory / "client.key")
        return context

    def test_clients_need_a_certificate_and_rotation_is_live(
        self, gateway: Gateway, tmp_path: Path, authority: trustme.CA
    ) -> None:
        import httpx2

        def ask() -> str:
            verify = self.context(tmp_path, client=True)
            with httpx2.Client(verify=verify, http2=False) as http:
                client = openai.OpenAI(
                    base_url=f"https://localhost:{gateway.port}/v1",
                    api_key="x",
                    max_retries=0,
                    http_client=http,
                )
                return str(
                    client.chat.completions.create(model="translated", messages=HELLO)
                    .choices[0]
                    .message.content
                )

        assert "hello" in ask()
        with (
            httpx2.Client(verify=self.context(tmp_path, client=False)) as http,
            pytest.raises(httpx2.TransportError),
        ):
            http.get(f"https://localhost:{gateway.port}/health/live")
        before = self.served_certificate(gateway, tmp_path)
        issue(authority, tmp_path, "server", "localhost")
        gateway.until(lambda: self.served_certificate(gateway, tmp_path) != before)
        assert "hello" in ask()

    def served_certificate(self, gateway: Gateway, directory: Path) -> bytes:
        import socket

        context = self.context(directory, client=True)
        with (
            socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            certificate = tls.getpeercert(binary_form=True)
        assert certificate
        return certificate

    def test_tls_1_2_is_refused_and_http_2_spoken(self, gateway: Gateway, tmp_path: Path) -> None:
        import socket

        old = self.context(tmp_path, client=True)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as raw, pytest.raises(OSError):
            old.wrap_socket(raw, server_hostname="localhost")
        new = self.context(tmp_path, client=True)
        new.set_alpn_protocols(["h2", "http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as raw,
            new.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            assert tls.selected_alpn_protocol() == "h2"
            assert tls.version() == "TLSv1.3"


def test_providers_over_tls_with_a_private_authority(
    start: Start, tmp_path: Path, authority: trustme.CA
) -> None:
    from simulator import running

    issue(authority, tmp_path, "provider", "localhost")
    (tmp_path / "key").write_text("sk-tls")
    with running(tls_cert=tmp_path / "provider.crt", tls_key=tmp_path / "provider.key") as simulator:
        text = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  right: {{type: anthropic, base_url: "https://localhost:{simulator.port}/a/v1", api_key: {{file: key}}, tls: {{ca_file: ca.pem}}}}
  untrusted: {{type: openai, base_url: "https://localhost:{simulator.port}/b/v1", api_key: {{file: key}}}}
  misnamed: {{type: openai, base_url: "https://127.0.0.1:{simulator.port}/c/v1", api_key: {{file: key}}, tls: {{ca_file: ca.pem}}}}
models:
  right: {{target: right/claude-haiku-4-5}}
  untrusted: {{target: untrusted/untrusted}}
  misnamed: {{target: misnamed/misnamed}}
"""
        with start(text) as gateway, gateway.openai(timeout=20) as client:
            answer = client.chat.completions.create(model="right", messages=HELLO)
            assert "hello" in (answer.choices[0].message.content or "")
            for model in ("untrusted", "misnamed"):
                with pytest.raises(openai.InternalServerError) as raised:
                    client.chat.completions.create(model=model, messages=HELLO)
                assert raised.value.status_code == 502
        assert {request["account"] for request in simulator.requests()} == {"a"}


def test_a_gateway_behind_a_gateway_over_http_2(
    accounts: Accounts, start: Start, tmp_path: Path, authority: trustme.CA
) -> None:
    """The one behind has TLS, so the two speak HTTP/2: natively, renamed, and after a failover."""
    inner = tmp_path / "inner"
    inner.mkdir()
    issue(authority, inner, "server", "localhost")
    (inner / "openai.key").write_text(accounts.key("openai"))
    (inner / "claude.key").write_text(accounts.key("claude"))
    behind = config(accounts, ", tls: {cert_file: server.crt, key_file: server.key}")
    with running_gateway(inner, behind) as second:
        text = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  inner: {{type: vllm, base_url: "https://localhost:{second.port}", tls: {{ca_file: ca.pem}}}}
  nobody: {{type: vllm, base_url: "http://127.0.0.1:{free_port()}"}}
models:
  native: {{target: inner/native}}
  renamed: {{target: inner/translated}}
  failover: {{targets: [{{provider: nobody, model: x}}, {{provider: inner, model: translated, priority: 1}}]}}
"""
        with start(text) as first, first.openai(timeout=20) as client:
            for model, attempts in (("native", "1"), ("renamed", "1"), ("failover", "2")):
                raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
                assert "hello" in (raw.parse().choices[0].message.content or "")
                assert raw.headers["x-llm-gateway-attempts"] == attempts
                assert raw.headers["x-llm-gateway-provider"] == "inner"
                stream = client.chat.completions.create(model=model, messages=HELLO, stream=True)
                assert list(stream)[-1].choices[0].finish_reason == "stop"
        assert second.metric("envoy_http_downstream_cx_http2_total") > 0


async def test_sigterm_lets_streams_finish(accounts: Accounts, start: Start) -> None:
    long: Any = [{"role": "user", "content": "x [sim:chunks=30,delay=0.1]"}]
    with start(config(accounts)) as gateway:
        async with gateway.async_openai() as client:

            async def stream(model: str) -> str | None:
                chunks = [
                    c
                    async for c in await client.chat.completions.create(
                        model=model, messages=long, stream=True
                    )
                ]
                return chunks[-1].choices[0].finish_reason

            streams = [asyncio.create_task(stream(model)) for model in ("native", "translated") * 5]
            await asyncio.sleep(1)
            os.kill(gateway.pid, signal.SIGTERM)
            assert await asyncio.gather(*streams) == ["stop"] * 10
        assert await asyncio.to_thread(gateway.stop) == 0


async def test_a_second_signal_does_not_wait(accounts: Accounts, start: Start) -> None:
    endless: Any = [{"role": "user", "content": "x [sim:chunks=3000,delay=0.1]"}]
    with start(config(accounts), "--drain", "250") as gateway:
        async with gateway.async_openai() as client:
            stream = await client.chat.completions.create(model="native", messages=endless, stream=True)
            await anext(aiter(stream))
            os.kill(gateway.pid, signal.SIGTERM)
            await asyncio.to_thread(gateway.until, lambda: _draining(gateway))
            os.kill(gateway.pid, signal.SIGINT)
            assert await asyncio.to_thread(gateway._process.wait, 60) == 0
            await stream.close()
    assert any("requests were still running" in line for line in gateway.log)


def _draining(gateway: Gateway) -> bool:
    """Health fails first, on the listener and on the admin listener."""
    for port, path in ((gateway.port, "/health/ready"), (gateway.admin_port, "/health/ready")):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", path)
            if connection.getresponse().status != 503:
                return False
    return True


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *arguments], capture_output=True, text=True, timeout=110, check=False, **options
    )


def test_status_of_a_running_gateway(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        shown = run("status", "--admin", gateway.admin_url)
        assert shown.returncode == 0, shown.stderr
        assert "in force" in shown.stdout
        assert "provider  claude" in shown.stdout
        assert "breaker closed" in shown.stdout
        assert "1.40.0" in shown.stdout
        told = json.loads(run("status", "--admin", gateway.admin_url, "--json").stdout)
        asked = gateway.status()
        assert told.keys() == asked.keys()
        assert told["config"] == asked["config"]
        gateway.write(config(accounts).replace("openai/native", "nobody/native"))
        gateway.until(lambda: not gateway.status()["config"]["in_force"])
        shown = run("status", "--admin", gateway.admin_url)
        assert shown.returncode == 1
        assert "no provider named 'nobody'" in shown.stdout
        gateway.write(config(accounts))
        gateway.until(lambda: gateway.status()["config"]["in_force"])
    gone = run("status", "--admin", gateway.admin_url)
    assert gone.returncode == 2
    assert gone.stderr.count("\n") == 1
    assert "no gateway answers" in gone.stderr


def test_up_refuses_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("providers: {}\nmodels: {a: {target: b/c}}\n")
    refused = run("up", "-c", str(tmp_path / "gateway.yaml"))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 2
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("taken", ["listener", "admin"])
def test_up_says_which_port_is_taken(accounts: Accounts, tmp_path: Path, taken: str) -> None:
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ports = {"port": str(free_port()), "admin": str(free_port())}
        ports["port" if taken == "listener" else "admin"] = str(holder.getsockname()[1])
        text = config(accounts).replace("{port}", ports["port"]).replace("{admin}", ports["admin"])
        (tmp_path / "gateway.yaml").write_text(text)
        started = time.monotonic()
        refused = run("up", "-c", str(tmp_path / "gateway.yaml"))
    assert refused.returncode == 2
    assert f"{taken}:" in refused.stderr
    assert "Address already in use" in refused.stderr or "address already in use" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert time.monotonic() - started < 100


def test_demo_tells_its_story() -> None:
    shown = run("demo", "--once", "--port", str(free_port()))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.count("\nunary ") == 3
    assert shown.stdout.count("\nstream ") == 3
    assert shown.stdout.count('get_weather({"city":"Paris"})') == 2
    assert shown.stdout.count("attempts 2") == 2
    assert "curl -N http://127.0.0.1:" in shown.stdout
    assert "Traceback" not in shown.stderr
