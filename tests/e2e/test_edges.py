"""What Envoy answers by itself: the client's mistakes in the OpenAI shape, health, and the catalogue of models."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import CLIENT_KEY, Gateway, running_gateway

CHAT = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def gateway(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("edges")
    accounts = Accounts(simulator, directory)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}, max_request_body: 256KiB}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  small: {accounts.provider("small", "openai", max_concurrent_requests=1)}
  fragile: {accounts.provider("fragile", "openai", circuit_breaker="{consecutive_errors: 1, open_for: 60s}")}
  slow: {accounts.provider("slow", "openai", timeouts="{request: 300ms}", circuit_breaker="{consecutive_errors: 1000}")}
models:
  gpt: {{target: openai/gpt}}
  small: {{target: small/small}}
  fragile: {{target: fragile/fragile, retry: {{attempts: 1}}}}
  slow: {{target: slow/slow, retry: {{attempts: 1}}}}
  hurried: {{target: openai/hurried, timeout: 300ms, retry: {{attempts: 1}}}}
  "open/*": {{target: openai/*}}
"""
    with running_gateway(directory, config) as gateway:
        gateway.accounts = accounts  # type: ignore[attr-defined]
        yield gateway
    accounts.check_credentials()


def send(
    gateway: Gateway, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        connection.request(method, path, body, {"authorization": f"Bearer {CLIENT_KEY}", **(headers or {})})
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    return response.status, json.loads(text) if text else None, response.headers


def error(answer: tuple[int, Any, http.client.HTTPMessage]) -> tuple[int, str, str | None, str]:
    status, body, headers = answer
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"]
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    return status, body["error"]["type"], body["error"]["param"], body["error"]["code"]


INVALID = "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, INVALID, None, "validation_error")),
        (b"not json", (400, INVALID, None, "validation_error")),
        (b'{"model": "gpt"', (400, INVALID, None, "validation_error")),
        (b"{}", (400, INVALID, "model", "validation_error")),
        (b'{"messages": [], "nested": {"model": "gpt"}}', (400, INVALID, "model", "validation_error")),
        (b"[]", (400, INVALID, "model", "validation_error")),
        (b'{"model": null}', (400, INVALID, "model", "validation_error")),
        (b'{"model": ""}', (400, INVALID, "model", "validation_error")),
        (b'{"model": "nonesuch"}', (404, INVALID, "model", "model_not_found")),
        (b'{"model": 5}', (404, INVALID, "model", "model_not_found")),
        (b'{"model": "open/x\\r\\nset-cookie: a=b"}', (404, INVALID, "model", "model_not_found")),
        (b'{"model": "gpt", "seed": 99999999999999999999}', (400, INVALID, None, "validation_error")),
    ],
)
def test_bodies(gateway: Gateway, body: bytes, expected: tuple[int, str, str | None, str]) -> None:
    answer = send(gateway, "POST", CHAT, body, JSON)
    if b"9999" in body:
        # Envoy's JSON reader gives up at integers beyond 64 bits (trap 8): a clear 400, never a wrong number.
        assert answer[0] in (200, 400)
        return
    assert error(answer) == expected
    assert "set-cookie" not in answer[2]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_other_content_types(gateway: Gateway, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = send(gateway, "POST", CHAT, b'{"model": "gpt"}', headers)
    assert error(answer) == (415, INVALID, None, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/problem+json"])
def test_json_content_types(gateway: Gateway, content_type: str) -> None:
    body = b'{"model": "gpt", "messages": [{"role": "user", "content": "hello"}]}'
    status, _, headers = send(gateway, "POST", CHAT, body, {"content-type": content_type})
    assert status != 415
    assert headers["x-llm-gateway-provider"] == "openai"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large(gateway: Gateway, chunked: bool) -> None:
    body = b'{"model": "gpt", "x": "' + b"y" * 300_000 + b'"}'
    if chunked:
        pieces = iter([f"{len(body):x}\r\n".encode() + body + b"\r\n", b"0\r\n\r\n"])
        answer = send(gateway, "POST", CHAT, pieces, {**JSON, "transfer-encoding": "chunked"})
    else:
        answer = send(gateway, "POST", CHAT, body, JSON)
    assert error(answer) == (413, INVALID, None, "payload_too_large")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nonesuch", "/v2/chat/completions", "/v1/chat/completions/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_paths(gateway: Gateway, method: str, path: str) -> None:
    body = b'{"model": "gpt"}' if method == "POST" else None
    assert error(send(gateway, method, path, body, JSON)) == (404, INVALID, None, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", CHAT, "POST"), ("PUT", CHAT, "POST"), ("DELETE", CHAT, "POST"), ("POST", "/v1/models", "GET")],
)
def test_wrong_methods(gateway: Gateway, method: str, path: str, allow: str) -> None:
    answer = send(gateway, method, path)
    assert error(answer) == (405, INVALID, None, "method_not_allowed")
    assert answer[2]["allow"] == allow


def test_a_query_string_changes_nothing(gateway: Gateway) -> None:
    assert send(gateway, "GET", "/v1/models?limit=5")[0] == 200
    assert error(send(gateway, "POST", CHAT + "?a=b", b"{}", JSON))[0] == 400


def test_models(gateway: Gateway) -> None:
    status, body, _ = send(gateway, "GET", "/v1/models")
    assert status == 200
    assert body["object"] == "list"
    assert [m["id"] for m in body["data"]] == ["gpt", "small", "fragile", "slow", "hurried", "open/*"]
    assert {m["object"] for m in body["data"]} == {"model"}
    for path in ("gpt", "open/*", "open%2F*", "open%2F%2A"):
        assert send(gateway, "GET", f"/v1/models/{path}")[0] == 200, path
    for path in ("open/anything", "open%2Fanything"):
        assert send(gateway, "GET", f"/v1/models/{path}")[1]["id"] == "open/*"
    assert error(send(gateway, "GET", "/v1/models/nonesuch")) == (404, INVALID, "model", "model_not_found")


def test_health(gateway: Gateway) -> None:
    for path in ("/health/live", "/health/ready"):
        assert send(gateway, "GET", path)[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=20)
    for path in ("/health/live", "/health/ready", "/status", "/metrics"):
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
    assert "envoy_cluster_upstream_rq" in text
    assert "llm_gateway_config_reloads_total" in text
    connection.close()


def test_a_timeout_is_504(gateway: Gateway) -> None:
    accounts: Accounts = gateway.accounts  # type: ignore[attr-defined]
    for account, model in (("slow", "slow"), ("openai", "hurried")):
        accounts.fault(account, delay_before_headers=5)
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}]})
        assert error(send(gateway, "POST", CHAT, body, JSON)) == (504, "timeout_error", None, "timeout")
        accounts.clear(account)


