"""Where a request goes: weights, priorities, one account used twice, patterns, pools of endpoints, provider headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from simulator import Simulator, running
from tests.e2e.conftest import Accounts, Start
from tests.e2e.harness import Gateway, free_port, running_gateway

HELLO: Any = [{"role": "user", "content": "hello"}]
HEADERS = '{x-team: platform, x-share: "100%", openai-organization: org-ours}'


@pytest.fixture(scope="module")
def accounts(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    accounts = Accounts(simulator, tmp_path_factory.mktemp("routing"))
    yield accounts
    accounts.check_credentials()


@pytest.fixture(scope="module")
def gateway(accounts: Accounts) -> Iterator[Gateway]:
    patient = {"circuit_breaker": "{consecutive_errors: 1000000}"}
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  a: {accounts.provider("a", "openai", headers=HEADERS, **patient)}
  b: {accounts.provider("b", "anthropic", **patient)}
  c: {accounts.provider("c", "together", **patient)}
models:
  weighted:
    targets:
      - {{provider: a, model: at-a, weight: 70}}
      - {{provider: b, model: at-b, weight: 30}}
      - {{provider: c, model: at-c, priority: 1}}
  even:
    strategy: round_robin
    targets: [{{provider: a, model: at-a}}, {{provider: c, model: at-c}}]
  zero:
    targets: [{{provider: a, model: at-a, weight: 0}}, {{provider: b, model: at-b}}]
  twice:
    targets: [{{provider: a, model: large}}, {{provider: a, model: small, priority: 1}}]
  own: {{target: a/own}}
  translated: {{target: b/claude-haiku-4-5}}
  "deep/*": {{target: a/*}}
  "deep/er/*": {{target: c/*}}
  "gpt-*": {{target: a/gpt-*}}
  "*": {{target: c/fallback}}
"""
    with running_gateway(accounts.directory, config) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway, accounts: Accounts) -> Iterator[openai.OpenAI]:
    accounts.clear()
    with gateway.openai(timeout=20) as client:
        yield client
    accounts.clear()


def served(client: openai.OpenAI, model: str) -> tuple[str, str, str]:
    """Provider, its model's name, attempts."""
    raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
    text = raw.parse().choices[0].message.content or ""
    at_provider = text.split(":")[0].rpartition("Echo from ")[2].partition("/")[2]
    return raw.headers["x-llm-gateway-provider"], at_provider, raw.headers["x-llm-gateway-attempts"]


def test_weights(client: openai.OpenAI) -> None:
    counts = Counter(served(client, "weighted") for _ in range(300))
    assert set(counts) == {("a", "at-a", "1"), ("b", "at-b", "1")}
    # Binomial with p = 0.7: outside this range once in more than a million runs.
    assert 168 < counts["a", "at-a", "1"] < 252


def test_who_follows_is_the_peer_then_the_next_priority(client: openai.OpenAI, accounts: Accounts) -> None:
    accounts.fault("a", status=503)
    assert {served(client, "weighted")[:2] for _ in range(20)} == {("b", "at-b")}
    accounts.fault("b", status=503)
    assert {served(client, "weighted") for _ in range(5)} == {("c", "at-c", "3")}


def test_round_robin_uses_all(client: openai.OpenAI) -> None:
    assert {served(client, "even")[0] for _ in range(40)} == {"a", "c"}


def test_weight_zero_is_a_fallback_only(client: openai.OpenAI, accounts: Accounts) -> None:
    assert {served(client, "zero")[0] for _ in range(20)} == {"b"}
    accounts.fault("b", status=503)
    assert served(client, "zero") == ("a", "at-a", "2")


def test_one_account_twice(client: openai.OpenAI, accounts: Accounts) -> None:
    assert served(client, "twice") == ("a", "large", "1")
    accounts.fault("a", status=503, match={"model": "large"})
    assert served(client, "twice") == ("a", "small", "2")


@pytest.mark.parametrize(
    ("asked", "provider", "model"),
    [
        ("deep/x", "a", "x"),
        ("deep/er/y", "c", "y"),
        ("gpt-5", "a", "gpt-5"),
        ("own", "a", "own"),
        ("anything-else", "c", "fallback"),
    ],
)
def test_names_and_patterns(client: openai.OpenAI, asked: str, provider: str, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=asked, messages=HELLO)
    assert raw.headers["x-llm-gateway-model"] == asked
    assert served(client, asked) == (provider, model, "1")


@pytest.mark.parametrize("model", ["deep/", "gpt-"])
def test_a_pattern_needs_a_rest(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError):
        served(client, model)


def test_provider_headers_go_to_that_provider_only(client: openai.OpenAI, accounts: Accounts) -> None:
    """On the native path, on a failover's first attempt, and not on its second."""
    for model in ("own", "even", "zero", "translated"):
        served(client, model)
    accounts.fault("a", status=503, times=20)
    for _ in range(8):
        served(client, "even")
        served(client, "weighted")
    seen = {name: [dict(request["headers"]) for request in accounts.requests(name)] for name in "abc"}
    assert all(headers["x-team"] == "platform" for headers in seen["a"])
    assert all(headers["x-share"] == "100%" for headers in seen["a"])
    assert all(headers["openai-organization"] == "org-ours" for headers in seen["a"])
    assert not any(
        name in headers for other in "bc" for headers in seen[other] for name in ("x-team", "x-share")
    )
    assert not any("openai-organization" in headers for other in "bc" for headers in seen[other])
    assert all(headers["anthropic-version"] for headers in seen["b"])
    assert not any("anthropic-version" in headers for other in "ac" for headers in seen[other])


def test_a_pool_of_endpoints(start: Start, tmp_path: Path) -> None:
    """Requests spread over a pool; an endpoint that goes is left alone, and comes back."""
    (tmp_path / "pool.key").write_text("sk-pool")
    ports = [free_port(), free_port()]
    endpoints = ", ".join(f"http://127.0.0.1:{port}/pool/v1" for port in ports)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  pool:
    type: vllm
    endpoints: [{endpoints}]
    api_key: {{file: pool.key}}
    load_balancing: round_robin
    health_check: {{path: /health, interval: 200ms, timeout: 1s}}
models:
  llama: {{target: pool/llama}}
  renamed: {{target: pool/other}}
"""

    def healthy(gateway: Gateway) -> int:
        return sum(endpoint["healthy"] for endpoint in gateway.status()["providers"]["pool"]["endpoints"])

    with (
        running(port=ports[0], host="127.0.0.1") as first,
        start(config) as gateway,
        gateway.openai() as client,
    ):
        with running(port=ports[1], host="127.0.0.1") as second:
            gateway.until(lambda: healthy(gateway) == 2)
            for model in ("llama", "renamed") * 10:
                served(client, model)
            # Each worker thread of Envoy goes round on its own, so not exactly half.
            assert min(len(first.requests()), len(second.requests())) >= 5
        for model in ("llama", "renamed") * 5:
            assert served(client, model)[0] == "pool"
        gateway.until(lambda: healthy(gateway) == 1)
        with running(port=ports[1], host="127.0.0.1"):
            gateway.until(lambda: healthy(gateway) == 2)
