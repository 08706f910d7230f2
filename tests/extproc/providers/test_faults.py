"""Providers' error answers: the table of config.md, by status and then by the vendor's type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.dialects import DIALECTS
from extproc.errors import InternalError, ProviderError, ProviderFailed, ProviderRateLimited, ProviderRejected
from extproc.providers import WIRE_FORMATS
from extproc.providers.faults import MAX_MESSAGE, safe

ACCOUNT = "the provider refused the gateway's credentials or account"


def read(status: int, body: Any, wire_format: Any = "anthropic") -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WIRE_FORMATS[wire_format].read_error(status, {}, raw)


def anthropic(kind: str, message: str = "m") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "body", "expected", "told"),
    [
        (400, anthropic("invalid_request_error"), ProviderRejected, (400, "m")),
        (404, anthropic("not_found_error"), ProviderRejected, (404, "m")),
        (409, anthropic("conflict_error"), ProviderRejected, (409, "m")),
        (413, anthropic("request_too_large"), ProviderRejected, (413, "m")),
        (422, {"detail": [{"msg": "m"}]}, ProviderRejected, (422, "m")),
        (401, anthropic("authentication_error", "invalid x-api-key"), ProviderFailed, (502, ACCOUNT)),
        (402, anthropic("billing_error"), ProviderFailed, (502, ACCOUNT)),
        (403, anthropic("permission_error"), ProviderFailed, (502, ACCOUNT)),
        (429, anthropic("rate_limit_error"), ProviderRateLimited, (429, "m")),
        (500, anthropic("api_error"), ProviderFailed, (502, "m")),
        (504, anthropic("timeout_error"), ProviderFailed, (502, "m")),
        (529, anthropic("overloaded_error"), ProviderFailed, (502, "m")),
        (408, {}, ProviderFailed, (502, "the provider failed with status 408")),
        (418, {}, ProviderFailed, (502, "the provider failed with status 418")),
        # the type, where the status says too little
        (400, anthropic("overloaded_error"), ProviderFailed, (502, "m")),
        (400, anthropic("rate_limit_error"), ProviderRateLimited, (429, "m")),
        (400, anthropic("authentication_error"), ProviderFailed, (502, ACCOUNT)),
        # other vendors' shapes
        (400, {"error": "m"}, ProviderRejected, (400, "m")),
        (400, {"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, ProviderRejected, (400, "m")),
        (404, {"detail": "m"}, ProviderRejected, (404, "m")),
        (400, [{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}], ProviderRejected, (400, "m")),
        # no words at all
        (400, b"", ProviderRejected, (400, "the provider refused the request with status 400")),
        (502, b"<html><h1>502 Bad Gateway</h1>nginx/1.2</html>", ProviderFailed, (502, "the provider failed with status 502")),
        (429, b"\xff\xfe", ProviderRateLimited, (429, "the provider's rate limit is reached")),
        (500, {"error": {"message": 5, "type": ["x"]}}, ProviderFailed, (502, "the provider failed with status 500")),
    ],
)  # fmt: skip
def test_statuses(status: int, body: Any, expected: type[ProviderError], told: tuple[int, str]) -> None:
    for wire_format in ("openai", "anthropic"):
        error = read(status, body, wire_format)
        assert (type(error), error.status, error.message) == (expected, *told)


def test_openai_names_the_parameter() -> None:
    error = read(
        400,
        {"error": {"message": "m", "type": "invalid_request_error", "param": "n", "code": None}},
        "openai",
    )
    assert error.param == "n"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Incorrect API key provided: sk-proj-abcdef123456.", "Incorrect API key provided: [redacted]"),
        ("key sk-ant-api03-AbC_dEf-123 is bad", "key [redacted] is bad"),
        ("got Bearer abc.def", "got [redacted]"),
        ("cannot reach http://10.0.0.5:8000/v1/chat?key=x now", "cannot reach [address] now"),
        ("connect to 10.0.0.5:8000 failed", "connect to [address] failed"),
        ("connect to model-server.internal:8000 failed", "connect to [address] failed"),
        ("connect to [fe80::1]:8000 failed", "connect to [address] failed"),
        ("see https://platform.openai.com/docs/x?y=z.", "see https://platform.openai.com/docs/x"),
        ("see https://api.openai.com/v1 or https://evil-openai.com", "see [address] or [address]"),
        ("a\x00b\x1bc\nd", "a b c\nd"),
        ("model: claude-sonet-4-5", "model: claude-sonet-4-5"),
        ("max_tokens: 5 > 4, at 12:30", "max_tokens: 5 > 4, at 12:30"),
        ("x" * 5000, "x" * (MAX_MESSAGE - 1) + "…"),
    ],
)
def test_what_clients_may_see(message: str, shown: str) -> None:
    assert safe(message) == shown


@given(st.sampled_from(["openai", "anthropic"]), st.integers(400, 599), st.binary() | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x, max_size=2) | st.dictionaries(st.sampled_from(["error", "detail", "message", "type", "code", "param", "msg"]), x)).map(lambda x: json.dumps(x).encode()))  # fmt: skip
def test_any_error_body_has_a_clean_answer(wire_format: Any, status: int, body: bytes) -> None:
    error = read(status, body, wire_format)
    assert error.message
    assert error.status in (400, 404, 409, 413, 422, 429, 502)
    told = json.loads(DIALECTS["openai_chat"].write_error(error))
    assert set(told["error"]) == {"message", "type", "param", "code"}


def test_our_own_errors_have_the_same_shape() -> None:
    error = InternalError("internal error; request id r")
    body = DIALECTS["openai_chat"].write_error(error)
    assert json.loads(body) == {
        "error": {"message": error.message, "type": "internal_error", "param": None, "code": "internal_error"}
    }
    assert DIALECTS["openai_chat"].write_stream_error(error) == b"data: " + body + b"\n\n"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            400,
            anthropic("invalid_request_error", "you said: secret"),
            "the provider said invalid_request_error",
        ),
        (529, anthropic("overloaded_error"), "the provider said overloaded_error"),
        (400, anthropic("you said: secret"), "the provider said that it failed"),
        (500, b"secret", "the provider said that it failed"),
    ],
)
def test_logs_get_the_class_and_never_the_words(status: int, body: Any, reason: str) -> None:
    assert read(status, body).reason == reason