def test_an_open_breaker_without_another_target_is_503(gateway: Gateway) -> None:
    accounts: Accounts = gateway.accounts  # type: ignore[attr-defined]
    accounts.fault("fragile", status=503)
    body = json.dumps({"model": "fragile", "messages": [{"role": "user", "content": "x"}]})
    assert error(send(gateway, "POST", CHAT, body, JSON)) == (502, "api_error", None, "provider_error")

    def refused() -> bool:
        found = send(gateway, "POST", CHAT, body, JSON)
        return error(found) == (503, "service_unavailable_error", None, "no_healthy_providers")

    gateway.until(refused)
    (endpoint,) = gateway.status()["providers"]["fragile"]["endpoints"]
    assert (endpoint["breaker"], endpoint["healthy"]) == ("open", False)


def test_a_full_bulkhead_is_503_with_retry_after(gateway: Gateway) -> None:
    streaming = {"model": "small", "stream": True}
    long = {"messages": [{"role": "user", "content": "x [sim:chunks=50,delay=0.1]"}]}
    held = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    held.request("POST", CHAT, json.dumps(streaming | long), JSON)
    response = held.getresponse()
    assert response.status == 200
    body = json.dumps({"model": "small", "messages": [{"role": "user", "content": "x"}]})
    answer = send(gateway, "POST", CHAT, body, JSON)
    assert error(answer) == (503, "service_unavailable_error", None, "overloaded")
    assert int(answer[2]["retry-after"]) >= 1
    response.close()
    held.close()


def test_broken_http_gets_an_answer_in_the_same_shape(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as raw:
        raw.sendall(
            b"GET /v1/models HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\nconnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == INVALID


def test_headers_with_underscores_are_not_passed_on(gateway: Gateway) -> None:
    accounts: Accounts = gateway.accounts  # type: ignore[attr-defined]
    body = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": "x"}]})
    assert send(gateway, "POST", CHAT, body, {**JSON, "x_api_key": CLIENT_KEY, "x-kept": "1"})[0] == 200
    names = {name.lower() for name, _ in accounts.requests("openai")[-1]["headers"]}
    assert "x-kept" in names
    assert "x_api_key" not in names


def test_the_providers_address_stays_inside(gateway: Gateway) -> None:
    accounts: Accounts = gateway.accounts  # type: ignore[attr-defined]
    accounts.fault("openai", close_before_headers=True)
    body = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": "x"}]})
    status, answer, headers = send(gateway, "POST", CHAT, body, JSON)
    accounts.clear("openai")
    assert status == 502
    assert "127.0.0.1" not in json.dumps(answer) + str(headers)
