"""The pieces alone, as pods run them: one control plane, and Envoys started from `llm-gateway bootstrap`."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import trustme

from protos.binary import envoy_binary
from tests.e2e.conftest import Accounts
from tests.e2e.harness import CLIENT_KEY, COMMAND, free_port
from tests.e2e.waiting import until

HELLO: Any = [{"role": "user", "content": "hello"}]


@contextlib.contextmanager
def process(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def write_config(directory: Path, accounts: Accounts, port: int, admin: int, models: str = "") -> Path:
    file = directory / "gateway.yaml"
    new = directory / "gateway.new"
    new.write_text(
        f"""
listener: {{address: 127.0.0.1, port: {port}}}
admin: {{port: {admin}}}
providers: {{claude: {accounts.provider("claude", "anthropic")}}}
models:
  translated: {{target: claude/claude-haiku-4-5}}
{models}
"""
    )
    new.replace(file)
    return file


def certificates(directory: Path) -> tuple[list[str], list[str]]:
    """Arguments of `serve` and of `bootstrap` for mutual TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    for name, host in (("control", "127.0.0.1"), ("envoy", "envoy.example.org")):
        issued = authority.issue_cert(host)
        issued.private_key_pem.write_to_path(str(directory / f"{name}.key"))
        (directory / f"{name}.crt").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    serve = {"--tls-cert": "control.crt", "--tls-key": "control.key", "--tls-client-ca": "ca.pem"}
    bootstrap = {"--ads-cert": "envoy.crt", "--ads-key": "envoy.key", "--ads-ca": "ca.pem"}
    flat = [
        [word for key, file in side.items() for word in (key, str(directory / file))]
        for side in (serve, bootstrap)
    ]
    return flat[0], flat[1]


@pytest.mark.parametrize("transport", ["unix", "mutual TLS"])
def test_control_plane_workers_and_envoy_apart(accounts: Accounts, tmp_path: Path, transport: str) -> None:
    port, admin = free_port(), free_port()
    worker = f"unix:{tmp_path}/w.sock"
    if transport == "unix":
        ads, serve_tls, bootstrap_tls = f"unix:{tmp_path}/ads.sock", [], []
    else:
        ads = f"127.0.0.1:{free_port()}"
        serve_tls, bootstrap_tls = certificates(tmp_path)
    file = write_config(tmp_path, accounts, port, admin)
    bootstrap = subprocess.run(
        [
            str(COMMAND),
            "bootstrap",
            "--ads",
            ads,
            "--admin",
            f"unix:{tmp_path}/envoy.sock",
            "--node-id",
            "pod-1",
            *bootstrap_tls,
        ],
        check=True,
        capture_output=True,
    )
    (tmp_path / "envoy.yaml").write_bytes(bootstrap.stdout)
    client = openai.OpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key=CLIENT_KEY, max_retries=0, timeout=20
    )

    def answers(model: str) -> bool:
        with contextlib.suppress(openai.APIError):
            return bool(client.chat.completions.create(model=model, messages=HELLO).choices)
        return False

    def serve() -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        return process(
            *(
                sys.executable,
                "-m",
                "controlplane",
                "serve",
                "-c",
                str(file),
                "--ads",
                ads,
                "--ext-proc",
                worker,
                *serve_tls,
            ),
            log=tmp_path / "control.log",
        )

    envoy = [
        str(envoy_binary()),
        "-c",
        str(tmp_path / "envoy.yaml"),
        "--disable-hot-restart",
        "-l",
        "warning",
    ]
    with (
        client,
        process(sys.executable, "-m", "extproc", "serve", "--listen", worker, log=tmp_path / "worker.log"),
        process(*envoy, log=tmp_path / "envoy.log") as data_plane,
    ):
        with serve() as control:
            until(lambda: answers("translated"), 60)
            control.kill()
            control.wait()
            # Without a control plane traffic flows.
            assert all(answers("translated") for _ in range(5))
        write_config(tmp_path, accounts, port, admin, "  second: {target: claude/claude-sonnet-4-5}")
        with serve() as control:
            until(lambda: answers("second"), 60)
        assert control.returncode == 0
        assert data_plane.poll() is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--ads", "0.0.0.0:18000"], "beyond this machine it needs"),
        (["--ads", "127.0.0.1:0", "--tls-cert", __file__], "go together"),
        (["--ads", "127.0.0.1:0", "--ext-proc", "10.0.0.1:9000"], "beyond this machine it needs"),
        (["--ads", "127.0.0.1:0", "--ext-proc-ca", "ca.pem"], "go together"),
        (
            [
                *("--ads", "127.0.0.1:0", "--ext-proc", "unix:/w", "--ext-proc-ca", "ca.pem"),
                *("--ext-proc-cert", "a.crt", "--ext-proc-key", "a.key"),
            ],
            "are for HOST:PORT",
        ),
    ],
)
def test_serve_refuses_what_is_unsafe(
    accounts: Accounts, tmp_path: Path, arguments: list[str], told: str
) -> None:
    file = write_config(tmp_path, accounts, free_port(), free_port())
    refused = subprocess.run(
        [sys.executable, "-m", "controlplane", "serve", "-c", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
