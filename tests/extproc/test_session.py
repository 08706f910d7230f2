"""The request half of a session, and the order of its messages."""

from __future__ import annotations

import json
from unittest.mock import ANY

import pytest

from extproc.contract.target import upstream_model
from extproc.dialects import DIALECTS
from extproc.messages import ProtocolError, RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import (
    Answer,
    Bug,
    ContinueRequestHeaders,
    ContinueResponseHeaders,
    ReplaceRequestBody,
    ReplaceResponseBody,
    UnsupportedFields,
)
from extproc.session import Session
from tests.extproc.transcript import (
    CLAUDE,
    CLOSE,
    JSON,
    JSON_TYPE,
    NOW,
    OPENAI,
    POLICY,
    REQUEST,
    SSE_TYPE,
    Transcript,
    asked,
    error,
    policy,
)

UNSUPPORTED = REQUEST[:-1] + b', "seed": 7, "logit_bias": {"50256": -100}}'
HEADERS = {"x-request-id": "req-1"}


def begun(target=CLAUDE, **changes) -> Transcript:
    """A transcript that goes on with the request's body."""
    return Transcript() >> RequestHeaders(target, policy(**changes), HEADERS) << ContinueRequestHeaders()


def sent(transcript: Transcript) -> ReplaceRequestBody:
    [reply] = transcript.replies[-1].messages
    assert isinstance(reply, ReplaceRequestBody)
    return reply


