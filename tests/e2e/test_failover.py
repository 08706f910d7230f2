"""Every way a target can fail moves the request to the next one, and the client sees one clean answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import httpx2  # what the openai SDK is built on
import openai
import pytest

from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import CLIENT_KEY, Gateway, free_port, running_gateway

FIRST = ["openai", "anthropic"]
HELLO: Any = [{"role": "user", "content": "hello there"}]


@pytest.fixture(scope="module")
def accounts(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    accounts = Accounts(simulator, tmp_path_factory.mktemp("keys"))
    yield accounts
    accounts.check_credentials()


@pytest.fixture(scope="module")
def gateway(accounts: Accounts) -> Iterator[Gateway]:
    """For each format a model whose first target speaks it; breakers that never open."""
    patient = {"circuit_breaker": "{consecutive_errors: 1000000}", "timeouts": "{connect: 300ms}"}
    dead = free_port()
    with contextlib.ExitStack() as stack:
        config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai", **patient)}
  anthropic: {accounts.provider("anthropic", "anthropic", **patient)}
  second: {accounts.provider("second", "openai", **patient)}
  third: {accounts.provider("third", "anthropic", **patient)}
  breaking: {accounts.provider("breaking", "openai", circuit_breaker="{consecutive_errors: 2, open_for: 60s}")}
  refusing: {{type: vllm, base_url: "http://127.0.0.1:{dead}", circuit_breaker: {{consecutive_errors: 1000000}}}}
  unreachable: {{type: vllm, base_url: "http://127.0.0.1:{stack.enter_context(full_listener())}", timeouts: {{connect: 300ms}}, circuit_breaker: {{consecutive_errors: 1000000}}}}
models:
  from-openai: {model("openai", "second", "third")}
  from-anthropic: {model("anthropic", "third", "second")}
  from-refusing: {model("refusing", "second")}
  from-unreachable: {model("unreachable", "third")}
  from-breaking: {model("breaking", "second")}
  patient-openai: {{targets: [{{provider: openai, model: a}}, {{provider: second, model: b, priority: 1}}]}}
  patient-anthropic: {{targets: [{{provider: anthropic, model: a}}, {{provider: third, model: b, priority: 1}}]}}
  only-openai: {{target: openai/only-openai}}
  renamed-openai: {{target: openai/another-name}}
  only-anthropic: {{target: anthropic/claude-haiku-4-5}}
"""
        gateway = stack.enter_context(running_gateway(accounts.directory, config))
        yield gateway


def model(*targets: str) -> str:
    listed = ", ".join(
        f"{{provider: {name}, model: claude-{name}, priority: {i}}}" for i, name in enumerate(targets)
    )
    return f"{{targets: [{listed}], first_token_timeout: 2s}}"


@contextlib.contextmanager
def full_listener() -> Iterator[int]:
    """A port that accepts no connection and refuses none: its backlog is full."""
    import socket

    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def client(gateway: Gateway, accounts: Accounts) -> Iterator[openai.OpenAI]:
    accounts.clear()
    with gateway.openai(timeout=30) as client:
        yield client
    accounts.clear()


def ask(
    client: openai.OpenAI, model: str, *, stream: bool, messages: Any = HELLO, **more: Any
) -> tuple[str, Any]:
    """The text of the answer and the response headers; a stream must be whole and well-formed."""
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=messages, stream=stream, **more
    )
    if not stream:
        completion = raw.parse()
        assert completion.choices[0].finish_reason == "stop"
        return completion.choices[0].message.content, raw.headers
    chunks = list(raw.parse())
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert finishes[-1] == "stop"
    assert not any(finishes[:-1])
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), raw.headers


