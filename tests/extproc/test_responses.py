"""The response half of a session: what passes, unary answers, errors."""

from __future__ import annotations

import gzip
import json
from unittest.mock import ANY

import pytest

from extproc.messages import ResponseHeaders
from extproc.replies import AttemptFailed, ContinueResponseHeaders, ReplaceResponseBody
from tests.extproc.streams import (
    BEGIN,
    BLOCK,
    END,
    LAST_CHUNK,
    MESSAGE,
    ROLE_CHUNK,
    TEXT_CHUNK,
    delta,
    overloaded,
)
from tests.extproc.transcript import (
    CLAUDE,
    CLOSE,
    IN_JSON,
    JSON,
    JSON_TYPE,
    KEEP,
    LAST,
    NOTHING,
    OPENAI,
    SSE_TYPE,
    STREAM,
    asked,
    body,
    error,
    failed,
    written,
)


class TestSameFormat:
    @pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
    def test_json_passes_unread(self, content_type):
        headers = ResponseHeaders(200, {"content-type": content_type})
        assert asked(OPENAI) >> headers << ContinueResponseHeaders() << CLOSE

    def test_compressed_events_pass_unread(self):
        headers = ResponseHeaders(200, SSE_TYPE | {"content-encoding": "gzip"})
        assert asked(OPENAI) >> headers << ContinueResponseHeaders() << CLOSE

    @pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 422, 429])
    def test_errors_that_are_the_clients_business_pass_untouched(self, status):
        assert asked(OPENAI) >> ResponseHeaders(status, {}) << ContinueResponseHeaders() << CLOSE

    @pytest.mark.parametrize("status", [301, 304, 401, 402, 403, 500, 502, 503, 529])
    def test_other_errors_get_our_words(self, status):
        told = error("api_error", code="provider_error")
        assert (
            asked(OPENAI)
            >> ResponseHeaders(status, JSON_TYPE)
            >> body(b'{"error": {"message": ')
            >> body(b'"", "type": "x"}}', end=True)
            << failed(502)
            << ReplaceResponseBody(told)
            << NOTHING
            << AttemptFailed("openai", 502, f"its status was {status}", committed=False)
        )

    def test_a_stream_is_held_until_its_first_content_and_then_left_alone(self):
        assert (
            asked(OPENAI, STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(ROLE_CHUNK[:10])
            >> body(ROLE_CHUNK[10:])
            >> body(TEXT_CHUNK[:-1])
            >> body(TEXT_CHUNK[-1:])
            << ContinueResponseHeaders()
            << KEEP
            << KEEP
            << KEEP
            << KEEP
            << CLOSE
        )

    def test_a_stream_that_comes_whole(self):
        assert (
            asked(OPENAI, STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(ROLE_CHUNK + TEXT_CHUNK + LAST_CHUNK, end=True)
            << ContinueResponseHeaders()
            << KEEP
            << CLOSE
        )

    def test_a_stream_that_breaks_in_the_piece_of_its_first_content_is_left_alone(self):
        """The client sees the same however the pieces were cut."""
        assert (
            asked(OPENAI, STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(TEXT_CHUNK + b'data: {"error": {"message": "x"}}\n\n')
            << ContinueResponseHeaders()
            << KEEP
            << CLOSE
        )

    @pytest.mark.parametrize(
        ("pieces", "status", "reason"),
        [
            (
                [b'data: {"error": {"message": "m", "type": "server_error"}}\n\n'],
                502,
                "the provider said server_error",
            ),
            (
                [b'data: {"error": {"message": "m", "code": 429}}\n\n'],
                429,
                "the provider said that it failed",
            ),
            ([ROLE_CHUNK, b"data: {\n\n"], 502, ANY),
            ([b"\x00\xff garbage", b""], 502, ANY),
        ],
        ids=["in-band error", "in-band limit", "malformed", "garbage"],
    )
    def test_an_error_before_the_first_content_becomes_the_status(self, pieces, status, reason):
        transcript = asked(OPENAI, STREAM) >> ResponseHeaders(200, SSE_TYPE)
        for piece in pieces[:-1]:
            transcript = transcript >> body(piece)
        transcript = (
            transcript
            >> body(pieces[-1], end=pieces[-1] == b"")
            << failed(status)
            << ReplaceResponseBody(ANY)
        )
        for _ in pieces[1:]:
            transcript = transcript << NOTHING
        assert transcript << AttemptFailed("openai", status, reason, committed=False)

    @pytest.mark.parametrize("stream", [b"", b": comment\n\n", ROLE_CHUNK, b"data: [DONE]\n\n"])
    def test_a_stream_without_content_is_an_error(self, stream):
        transcript = asked(OPENAI, STREAM) >> ResponseHeaders(200, SSE_TYPE) >> body(stream, end=True)
        assert (
            transcript
            << failed(502)
            << ReplaceResponseBody(error("api_error"))
            << AttemptFailed("openai", 502, ANY, committed=False)
        )

    @pytest.mark.parametrize("content_type", ["text/html", "", "text/plain"])
    def test_another_content_type_is_an_error(self, content_type):
        transcript = (
            asked(OPENAI) >> ResponseHeaders(200, {"content-type": content_type}) >> body(b"<html>", end=True)
        )
        assert (
            transcript
            << failed(502)
            << ReplaceResponseBody(error("api_error"))
            << AttemptFailed("openai", 502, ANY, committed=False)
        )


class TestUnary:
    def test_the_answer_is_translated_when_it_is_whole(self):
        data = json.dumps(MESSAGE).encode()
        answer = JSON(
            model="fast",
            object="chat.completion",
            choices__0__message__content="Hello",
            usage__total_tokens=8,
        )
        assert (
            asked()
            >> ResponseHeaders(200, JSON_TYPE)
            >> body(data[:7])
            >> body(data[7:])
            >> LAST
            << IN_JSON
            << ReplaceResponseBody(answer)
            << NOTHING
            << NOTHING
            << CLOSE
        )

    @pytest.mark.parametrize("hold_headers", [True, False])
    def test_it_is_never_told_before_it_is_understood(self, hold_headers):
        assert asked(hold_headers=hold_headers) >> ResponseHeaders(200, JSON_TYPE) >> body(b"{")

    @pytest.mark.parametrize(
        ("headers", "data"),
        [
            (JSON_TYPE, b""),
            (JSON_TYPE, json.dumps(MESSAGE).encode()[:-9]),
            (JSON_TYPE, b"\xff\xfe"),
            (JSON_TYPE, b'{"type": "error", "error": {"type": "api_error", "message": "m"}}'),
            (JSON_TYPE, b"{}"),
            (JSON_TYPE | {"content-encoding": "gzip"}, gzip.compress(json.dumps(MESSAGE).encode())),
            ({"content-type": "text/html"}, b"<html>"),
            ({}, json.dumps(MESSAGE).encode()),
            (SSE_TYPE, BEGIN + BLOCK + delta("Hello") + END),
        ],
        ids=["empty", "truncated", "no UTF-8", "error", "no answer", "gzip", "HTML", "no type", "a stream"],
    )
    def test_what_is_no_answer_is_a_clear_502(self, headers, data):
        told = error("api_error", code="provider_error", param=None)
        assert (
            asked()
            >> ResponseHeaders(200, headers)
            >> body(data, end=True)
            << failed(502)
            << ReplaceResponseBody(told)
            << AttemptFailed("claude", 502, ANY, committed=False)
        )

    @pytest.mark.parametrize(
        ("data", "status", "kind"),
        [
            (
                b'{"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}',
                429,
                "rate_limit_error",
            ),
            (
                b'{"type": "error", "error": {"type": "invalid_request_error", "message": "m"}}',
                400,
                "api_error",
            ),
            (
                b'{"type": "error", "error": {"type": "authentication_error", "message": "m"}}',
                502,
                "api_error",
            ),
        ],
    )
    def test_an_error_under_200_gets_the_status_it_means(self, data, status, kind):
        transcript = asked() >> ResponseHeaders(200, JSON_TYPE) >> body(data, end=True)
        assert (
            transcript
            << failed(status)
            << ReplaceResponseBody(error(kind))
            << AttemptFailed("claude", status, ANY, committed=False)
        )


class TestErrorStatuses:
    @pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
    def test_a_refusal_keeps_status_and_words(self, status):
        data = json.dumps({"type": "error", "error": {"type": "x", "message": "too long by half"}}).encode()
        told = error("api_error", code="provider_error", message="too long by half")
        assert (
            asked()
            >> ResponseHeaders(status, JSON_TYPE)
            >> body(data, end=True)
            << failed(status)
            << ReplaceResponseBody(told)
            << AttemptFailed("claude", status, f"its status was {status}", committed=False)
        )

    @pytest.mark.parametrize(
        ("status", "becomes", "kind"),
        [
            (429, 429, "rate_limit_error"),
            *((status, 502, "api_error") for status in (302, 401, 402, 403, 408, 500, 502, 503, 504, 529)),
        ],
    )
    @pytest.mark.parametrize(
        ("headers", "data"),
        [
            (JSON_TYPE, b'{"type": "error", "error": {"type": "odd", "message": "m"}}'),
            ({"content-type": "text/html"}, b"<html>502 Bad Gateway</html>"),
            (JSON_TYPE | {"content-encoding": "gzip"}, gzip.compress(b"{}")),
            (SSE_TYPE, overloaded()),
            ({}, b""),
        ],
        ids=["JSON", "HTML", "gzip", "events", "empty"],
    )
    def test_every_other_status_is_classified_whatever_its_body(self, status, becomes, kind, headers, data):
        transcript = asked(body=STREAM) >> ResponseHeaders(status, headers) >> body(data) >> LAST
        transcript = transcript << failed(becomes) << ReplaceResponseBody(error(kind)) << NOTHING
        assert transcript << AttemptFailed("claude", becomes, f"its status was {status}", committed=False)

    @pytest.mark.parametrize("target", [OPENAI, CLAUDE])
    @pytest.mark.parametrize("status", [401, 500, 503])
    def test_no_body_at_all(self, target, status):
        edited = failed(502)
        whole = ContinueResponseHeaders(edited.headers, edited.remove, body=error("api_error"))
        assert (
            asked(target)
            >> ResponseHeaders(status, {}, end=True)
            << whole
            << AttemptFailed(target.provider, 502, f"its status was {status}", committed=False)
        )

    @pytest.mark.parametrize("headers", [JSON_TYPE, SSE_TYPE, {}])
    def test_success_without_a_body(self, headers):
        edited = failed(502)
        whole = ContinueResponseHeaders(edited.headers, edited.remove, body=error("api_error"))
        for transcript in (asked(), asked(body=STREAM), asked(hold_headers=False)):
            assert (
                transcript
                >> ResponseHeaders(200, headers, end=True)
                << whole
                << AttemptFailed("claude", 502, ANY, committed=False)
            )


def test_a_log_gets_no_words_of_a_provider():
    """They may quote the request: `reason` is what a log may say, the client gets the rest."""
    data = b'{"type": "error", "error": {"type": "my secret prompt", "message": "my secret prompt is bad"}}'
    for headers in (
        ResponseHeaders(400, JSON_TYPE),
        ResponseHeaders(500, JSON_TYPE),
        ResponseHeaders(200, JSON_TYPE),
    ):
        transcript = asked() >> headers
        transcript.__rshift__(body(data, end=True))
        assert b"my secret prompt is bad" in written(transcript)
        assert "secret" not in str(transcript.replies[-1].notes)
