"""Each fault knob as a client's socket sees it."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.raw import ANTHROPIC, OPENAI, ask, connect, outcome, parse, read_until, request_bytes

STREAM = OPENAI | {"stream": True}


def openai_path(account: str) -> str:
    return f"/{account}/v1/chat/completions"


def data_lines(body: bytes) -> list[bytes]:
    return [line[6:] for line in body.splitlines() if line.startswith(b"data: ")]


@pytest.mark.parametrize(
    ("status", "error_type", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (429, "requests", "rate_limit_exceeded"),
        (500, "server_error", None),
        (503, "server_error", None),
        (418, "invalid_request_error", None),
        (599, "server_error", None),
    ],
)
def test_status_in_openai_shape(
    simulator: Simulator, account: str, status: int, error_type: str, code: str | None
) -> None:
    simulator.fault(account=account, status=status, headers={"Retry-After": "1"})
    response = ask(simulator, openai_path(account), OPENAI)
    error = json.loads(response.body)["error"]
    assert (response.status, error["type"], error["code"]) == (status, error_type, code)
    assert response.headers["retry-after"] == "1"
    assert error["message"]


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_status_in_anthropic_shape(simulator: Simulator, account: str, status: int, error_type: str) -> None:
    simulator.fault(account=account, status=status)
    response = ask(simulator, f"/{account}/v1/messages", ANTHROPIC)
    body = json.loads(response.body)
    assert (response.status, body["type"], body["error"]["type"]) == (status, "error", error_type)
    assert body["request_id"] == response.headers["request-id"]


def test_literal_bodies(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, times=1, body={"error": "in a good response"})
    simulator.fault(account=account, times=1, status=502, body="<html>", content_type="text/html")
    first, second = (ask(simulator, openai_path(account), STREAM) for _ in range(2))
    assert (first.status, json.loads(first.body)) == (200, {"error": "in a good response"})
    assert (second.status, second.body, second.headers["content-type"]) == (502, b"<html>", "text/html")


def test_error_type(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, status=429, error_type="insufficient_quota")
    response = ask(simulator, openai_path(account), OPENAI)
    assert json.loads(response.body)["error"]["type"] == "insufficient_quota"


def test_success_status_keeps_the_answer(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, status=202)
    response = ask(simulator, openai_path(account), OPENAI)
    assert response.status == 202
    assert json.loads(response.body)["choices"]


def test_close_before_headers(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, close_before_headers=True)
    response = ask(simulator, openai_path(account), OPENAI)
    assert (response.status, response.reset) == (None, False)
    [recorded] = simulator.requests(account)
    assert (recorded["response_status"], recorded["outcome"]) == (None, "fault")


def test_cut_is_a_reset_after_the_events(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, cut_after_events=2)
    response = ask(simulator, openai_path(account), STREAM)
    assert response.reset
    assert not response.complete
    assert len(data_lines(response.body)) == 2
    assert outcome(simulator, account) == "fault"


def test_end_is_a_clean_end_without_the_rest(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, end_after_events=3)
    response = ask(simulator, openai_path(account), STREAM)
    assert response.complete
    lines = data_lines(response.body)
    assert len(lines) == 3
    assert lines[-1] != b"[DONE]"


@pytest.mark.parametrize("error_type", [None, "rate_limit_exceeded"])
def test_error_event_of_openai(simulator: Simulator, account: str, error_type: str | None) -> None:
    simulator.fault(account=account, error_after_events=1, error_type=error_type)
    response = ask(simulator, openai_path(account), STREAM)
    first, last = data_lines(response.body)
    assert json.loads(first)["choices"]
    assert json.loads(last)["error"]["type"] == (error_type or "server_error")
    assert response.complete


def test_error_event_of_anthropic(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, error_after_events=0)
    response = ask(simulator, f"/{account}/v1/messages", ANTHROPIC | {"stream": True})
    assert response.status == 200
    assert b"event: error\n" in response.body
    [error] = data_lines(response.body)
    assert json.loads(error)["error"] == {"type": "overloaded_error", "message": "Overloaded"}


@pytest.mark.parametrize("events", [0, 2])
def test_stall_keeps_the_connection(simulator: Simulator, account: str, events: int) -> None:
    simulator.fault(account=account, stall_after_events=events)
    with connect(simulator) as connection:
        connection.sendall(request_bytes(openai_path(account), STREAM))
        received = read_until(connection, b"Echo" if events else b"\r\n\r\n")
        assert len(data_lines(received)) == events
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
    assert outcome(simulator, account) == "disconnected"


@pytest.mark.parametrize(
    ("knob", "seen"),
    [("delay_before_headers", None), ("delay_before_first_event", 200), ("delay_between_events", 200)],
)
def test_delays_end_with_the_client(simulator: Simulator, account: str, knob: str, seen: int | None) -> None:
    simulator.fault(account=account, **{knob: 1000})
    with connect(simulator) as connection:
        connection.sendall(request_bytes(openai_path(account), STREAM))
        if knob == "delay_before_headers":
            while not simulator.requests(account):
                pass
        else:
            received = read_until(connection, b"data: " if knob == "delay_between_events" else b"\r\n\r\n")
            assert len(data_lines(received)) == (knob == "delay_between_events")
    assert outcome(simulator, account) == "disconnected"
    assert simulator.requests(account)[-1]["response_status"] == seen


@pytest.mark.parametrize("body", [OPENAI, STREAM], ids=["whole", "stream"])
def test_malformed_json(simulator: Simulator, account: str, body: dict[str, Any]) -> None:
    simulator.fault(account=account, malformed_json=True)
    response = ask(simulator, openai_path(account), body)
    assert response.complete
    broken = data_lines(response.body)[0] if "stream" in body else response.body
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)


def test_malformed_json_after_good_events(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, malformed_json=2)
    lines = data_lines(ask(simulator, openai_path(account), STREAM).body)
    good = [json.loads(line) for line in lines[:2]]
    assert len(good) == 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[2])
    assert lines[-1] == b"[DONE]"


def test_garbage_is_the_same_for_the_same_seed(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, garbage=True, seed=1, times=2)
    simulator.fault(account=account, garbage=True, seed=2, times=1)
    bodies = [ask(simulator, openai_path(account), OPENAI).body for _ in range(3)]
    assert len(bodies[0]) == 512
    assert bodies[0] == bodies[1] != bodies[2]


def test_garbage_in_a_stream(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, garbage=1)
    chunks = ask(simulator, openai_path(account), STREAM).chunks
    assert chunks[0].startswith(b"data: ")
    assert len(chunks[1]) == 512


@pytest.mark.parametrize("body", [OPENAI, STREAM], ids=["whole", "stream"])
def test_truncated(simulator: Simulator, account: str, body: dict[str, Any]) -> None:
    simulator.fault(account=account, truncate_body=True)
    response = ask(simulator, openai_path(account), body)
    assert response.body
    assert not response.complete


@pytest.mark.parametrize("body", [OPENAI, STREAM], ids=["whole", "stream"])
def test_empty(simulator: Simulator, account: str, body: dict[str, Any]) -> None:
    simulator.fault(account=account, empty_body=True)
    response = ask(simulator, openai_path(account), body)
    assert response.complete
    assert data_lines(response.body) == []
    assert response.body in (b"", b"0\r\n\r\n")


def test_content_type(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, content_type="text/html")
    assert ask(simulator, openai_path(account), OPENAI).headers["content-type"] == "text/html"


def test_gzip(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, gzip=True)
    whole = ask(simulator, openai_path(account), OPENAI)
    assert whole.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(whole.body))["choices"]
    streamed = ask(simulator, openai_path(account), STREAM)
    assert data_lines(gzip.decompress(b"".join(streamed.chunks)))[-1] == b"[DONE]"


def test_gzip_events_do_not_wait_for_the_next(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, gzip=True, stall_after_events=1)
    decompressor = zlib.decompressobj(wbits=31)
    with connect(simulator) as connection:
        connection.sendall(request_bytes(openai_path(account), STREAM))
        received = read_until(connection, b"\x00\x00\xff\xff\r\n")
    event = decompressor.decompress(parse(received).chunks[0])
    assert json.loads(data_lines(event)[0])["choices"][0]["delta"]["role"] == "assistant"


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunk_size(simulator: Simulator, account: str, size: int) -> None:
    simulator.fault(account=account, chunk_size=size)
    response = ask(simulator, openai_path(account), STREAM)
    assert {len(chunk) for chunk in response.chunks[:-1]} <= {size}
    assert data_lines(b"".join(response.chunks))[-1] == b"[DONE]"


def test_times_and_order(simulator: Simulator, account: str) -> None:
    first = simulator.fault(account=account, status=500, times=2)
    second = simulator.fault(account=account, status=503, times=1)
    statuses = [ask(simulator, openai_path(account), OPENAI).status for _ in range(4)]
    assert statuses == [500, 500, 503, 200]
    assert [each["fault"] for each in simulator.requests(account)] == [first, first, second, None]


def test_match(simulator: Simulator, account: str) -> None:
    simulator.fault(account=account, match={"model": "other", "stream": True}, status=500)
    other = OPENAI | {"model": "other"}
    bodies = [OPENAI, other, STREAM, other | {"stream": True}, b"not json"]
    statuses = [ask(simulator, openai_path(account), body).status for body in bodies]
    assert statuses == [200, 200, 200, 500, 400]


def test_health_meets_only_its_own_faults(simulator: Simulator, account: str) -> None:
    path = f"/{account}/health"
    simulator.fault(account=account, status=500)
    assert ask(simulator, path, b"", method="GET").status == 200
    simulator.fault(account=account, match={"path": "/health"}, status=503)
    assert ask(simulator, path, b"", method="GET").status == 503


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"statuss": 500}, "statuss"),
        ({"status": 99}, "$.status"),
        ({"status": "500"}, "$.status"),
        ({"times": 0}, "$.times"),
        ({"match": {"modl": "x"}}, "modl"),
        ({"delay_before_headers": -1}, "$.delay_before_headers"),
        ({"cut_after_events": -1}, "$.cut_after_events"),
        ({"malformed_json": "yes"}, "$.malformed_json"),
        ({"chunk_size": 0}, "$.chunk_size"),
        ({"headers": {"x": 1}}, "$.headers"),
    ],
)
def test_invalid_knobs_are_named(
    simulator: Simulator, account: str, knobs: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named.replace("$", r"\$")):
        simulator.fault(account=account, **knobs)
    assert not [fault for fault in simulator.faults() if fault.get("account") == account]
