"""One call as the transports see it: bytes in, bytes out; and what is logged and counted of it."""

from __future__ import annotations

import json
import logging

import pytest
from prometheus_client import REGISTRY

from extproc.dialects import DIALECTS
from extproc.messages import ProtocolError
from extproc.server import Stream
from tests.extproc import envoy
from tests.extproc.streams import BEGIN, BLOCK, END, MESSAGE, PING, delta, overloaded
from tests.extproc.transcript import CLAUDE, JSON_TYPE, OPENAI, REQUEST, SSE_TYPE, STREAM, policy

SECRET = "sk-ant-secret-0123456789"


@pytest.fixture(autouse=True)
def everything_is_logged(caplog):
    caplog.set_level(logging.DEBUG)


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def begun(target=CLAUDE, body=REQUEST, **changes) -> Stream:
    stream = Stream()
    stream.receive(envoy.request_headers(target, policy(**changes)))
    stream.receive(envoy.request_body(body))
    return stream


def test_a_whole_exchange(caplog):
    stream = Stream()
    headers = stream.receive(envoy.request_headers())
    assert [envoy.understood(message) for message in headers.messages] == [{"request_headers": {}}]
    assert not headers.close
    body = stream.receive(envoy.request_body(REQUEST))
    [sent] = [envoy.understood(message) for message in body.messages]
    assert set(sent["request_body"]["response"]) == {"header_mutation", "body_mutation"}
    assert stream.receive(envoy.response_headers(200, JSON_TYPE)).messages == ()
    last = stream.receive(envoy.response_body(json.dumps(MESSAGE).encode(), end=True))
    assert [next(iter(envoy.understood(message))) for message in last.messages] == [
        "response_headers",
        "response_body",
    ]
    assert last.close
    assert caplog.text == ""


def test_the_creation_time_is_the_clocks(monkeypatch):
    monkeypatch.setattr("extproc.server.time.time", lambda: 1_800_000_000.9)
    stream = begun()
    stream.receive(envoy.response_headers(200, JSON_TYPE))
    output = stream.receive(envoy.response_body(json.dumps(MESSAGE).encode(), end=True))
    assert b'"created":1800000000,' in b"".join(output.messages)


def test_stepping_aside_closes_with_the_last_reply():
    stream = Stream()
    stream.receive(envoy.request_headers(OPENAI, policy(hold_headers=False)))
    output = stream.receive(envoy.request_body(REQUEST))
    assert (len(output.messages), output.close) == (1, True)


def test_an_attempt_that_failed_is_one_line_and_counted(caplog):
    labels = {"provider": "counted", "status": "502", "committed": "false"}
    target = CLAUDE.__class__(
        leaf="claude", provider="counted", type="t", wire_format="anthropic", base_path=""
    )
    stream = begun(target)
    stream.receive(envoy.response_headers(529, JSON_TYPE))
    stream.receive(envoy.response_body(b"{}", end=True))
    assert caplog.messages == ["counted failed with 502: its status was 529"]
    assert count("llm_gateway_attempt_failures_total", **labels) == 1


def test_a_stream_that_failed_midway_is_one_line(caplog):
    stream = begun(body=STREAM)
    stream.receive(envoy.response_headers(200, SSE_TYPE))
    for piece in (BEGIN + BLOCK + delta("Hel"), overloaded(), PING, delta("lo"), overloaded(), b""):
        stream.receive(envoy.response_body(piece, end=not piece))
    assert caplog.messages == ["claude failed with 502 mid-stream: the provider said overloaded_error"]


def test_fields_that_are_not_honoured_are_one_line_and_counted(caplog):
    target = CLAUDE.__class__(
        leaf="claude", provider="fields", type="t", wire_format="anthropic", base_path=""
    )
    begun(target, REQUEST[:-1] + b', "seed": 1, "an invented name": 2}')
    assert caplog.messages == ["fields cannot honour seed, other"]
    for field in ("seed", "other"):
        assert count("llm_gateway_unsupported_fields_total", provider="fields", field=field) == 1


def test_a_bug_is_logged_with_its_place_and_without_what_it_says(caplog, monkeypatch):
    def broken(*_, **__):
        raise ValueError(f"cannot read {SECRET}")

    monkeypatch.setattr(type(DIALECTS["openai_chat"]), "read_request", broken)
    before = count("llm_gateway_internal_errors_total")
    stream = Stream()
    stream.receive(envoy.request_headers())
    [answer] = stream.receive(envoy.request_body(REQUEST)).messages
    assert envoy.understood(answer)["immediate_response"]["status"] == {"code": "InternalServerError"}
    assert "bug in request req-1: ValueError" in caplog.text
    assert "in _translate" in caplog.text
    assert SECRET not in caplog.text
    assert count("llm_gateway_internal_errors_total") == before + 1


@pytest.mark.interpreted
def test_a_bug_that_no_session_caught_ends_the_call_and_says_nothing(caplog, monkeypatch):
    def broken(*_, **__):
        raise ValueError(f"cannot encode {SECRET}")

    stream = Stream()
    monkeypatch.setattr("extproc.server.encode", broken)
    with pytest.raises(ProtocolError) as raised:
        stream.receive(envoy.request_headers())
    assert str(raised.value) == "internal error"
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff", "not a ProcessingRequest"),
        (envoy.response_body(b""), "ResponseBody while awaiting the request headers"),
    ],
)
def test_a_broken_protocol_is_one_line_and_raises(data, reason, caplog):
    with pytest.raises(ProtocolError, match=reason):
        Stream().receive(data)
    [line] = caplog.messages
    assert reason in line


QUOTING = json.dumps({"type": "error", "error": {"type": SECRET, "message": f"no: {SECRET} PROMPT"}}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "pieces"),
    [
        (400, JSON_TYPE, [QUOTING]),
        (401, JSON_TYPE, [QUOTING]),
        (500, JSON_TYPE, [QUOTING]),
        (200, JSON_TYPE, [QUOTING]),
        (200, {"content-type": "text/html"}, [QUOTING]),
        (200, SSE_TYPE, [b"event: error\ndata: " + QUOTING + b"\n\n"]),
        (200, SSE_TYPE, [BEGIN + BLOCK + delta("PROMPT"), b"event: error\ndata: " + QUOTING + b"\n\n"]),
        (200, SSE_TYPE, [BEGIN + BLOCK + delta("PROMPT") + END]),
        (200, SSE_TYPE, [b'event: content_block_delta\ndata: {"PROMPT": \n\n']),
    ],
)
@pytest.mark.parametrize("hold_headers", [True, False])
def test_no_log_quotes_a_request_an_answer_or_a_key(status, headers, pieces, hold_headers, caplog):
    body = json.loads(STREAM) | {"user": "PROMPT", "PROMPT": 1, "metadata": {"PROMPT": "PROMPT"}}
    body["messages"][0]["content"] = f"PROMPT {SECRET}"
    stream = begun(body=json.dumps(body).encode(), hold_headers=hold_headers)
    stream.receive(envoy.response_headers(status, headers | {"authorization": SECRET}))
    for piece in (*pieces, b""):
        if stream.receive(envoy.response_body(piece, end=not piece)).close:
            break
    assert "claude" in caplog.text
    assert "PROMPT" not in caplog.text
    assert SECRET not in caplog.text
