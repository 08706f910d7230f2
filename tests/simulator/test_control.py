"""What is recorded, what can be configured, and how the simulator is started."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from simulator import Simulator, running
from simulator.recorder import MAX_BODY, MAX_REQUESTS, Recorded, Recorder
from simulator.server import split_account
from tests.simulator.raw import ANTHROPIC, OPENAI, ask, connect, outcome, parse, read_until, request_bytes


def test_a_request_is_recorded_as_received(simulator: Simulator, account: str) -> None:
    ask(simulator, f"/{account}/v1/chat/completions?a=1&b=%20", OPENAI)
    [recorded] = simulator.requests(account)
    assert recorded["method"] == "POST"
    assert recorded["path"] == f"/{account}/v1/chat/completions"
    assert recorded["query"] == "a=1&b=%20"
    assert recorded["body"] == OPENAI
    assert recorded["body_size"] == len(json.dumps(OPENAI))
    assert recorded["headers"][:3] == [["host", "x"], ["authorization", "Bearer key"], ["x-api-key", "key"]]
    assert (recorded["response_status"], recorded["fault"], recorded["outcome"]) == (200, None, "complete")
    assert recorded["time"] > 1_700_000_000


def test_a_body_that_is_not_json(simulator: Simulator, account: str) -> None:
    assert ask(simulator, f"/{account}/v1/messages", b"\xff{").status == 400
    [recorded] = simulator.requests(account)
    assert recorded["body"] is None
    assert base64.b64decode(recorded["body_base64"]) == b"\xff{"


def test_a_long_body_leaves_size_and_hash(simulator: Simulator, account: str) -> None:
    body = json.dumps(ANTHROPIC | {"system": "x" * MAX_BODY}).encode()
    assert ask(simulator, f"/{account}/v1/messages", body).status == 200
    [recorded] = simulator.requests(account)
    assert (recorded["body"], recorded["body_size"]) == (None, len(body))
    assert recorded["body_sha256"] == hashlib.sha256(body).hexdigest()


def test_forty_megabytes_are_taken_and_more_is_refused(simulator: Simulator, account: str) -> None:
    path = f"/{account}/v1/messages"
    assert ask(simulator, path, json.dumps(ANTHROPIC | {"system": "x" * 40_000_000}).encode()).status == 200
    refused = ask(simulator, path, b"x" * 51_000_000)
    assert refused.status == 413
    assert json.loads(refused.body)["error"]["type"] == "request_too_large"


def test_the_recorder_keeps_the_last_requests() -> None:
    recorder = Recorder()
    for at in range(MAX_REQUESTS + 5):
        recorder.add(Recorded(account="", method="GET", path=str(at), query="", headers=[], body=b"", time=0))
    shown = recorder.show()
    assert (len(shown), shown[0]["path"], shown[0]["body"]) == (MAX_REQUESTS, "5", None)


def test_a_client_that_leaves_a_stream_is_seen(simulator: Simulator, account: str) -> None:
    text = "[sim:chunks=100000,delay=0.01]"
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": text}]}
    with connect(simulator) as connection:
        connection.sendall(request_bytes(f"/{account}/v1/chat/completions", body))
        read_until(connection, b"Echo")
    assert outcome(simulator, account) == "disconnected"


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("/v1/messages", ("", "/v1/messages")),
        ("/claude/v1/messages", ("claude", "/v1/messages")),
        ("/a/b/v1/models/v1", ("a/b", "/v1/models/v1")),
        ("/openai/v1/models", ("openai", "/v1/models")),
        ("/az/openai/v1/models", ("az", "/v1/models")),
        ("/a/az/openai/deployments/m%2F1/chat/completions", ("a/az", "/v1/chat/completions")),
        ("/router/api/v1/models", ("router", "/v1/models")),
        ("/fire/inference/v1/models", ("fire", "/v1/models")),
        ("/health", ("", "/health")),
        ("/vllm/health", ("vllm", "/health")),
        ("/elsewhere", ("", "/elsewhere")),
    ],
)
def test_split_account(path: str, split: tuple[str, str]) -> None:
    assert split_account(path) == split


def test_unknown_paths_and_methods(simulator: Simulator, account: str) -> None:
    missing = ask(simulator, f"/{account}/v1/nothing", OPENAI)
    assert (missing.status, json.loads(missing.body)["error"]["type"]) == (404, "not_found_error")
    wrong = ask(simulator, f"/{account}/v1/chat/completions", b"", method="GET")
    assert (wrong.status, json.loads(wrong.body)["error"]["param"]) == (405, None)
    with connect(simulator) as connection:
        connection.sendall(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
        received = read_until(connection, b"}}")
    assert json.loads(parse(received).body)["error"]["message"] == "Invalid URL (GET /nothing)"


def test_clearing() -> None:
    with running() as simulator:
        simulator.configure("a", api_key="key")
        simulator.fault(account="a", status=500, times=3)
        simulator.fault(account="b", status=500)
        ask(simulator, "/a/v1/chat/completions", OPENAI)
        [first, _] = simulator.faults()
        assert (first["account"], first["times"], first["left"]) == ("a", 3, 2)
        simulator.clear_faults("a")
        assert [fault["account"] for fault in simulator.faults()] == ["b"]
        assert ask(simulator, "/a/v1/chat/completions", OPENAI).status == 200
        simulator.configure("a", api_key="other")
        assert ask(simulator, "/a/v1/chat/completions", OPENAI).status == 401
        simulator.clear()
        assert (simulator.requests(), simulator.faults()) == ([], [])
        assert ask(simulator, "/a/v1/chat/completions", OPENAI).status == 200


def test_control_over_http(simulator: Simulator, account: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
    try:
        many = json.dumps([{"account": account, "status": 500}, {"account": account, "id": "mine"}])
        for method, path, body, status in [
            ("POST", "/_sim/faults", many, 200),
            ("POST", "/_sim/faults", "{", 400),
            ("POST", "/_sim/accounts", '{"account": "x", "key": 1}', 400),
            ("GET", "/_sim/accounts", None, 200),
            ("GET", "/_sim/health", None, 200),
            ("GET", "/_sim/nothing", None, 404),
            ("PUT", "/_sim/faults", "{}", 404),
        ]:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == status, (path, answer)
            assert (status < 400) or answer["error"]
    finally:
        connection.close()
    assert [fault["id"] for fault in simulator.faults() if fault.get("account") == account][1] == "mine"


async def test_async_context_and_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "simulator.sock"
    async with running(uds=path) as simulator:
        assert (simulator.url, simulator.port) == (f"unix:{path}", 0)
        simulator.fault(account="a", cut_after_events=0)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(request_bytes("/a/v1/chat/completions", OPENAI))
            received = b""
            while data := connection.recv(65536):
                received += data
        assert not parse(received).complete
        assert len(simulator.requests("a")) == 1


def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(str(cert))
    certificate.private_key_pem.write_to_path(str(key))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with running(tls_cert=cert, tls_key=key) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:")
        connection = http.client.HTTPSConnection("localhost", simulator.port, context=context)
        try:
            connection.request("GET", "/v1/models", headers={"authorization": "Bearer key"})
            assert json.loads(connection.getresponse().read())["object"] == "list"
        finally:
            connection.close()
        assert len(simulator.requests()) == 1


def test_process() -> None:
    with running(process=True) as simulator:
        assert ask(simulator, "/a/v1/chat/completions", OPENAI).status == 200
        assert [each["account"] for each in simulator.requests()] == ["a"]


@pytest.mark.parametrize("process", [False, True])
def test_a_taken_port(simulator: Simulator, capfd: pytest.CaptureFixture[str], *, process: bool) -> None:
    with pytest.raises(RuntimeError if process else OSError), running(port=simulator.port, process=process):
        pytest.fail("started")
    assert "Traceback" not in capfd.readouterr().err


def test_sigterm_ends_the_command_with_a_stalled_stream_open() -> None:
    command = [sys.executable, "-m", "simulator", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", process.stdout.readline())
            assert port
            text = "[sim:chunks=9,delay=1000]"
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": text}]}
            with socket.create_connection(("127.0.0.1", int(port[1]))) as connection:
                connection.sendall(request_bytes("/v1/chat/completions", body))
                read_until(connection, b"Echo")
                process.send_signal(signal.SIGTERM)
                assert process.wait() == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()
