"""The response half of a session: event streams that are translated."""

from __future__ import annotations

import json
from unittest.mock import ANY

import pytest

from extproc.messages import ResponseHeaders
from extproc.replies import AttemptFailed, ReplaceResponseBody
from tests.extproc.streams import BEGIN, BLOCK, END, MESSAGE, PING, delta, overloaded, payloads, text
from tests.extproc.transcript import (
    IN_EVENTS,
    JSON_TYPE,
    LAST,
    NOTHING,
    SSE_TYPE,
    STREAM,
    STREAM_WITH_USAGE,
    answered,
    asked,
    body,
    error,
    failed,
    written,
)


class TestStream:
    def test_nothing_is_told_before_the_first_content(self):
        transcript = (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(BEGIN)
            >> body(PING)
            >> body(BLOCK[:5])
            >> body(BLOCK[5:])
            >> body(delta("Hel"))
            << IN_EVENTS
            << ReplaceResponseBody(ANY)
            << NOTHING
            << NOTHING
            << NOTHING
            << NOTHING
            >> body(delta("lo"))
            << ReplaceResponseBody(ANY)
            >> body(END)
            << ReplaceResponseBody(ANY)
            >> LAST
            << NOTHING
        )
        assert transcript
        assert text(written(transcript)) == "Hello"
        assert written(transcript).endswith(b"data: [DONE]\n\n")

    def test_events_in_one_piece(self):
        pieces = [BEGIN + BLOCK + delta("Hello") + END, b""]
        transcript = answered(asked(body=STREAM), pieces)
        assert text(written(transcript)) == "Hello"
        assert payloads(written(transcript))[0]["choices"][0]["delta"]["role"] == "assistant"

    @pytest.mark.parametrize("asks", [True, False])
    def test_usage_comes_where_it_was_asked_for(self, asks):
        pieces = [BEGIN, BLOCK, delta("Hello"), END, b""]
        transcript = answered(asked(body=STREAM_WITH_USAGE if asks else STREAM), pieces)
        last = payloads(written(transcript))[-1]
        assert (last["choices"] == []) is asks
        assert (last.get("usage") is not None) is asks
        assert not asks or last["usage"]["total_tokens"] == 8

    def test_without_a_window_the_headers_go_at_once(self):
        transcript = (
            asked(body=STREAM, hold_headers=False)
            >> ResponseHeaders(200, SSE_TYPE)
            << IN_EVENTS
            >> body(BEGIN)
            << ReplaceResponseBody(ANY)
            >> body(BLOCK + delta("Hello") + END, end=True)
            << ReplaceResponseBody(ANY)
        )
        assert transcript
        assert text(written(transcript)) == "Hello"

    def test_without_a_window_every_error_is_in_the_stream(self):
        told = error("api_error", prefix=b"data: ", message="the words of the provider")
        assert (
            asked(body=STREAM, hold_headers=False)
            >> ResponseHeaders(200, SSE_TYPE)
            << IN_EVENTS
            >> body(overloaded())
            << ReplaceResponseBody(told)
            << AttemptFailed("claude", 502, "the provider said overloaded_error", committed=True)
            >> LAST
            << NOTHING
        )

    @pytest.mark.parametrize(
        ("pieces", "status"),
        [
            ([overloaded()], 502),
            ([BEGIN + PING, overloaded()], 502),
            ([BEGIN, overloaded("rate_limit_error")], 429),
            ([BEGIN, overloaded("invalid_request_error")], 400),
            ([BEGIN, b"event: content_block_delta\ndata: {\n\n"], 502),
            ([b"<html>", b"</html>"], 502),
            ([BEGIN, b""], 502),
            ([PING, b""], 502),
            ([b""], 502),
        ],
        ids=[
            "at once",
            "after a ping",
            "limit",
            "refusal",
            "malformed",
            "HTML",
            "cut",
            "only pings",
            "empty",
        ],
    )
    def test_an_error_before_the_first_content_becomes_the_status(self, pieces, status):
        ends = pieces[-1] in (b"", b"</html>")
        transcript = asked(body=STREAM) >> ResponseHeaders(200, SSE_TYPE)
        for piece in pieces[:-1]:
            transcript = transcript >> body(piece)
        transcript = transcript >> body(pieces[-1], end=ends) << failed(status)
        transcript = transcript << ReplaceResponseBody(
            error("rate_limit_error" if status == 429 else "api_error")
        )
        for _ in pieces[1:]:
            transcript = transcript << NOTHING
        transcript = transcript << AttemptFailed("claude", status, ANY, committed=False)
        if not ends:
            transcript = transcript >> body(delta("too late")) << NOTHING >> LAST << NOTHING
        assert transcript

    @pytest.mark.parametrize(
        "broken",
        [overloaded(), b"event: content_block_delta\ndata: {\n\n", b"data: \xff\n\n"],
        ids=["in-band error", "malformed", "no UTF-8"],
    )
    def test_an_error_after_it_is_told_once_and_ends_the_clients_stream(self, broken):
        told = error("api_error", prefix=b"data: ", code="provider_error")
        assert (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(BEGIN + BLOCK + delta("Hel"))
            << IN_EVENTS
            << ReplaceResponseBody(ANY)
            >> body(broken)
            << ReplaceResponseBody(told)
            << AttemptFailed("claude", 502, ANY, committed=True)
            >> body(delta("lo"))
            << NOTHING
            >> body(overloaded())
            << NOTHING
            >> LAST
            << NOTHING
        )

    def test_a_stream_that_is_cut_says_so_and_has_no_end_mark(self):
        transcript = answered(asked(body=STREAM), [BEGIN + BLOCK, delta("Hel"), b""])
        *_, last = payloads(written(transcript))
        assert last["error"]["type"] == "api_error"
        assert b"[DONE]" not in written(transcript)

    def test_text_before_an_error_in_the_same_piece_is_kept(self):
        transcript = answered(asked(body=STREAM), [BEGIN + BLOCK + delta("Hel") + overloaded(), b""])
        assert text(written(transcript)) == "Hel"
        assert "error" in payloads(written(transcript))[-1]
        assert transcript.replies[3].notes == (
            AttemptFailed("claude", 502, "the provider said overloaded_error", committed=True),
        )

    def test_what_follows_the_end_of_the_stream_is_not_told(self):
        pieces = [BEGIN + BLOCK + delta("Hello") + END, delta("more"), overloaded(), b""]
        transcript = answered(asked(body=STREAM), pieces)
        assert text(written(transcript)) == "Hello"
        assert written(transcript).endswith(b"data: [DONE]\n\n")

    def test_the_degraded_header_comes_with_the_commit(self):
        transcript = answered(asked(body=STREAM[:-1] + b', "seed": 1}'), [BEGIN + BLOCK + delta("x")])
        headers = transcript.replies[3].messages[0]
        assert headers.headers["x-llm-gateway-degraded"] == "seed"

    @pytest.mark.parametrize(
        ("data", "status", "kind", "message"),
        [
            (
                json.dumps(MESSAGE).encode(),
                502,
                "api_error",
                "claude answered with one JSON object where a stream was asked for",
            ),
            (
                b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}',
                429,
                "rate_limit_error",
                "slow",
            ),
        ],
        ids=["an answer", "an error"],
    )
    def test_json_where_a_stream_was_asked_for_is_an_error(self, data, status, kind, message):
        transcript = (
            asked(body=STREAM) >> ResponseHeaders(200, JSON_TYPE) >> body(data, end=True) << failed(status)
        )
        transcript = transcript << ReplaceResponseBody(error(kind, message=message))
        assert transcript << AttemptFailed("claude", status, ANY, committed=False)