FAULTS: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "500": {"status": 500},
    "529": {"status": 529},
    "429": {"status": 429, "headers": {"retry-after": "30"}},
    "401": {"status": 401},
    "closes": {"close_before_headers": True},
    "html": {"status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html"},
    "html with 200": {"body": "<html>welcome</html>", "content_type": "text/html"},
}
UNARY_FAULTS = {  # of a translated answer; one in the client's own format passes unread
    "garbage": {"garbage": True},
    "empty": {"empty_body": True},
    "malformed": {"malformed_json": True},
    "gzip": {"gzip": True},
}
STREAM_FAULTS = {
    "garbage": {"garbage": True},
    "in-band error": {"error_after_events": 0},
    "empty stream": {"empty_body": True},
    "silent first token": {"delay_before_first_event": 20},
    "silent headers": {"delay_before_headers": 20},
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("first", FIRST)
def test_a_failing_target_is_followed_by_the_next(
    client: openai.OpenAI, accounts: Accounts, first: str, fault: str, stream: bool
) -> None:
    accounts.fault(first, **FAULTS[fault])
    _moves_on(client, first, stream=stream)


@pytest.mark.parametrize("fault", UNARY_FAULTS)
def test_a_broken_translated_answer_is_followed_by_the_next(
    client: openai.OpenAI, accounts: Accounts, fault: str
) -> None:
    accounts.fault("anthropic", **UNARY_FAULTS[fault])
    _moves_on(client, "anthropic", stream=False)


@pytest.mark.parametrize("fault", STREAM_FAULTS)
@pytest.mark.parametrize("first", FIRST)
def test_a_stream_that_fails_before_content_is_followed_by_the_next(
    client: openai.OpenAI, accounts: Accounts, first: str, fault: str
) -> None:
    accounts.fault(first, **STREAM_FAULTS[fault])
    _moves_on(client, first, stream=True)


def _moves_on(client: openai.OpenAI, first: str, *, stream: bool) -> None:
    text, headers = ask(client, f"from-{first}", stream=stream)
    second = {"openai": "second", "anthropic": "third"}[first]
    assert f"claude-{second}" in text
    assert headers["x-llm-gateway-provider"] == second
    assert headers["x-llm-gateway-attempts"] == "2"
    assert headers["x-llm-gateway-model"] == f"from-{first}"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(("model", "second"), [("from-refusing", "second"), ("from-unreachable", "third")])
def test_no_connection(client: openai.OpenAI, model: str, second: str, stream: bool) -> None:
    _, headers = ask(client, model, stream=stream)
    assert headers["x-llm-gateway-provider"] == second
    assert headers["x-llm-gateway-attempts"] == "2"


@pytest.mark.parametrize("first", FIRST)
def test_two_failing_targets(client: openai.OpenAI, accounts: Accounts, first: str) -> None:
    order = {"openai": ["second", "third"], "anthropic": ["third", "second"]}[first]
    accounts.fault(first, status=503)
    accounts.fault(order[0], error_after_events=0)
    _, headers = ask(client, f"from-{first}", stream=True)
    assert headers["x-llm-gateway-provider"] == order[1]
    assert headers["x-llm-gateway-attempts"] == "3"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("first", FIRST)
def test_when_all_fail_the_client_gets_502(
    client: openai.OpenAI, accounts: Accounts, first: str, stream: bool
) -> None:
    for name in (first, "second", "third"):
        accounts.fault(name, status=503)
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, f"from-{first}", stream=stream)
    assert raised.value.status_code == 502
    assert raised.value.type == "api_error"
    assert raised.value.code == "provider_error"
    assert raised.value.response.headers["x-llm-gateway-attempts"] == "3"


@pytest.mark.parametrize("first", FIRST)
def test_a_rejected_request_is_not_retried(client: openai.OpenAI, accounts: Accounts, first: str) -> None:
    accounts.fault(first, status=400)
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, f"from-{first}", stream=False)
    assert raised.value.response.headers["x-llm-gateway-attempts"] == "1"
    assert raised.value.response.headers["x-llm-gateway-provider"] == first