class TestSameFormat:
    BODY = b'{ "temperature":1.0,"model" : "fast",\n "seed":123456789012345678901234567890, "x":"\\u00e9\xc3\xa9"}'
    SENT = BODY.replace(b'"fast"', b'"gpt-x"')

    def test_only_the_name_changes_and_the_length_is_exact(self):
        assert (
            begun(OPENAI)
            >> RequestBody(self.BODY)
            << ReplaceRequestBody(
                self.SENT,
                {
                    ":path": "/v1/chat/completions",
                    "content-length": str(len(self.SENT)),
                    "accept-encoding": "identity",
                },
            )
        )

    def test_it_steps_aside_at_once_where_nothing_is_watched(self):
        assert (
            begun(OPENAI, hold_headers=False)
            >> RequestBody(self.BODY)
            << ReplaceRequestBody(self.SENT, ANY)
            << CLOSE
        )

    @pytest.mark.parametrize(
        ("pattern", "name", "requested", "expected"),
        [
            ("openai/*", "*", "openai/gpt-4o", "gpt-4o"),
            ("openai/*", "eu-*", "openai/gpt-4o", "eu-gpt-4o"),
            ("*", "*", "any/thing", "any/thing"),
            ("gpt-*", "gpt-4o-mini", "gpt-anything", "gpt-4o-mini"),
            ("openai/*", "*", "openai/", ""),
            ("fast", "vendor*", "fast", "vendor*"),
        ],
    )
    def test_a_star_stands_for_what_it_matched(self, pattern, name, requested, expected):
        changes = {"model": pattern, "models": {"openai": name}}
        body = json.dumps({"model": requested, "messages": []}).encode()
        transcript = (
            begun(OPENAI, **changes) >> RequestBody(body) << ReplaceRequestBody(JSON(model=expected), ANY)
        )
        assert transcript
        assert upstream_model(policy(**changes), "openai", requested) == expected

    @pytest.mark.parametrize("model", [POLICY.model, "*"])
    @pytest.mark.parametrize(
        ("body", "param"),
        [
            (b"", None),
            (b"[]", None),
            (b'{"model": "fast"', None),
            (b'{"messages": []}', "model"),
            (b'{"model": 7}', "model"),
            (b'{"model": "\xff"}', None),
            (b'{"model": "fast", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
        ],
    )
    def test_what_is_no_request_ends_here(self, model, body, param):
        told = error("invalid_request_error", code="validation_error", param=param)
        assert (
            begun(OPENAI, model=model)
            >> RequestBody(body)
            << Answer(400, told, "llm_validation_error")
            << CLOSE
        )


class TestTranslation:
    def test_the_body_path_and_length_are_the_providers(self):
        transcript = (
            begun() >> RequestBody(REQUEST) << ReplaceRequestBody(JSON(model="claude-haiku-4-5"), ANY)
        )
        assert transcript
        outgoing = sent(transcript)
        assert outgoing.headers[":path"] == "/v1/messages"
        assert outgoing.headers["content-length"] == str(len(outgoing.body))
        assert outgoing.headers["accept-encoding"] == "identity"
        assert "anthropic-version" in outgoing.headers

    def test_a_star_stands_for_what_it_matched(self):
        body = REQUEST.replace(b"fast", b"anthropic/claude-opus-4-5")
        transcript = begun(model="anthropic/*", models={"claude": "*"})
        assert transcript >> RequestBody(body) << ReplaceRequestBody(JSON(model="claude-opus-4-5"), ANY)

    def test_a_bad_field_ends_here_and_is_named(self):
        body = REQUEST.replace(b'"Hi"', b"7")
        told = error("invalid_request_error", param="messages[0].content")
        assert begun() >> RequestBody(body) << Answer(400, told, "llm_validation_error") << CLOSE

    def test_warn_leaves_fields_out_and_says_so(self):
        transcript = (
            begun(unsupported_fields="warn") >> RequestBody(UNSUPPORTED) << ReplaceRequestBody(ANY, ANY)
        )
        assert transcript << UnsupportedFields("claude", ("logit_bias", "seed"))
        assert b"seed" not in sent(transcript).body
        transcript.__rshift__(ResponseHeaders(500, {}, end=True))
        headers = transcript.replies[-1].messages[0].headers
        assert headers["x-llm-gateway-degraded"] == "logit_bias, seed"

    def test_ignore_leaves_fields_out_and_says_nothing(self):
        transcript = (
            begun(unsupported_fields="ignore") >> RequestBody(UNSUPPORTED) << ReplaceRequestBody(ANY, ANY)
        )
        assert transcript
        assert b"seed" not in sent(transcript).body
        transcript.__rshift__(ResponseHeaders(500, {}, end=True))
        assert "x-llm-gateway-degraded" not in transcript.replies[-1].messages[0].headers

    def test_reject_names_the_fields(self):
        told = error(
            "invalid_request_error",
            code="unsupported_field",
            param="logit_bias",
            message="claude cannot honour logit_bias, seed",
        )
        assert (
            begun(unsupported_fields="reject")
            >> RequestBody(UNSUPPORTED)
            << Answer(400, told, "llm_unsupported_field")
            << CLOSE
        )

    @pytest.mark.parametrize("choice", ["warn", "ignore", "reject"])
    def test_a_request_that_is_honoured_is_not_degraded(self, choice):
        assert begun(unsupported_fields=choice) >> RequestBody(REQUEST) << ReplaceRequestBody(ANY, ANY)

    def test_names_that_a_client_invents_reach_no_log_and_no_metric(self):
        invented = {f"key-{n}": n for n in range(500)} | {"größe\r\nset-cookie: a=b": 1, "seed": 3}
        body = json.dumps(json.loads(REQUEST) | invented).encode()
        transcript = begun() >> RequestBody(body) << ReplaceRequestBody(ANY, ANY)
        assert transcript << UnsupportedFields("claude", ("seed", "other"))
        transcript.__rshift__(ResponseHeaders(500, {}, end=True))
        header = transcript.replies[-1].messages[0].headers["x-llm-gateway-degraded"]
        assert header.startswith("seed, ")
        assert header.isascii()
        assert header.isprintable()
        assert len(header) <= 1024

    def test_an_invented_name_beyond_ascii_is_escaped(self):
        body = json.dumps(json.loads(REQUEST) | {"größe\n": 1}).encode()
        transcript = asked(body=body)
        transcript.__rshift__(ResponseHeaders(500, {}, end=True))
        assert transcript.replies[-1].messages[0].headers["x-llm-gateway-degraded"] == "gr\\xf6\\xdfe\\n"

    def test_positions_in_lists_do_not_multiply_metrics(self):
        tool = {
            "type": "function",
            "function": {"name": "f", "strict": True, "parameters": {"type": "string"}},
        }
        body = json.dumps(
            json.loads(REQUEST) | {"tools": [tool, tool | {"function": {**tool["function"], "name": "g"}}]}
        )
        transcript = begun(models={"claude": "claude-3-haiku-20240307"}) >> RequestBody(body.encode())
        assert (
            transcript
            << ReplaceRequestBody(ANY, ANY)
            << UnsupportedFields("claude", ("tools.function.strict",))
        )


class TestBugs:
    @pytest.mark.parametrize("target", [OPENAI, CLAUDE])
    def test_a_bug_is_a_500_with_the_request_id_only(self, target, monkeypatch):
        def broken(*_, **__):
            raise RuntimeError("with a secret in it")

        monkeypatch.setattr(type(DIALECTS["openai_chat"]), "edit_request", broken)
        monkeypatch.setattr(type(WIRE_FORMATS["anthropic"]), "write_request", broken)
        message = "internal error; request id req-1"
        told = error("internal_error", code="internal_error", param=None, message=message)
        assert (
            begun(target)
            >> RequestBody(REQUEST)
            << Answer(500, told, "llm_internal_error")
            << Bug("req-1", ANY)
            << CLOSE
        )

    def test_a_leaf_that_the_route_does_not_know_is_a_bug(self):
        transcript = (
            begun(OPENAI, models={}) >> RequestBody(REQUEST) << Answer(500, ANY, "llm_internal_error")
        )
        assert transcript << Bug("req-1", ANY) << CLOSE


REQUEST_HEADERS = RequestHeaders(CLAUDE, POLICY, HEADERS)
ANYTHING = [
    REQUEST_HEADERS,
    RequestBody(REQUEST),
    ResponseHeaders(200, SSE_TYPE),
    ResponseBody(b"", end=True),
]
STATES = {
    "awaiting the request headers": ([], RequestHeaders),
    "awaiting the request body": (ANYTHING[:1], RequestBody),
    "awaiting the response headers": (ANYTHING[:2], ResponseHeaders),
    "in the response body": (ANYTHING[:3], ResponseBody),
    "finished": (ANYTHING, None),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("message", ANYTHING, ids=lambda message: type(message).__name__)
def test_an_illegal_order_names_state_and_message(state, message):
    before, legal = STATES[state]
    session = Session(NOW)
    for one in before:
        session.on(one)
    if type(message) is legal:
        session.on(message)
        return
    with pytest.raises(ProtocolError) as raised:
        session.on(message)
    assert str(raised.value) == f"{type(message).__name__} while {state}"


FINISHED = {
    "refused": [REQUEST_HEADERS, RequestBody(b"")],
    "aside after the request": [
        RequestHeaders(OPENAI, policy(hold_headers=False), HEADERS),
        RequestBody(REQUEST),
    ],
    "aside after the response headers": [
        RequestHeaders(OPENAI, POLICY, HEADERS),
        RequestBody(REQUEST),
        ResponseHeaders(200, JSON_TYPE),
    ],
    "no body": [REQUEST_HEADERS, RequestBody(REQUEST), ResponseHeaders(500, {}, end=True)],
    "failed at the end": [
        REQUEST_HEADERS,
        RequestBody(REQUEST),
        ResponseHeaders(500, {}),
        ResponseBody(b"", end=True),
    ],
}


@pytest.mark.parametrize("messages", FINISHED.values(), ids=FINISHED)
def test_nothing_follows_the_end(messages):
    session = Session(NOW)
    for message in messages:
        session.on(message)
    with pytest.raises(ProtocolError, match="ResponseBody while finished"):
        session.on(ResponseBody(b"more"))


def test_streams_share_nothing():
    """Two sessions in step, with other clients and other ends, answer as each would alone."""
    one, two = asked(body=UNSUPPORTED), asked(OPENAI)
    one >> ResponseHeaders(200, SSE_TYPE)
    two >> ResponseHeaders(503, JSON_TYPE)
    one >> ResponseBody(b'data: {"type": "ping"}\n\n')
    two >> ResponseBody(b"{}", end=True)
    assert [type(reply) for reply in two.replies[-1].messages] == [
        ContinueResponseHeaders,
        ReplaceResponseBody,
    ]
    two._unread.clear()
    one >> ResponseBody(b"", end=True)
    headers, *bodies = one.replies[-1].messages
    assert headers.headers["x-llm-gateway-degraded"] == "logit_bias, seed"
    assert len(bodies) == 2
