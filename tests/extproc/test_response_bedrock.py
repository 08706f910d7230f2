"""A session with Bedrock, whose streams are of a content type of their own."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest

from extproc.contract.target import Target
from extproc.messages import ResponseHeaders
from extproc.replies import AttemptFailed, ReplaceResponseBody
from tests.extproc.streams import text
from tests.extproc.transcript import (
    IN_EVENTS,
    JSON_TYPE,
    LAST,
    NOTHING,
    SSE_TYPE,
    STREAM,
    Transcript,
    asked,
    body,
    error,
    failed,
    written,
)
from tests.extproc.wire.frames import event, exception

AWS = Target(leaf="aws", provider="aws", type="aws_bedrock", wire_format="bedrock", base_path="")
EVENTS = {"content-type": "application/vnd.amazon.eventstream"}
START = event("messageStart", {"role": "assistant"})
END = event("messageStop", {"stopReason": "end_turn"}) + event("metadata", {"usage": {}})


def said(words: str) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": words}})


def of_bedrock(**more: Any) -> Transcript:
    return asked(AWS, models={"aws": "amazon.nova-lite-v1:0"}, **more)


def test_a_stream_is_held_until_its_first_content() -> None:
    content = said("Hello")
    transcript = (
        of_bedrock(body=STREAM)
        >> ResponseHeaders(200, EVENTS)
        >> body(START)
        >> body(content[:9])
        >> body(content[9:])
        << IN_EVENTS
        << ReplaceResponseBody(ANY)
        << NOTHING
        << NOTHING
        >> body(END)
        << ReplaceResponseBody(ANY)
        >> LAST
        << NOTHING
    )
    assert transcript
    assert text(written(transcript)) == "Hello"
    assert written(transcript).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttlingException", 429, "rate_limit_exceeded"),
        ("modelStreamErrorException", 502, "provider_error"),
    ],
)
def test_an_exception_before_the_content_becomes_the_status(kind: str, status: int, code: str) -> None:
    assert (
        of_bedrock(body=STREAM)
        >> ResponseHeaders(200, EVENTS)
        >> body(START + exception(kind, {"message": "words"}))
        << failed(status)
        << ReplaceResponseBody(error(ANY, code=code, message="words"))
        << AttemptFailed("aws", status, ANY, committed=False)
        >> LAST
        << NOTHING
    )


@pytest.mark.parametrize("headers", [SSE_TYPE, EVENTS | {"content-encoding": "gzip"}, {}])
def test_another_kind_of_stream_is_no_answer(headers: dict[str, str]) -> None:
    assert (
        of_bedrock(body=STREAM)
        >> ResponseHeaders(200, headers)
        >> body(START, end=True)
        << failed(502)
        << ReplaceResponseBody(error("api_error", code="provider_error"))
        << AttemptFailed("aws", 502, ANY, committed=False)
    )


def test_nor_are_aws_events_of_another_provider() -> None:
    assert (
        asked(body=STREAM)
        >> ResponseHeaders(200, EVENTS)
        >> body(START, end=True)
        << failed(502)
        << ReplaceResponseBody(error("api_error", code="provider_error"))
        << AttemptFailed("claude", 502, ANY, committed=False)
    )


def test_an_error_named_in_a_header() -> None:
    headers = JSON_TYPE | {"x-amzn-errortype": "ThrottlingException:http://internal"}
    assert (
        of_bedrock()
        >> ResponseHeaders(400, headers)
        >> body(b'{"message": "slow down"}', end=True)
        << failed(429)
        << ReplaceResponseBody(error("rate_limit_error", message="slow down"))
        << AttemptFailed("aws", 429, ANY, committed=False)
    )