@pytest.mark.parametrize("status", [401, 402, 403, 500, 503, 404, 422])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["only-openai", "renamed-openai", "only-anthropic"])
def test_statuses_of_a_single_target(
    client: openai.OpenAI, accounts: Accounts, model: str, stream: bool, status: int
) -> None:
    """Envoy carries the first natively, ext_proc steps aside of the second and translates the third."""
    accounts.fault(model.partition("-")[2], status=status, body='{"error": {"message": "internal stack"}}')
    with pytest.raises(openai.APIStatusError) as raised:
        ask(client, model, stream=stream)
    told = status if status in (404, 422) else 502
    assert raised.value.status_code == told
    assert "x-llm-gateway-answered" not in raised.value.response.headers
    if status in (401, 402, 403):
        assert "internal stack" not in raised.value.message, "that is about the gateway's own account"
    if told == 502:
        assert raised.value.code == "provider_error"
        assert raised.value.type == "api_error"


@pytest.mark.parametrize("first", FIRST)
def test_an_error_after_content_ends_the_stream_with_an_error(
    client: openai.OpenAI, accounts: Accounts, first: str
) -> None:
    accounts.fault(first, error_after_events=6)
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in client.chat.completions.create(model=f"from-{first}", messages=HELLO, stream=True):
            seen += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    assert seen


@pytest.mark.parametrize("first", FIRST)
def test_a_cut_after_content_is_never_a_clean_end(
    client: openai.OpenAI, accounts: Accounts, first: str
) -> None:
    accounts.fault(first, cut_after_events=6, delay_between_events=0.05)
    finishes = []
    with pytest.raises((openai.APIError, httpx2.TransportError)):
        for chunk in client.chat.completions.create(model=f"from-{first}", messages=HELLO, stream=True):
            finishes += [choice.finish_reason for choice in chunk.choices]
    assert finishes
    assert not any(finishes)


def test_an_open_breaker_costs_no_attempt(client: openai.OpenAI, accounts: Accounts) -> None:
    accounts.fault("breaking", status=503)
    attempts = [ask(client, "from-breaking", stream=False)[1]["x-llm-gateway-attempts"] for _ in range(4)]
    assert attempts == ["2", "2", "1", "1"]
    assert len(accounts.requests("breaking")) == 2


@pytest.mark.parametrize("first", FIRST)
def test_bodies_of_12_mb_fail_over(client: openai.OpenAI, accounts: Accounts, first: str) -> None:
    accounts.fault(first, status=503)
    text = "x" * (12 * 1024 * 1024)
    _, headers = ask(
        client, f"from-{first}", stream=False, messages=[{"role": "user", "content": text}], max_tokens=50
    )
    assert headers["x-llm-gateway-attempts"] == "2"
    assert accounts.requests("second" if first == "openai" else "third")[-1]["body_size"] > 12_000_000


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("first", FIRST)
async def test_200_failovers_at_once(gateway: Gateway, accounts: Accounts, first: str, stream: bool) -> None:
    accounts.clear()
    accounts.fault(first, status=503)
    async with gateway.async_openai(timeout=60) as client:

        async def one() -> str:
            raw = await client.chat.completions.with_raw_response.create(
                model=f"patient-{first}", messages=HELLO, stream=stream
            )
            if stream:
                assert [chunk async for chunk in raw.parse()][-1].choices[0].finish_reason == "stop"
            return raw.headers["x-llm-gateway-attempts"]

        assert await asyncio.gather(*(one() for _ in range(200))) == ["2"] * 200
    accounts.clear()


def test_clients_cannot_reach_into_the_gateway(gateway: Gateway, accounts: Accounts) -> None:
    """Internal and Envoy headers from a client change nothing, and its credentials go nowhere."""
    accounts.clear()
    spoofed = {
        "x-llm-gateway-leaf": "second",
        "x-llm-gateway-answered": "1",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-retry-on": "5xx",
        "x-api-key": CLIENT_KEY,
        "api-key": CLIENT_KEY,
        "cookie": f"session={CLIENT_KEY}",
        "openai-organization": f"org-{CLIENT_KEY}",
    }
    with gateway.openai(default_headers=spoofed) as client:
        for name in ("from-openai", "from-anthropic", "only-openai", "only-anthropic"):
            assert ask(client, name, stream=False)[0]
