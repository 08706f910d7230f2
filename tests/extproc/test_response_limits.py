"""The response half of a session: sizes beyond its bounds, and bugs in what it calls."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import ANY

import pytest

from extproc import responses
from extproc.chat.events import End, Start
from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS
from extproc.messages import ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import AttemptFailed, Bug, ReplaceResponseBody
from tests.extproc.streams import BEGIN, BLOCK, END, MESSAGE, PING, ROLE_CHUNK, TEXT_CHUNK, delta, text
from tests.extproc.transcript import (
    IN_EVENTS,
    JSON_TYPE,
    LAST,
    NOTHING,
    NOW,
    OPENAI,
    SSE_TYPE,
    STREAM,
    Transcript,
    answered,
    asked,
    body,
    error,
    failed,
    written,
)

pytestmark = pytest.mark.interpreted


class TestBounds:
    def test_a_unary_answer(self, monkeypatch):
        monkeypatch.setattr(responses, "MAX_COLLECTED", 10)
        assert (
            asked()
            >> ResponseHeaders(200, JSON_TYPE)
            >> body(b"12345")
            >> body(b"67890")
            >> body(b"!")
            << failed(502)
            << ReplaceResponseBody(error("api_error", message="claude answered more than 10 bytes"))
            << NOTHING
            << NOTHING
            << AttemptFailed("claude", 502, "claude answered more than 10 bytes", committed=False)
            >> body(b"more")
            << NOTHING
            >> LAST
            << NOTHING
        )

    def test_an_answer_of_just_that_size(self, monkeypatch):
        data = json.dumps(MESSAGE).encode()
        monkeypatch.setattr(responses, "MAX_COLLECTED", len(data))
        transcript = asked() >> ResponseHeaders(200, JSON_TYPE)
        transcript.__rshift__(body(data, end=True))
        assert transcript.replies[-1].close

    @pytest.mark.parametrize("target", [OPENAI, None], ids=["same format", "translated"])
    def test_a_stream_without_content(self, target, monkeypatch):
        monkeypatch.setattr(responses, "MAX_HELD", 20)
        transcript = asked(target, STREAM) if target else asked(body=STREAM)
        provider = target.provider if target else "claude"
        assert (
            transcript
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(b": twenty bytes are\n\n")
            >> body(b":")
            << failed(502)
            << ReplaceResponseBody(error("api_error"))
            << NOTHING
            << AttemptFailed(provider, 502, f"{provider} sent no content in 20 bytes", committed=False)
            >> body(TEXT_CHUNK)
            << NOTHING
            >> LAST
            << NOTHING
        )

    def test_content_ends_the_count(self, monkeypatch):
        monkeypatch.setattr(responses, "MAX_HELD", len(BEGIN))
        pieces = [BEGIN, BLOCK + delta("Hello"), PING * 100, END, b""]
        assert text(written(answered(asked(body=STREAM), pieces))) == "Hello"

    def test_an_end_before_any_content(self, monkeypatch):
        """What no format's reader lets happen today."""
        monkeypatch.setattr(READER, "feed", lambda _, __: [Start()])
        monkeypatch.setattr(READER, "finish", lambda _: [End()])
        assert (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> LAST
            << failed(502)
            << ReplaceResponseBody(error("api_error", message="claude ended its stream without content"))
            << AttemptFailed("claude", 502, "claude ended its stream without content", committed=False)
        )


class Broken:
    """Stands for a method with a bug that shows at the call after `good` good ones."""

    def __init__(self, method: Any, good: int = 0) -> None:
        self._method = method
        self._good = good

    def __get__(self, instance: Any, owner: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._good -= 1
            if self._good < 0:
                raise RuntimeError("a prompt that nobody else should read")
            return self._method(instance, *args, **kwargs)

        return call


def break_(monkeypatch: pytest.MonkeyPatch, kind: type, method: str, good: int = 0) -> None:
    monkeypatch.setattr(kind, method, Broken(getattr(kind, method), good))


TOLD = error("internal_error", code="internal_error", message="internal error; request id req-1")
TOLD_IN_STREAM = error("internal_error", prefix=b"data: ", message="internal error; request id req-1")
BUG = Bug("req-1", ANY)
FORMAT = type(WIRE_FORMATS["anthropic"])
READER = type(WIRE_FORMATS["anthropic"].stream_reader())
WATCHER = type(WIRE_FORMATS["openai"].stream_reader())
DIALECT = type(DIALECTS["openai_chat"])
WRITER = type(DIALECTS["openai_chat"].stream_writer(ReplyContext(model="m", created=NOW, request_id="r")))


def noted(*, committed: bool, provider: str = "claude") -> AttemptFailed:
    return AttemptFailed(provider, 500, "internal error; request id req-1", committed)


class TestBugs:
    @pytest.mark.parametrize(
        ("status", "kind", "method"),
        [
            (200, FORMAT, "read_response"),
            (500, FORMAT, "read_error"),
            (200, DIALECT, "write_response"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_in_a_whole_answer(self, status, kind, method, monkeypatch):
        break_(monkeypatch, kind, method)
        assert (
            asked()
            >> ResponseHeaders(status, JSON_TYPE)
            >> body(json.dumps(MESSAGE).encode(), end=True)
            << failed(500)
            << ReplaceResponseBody(TOLD)
            << noted(committed=False)
            << BUG
        )

    @pytest.mark.parametrize(
        ("kind", "method"),
        [
            (FORMAT, "stream_reader"),
            (READER, "feed"),
            (DIALECT, "stream_writer"),
            (WRITER, "write"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_while_holding(self, kind, method, monkeypatch):
        """The commit itself too: headers that are still held must not be forgotten."""
        break_(monkeypatch, kind, method)
        transcript = (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(BEGIN + BLOCK + delta("Hello"))
            << failed(500)
            << ReplaceResponseBody(TOLD)
            << noted(committed=False)
            << BUG
        )
        assert transcript >> body(delta("more")) << NOTHING >> LAST << NOTHING

    def test_in_the_commit_of_several_pieces(self, monkeypatch):
        break_(monkeypatch, WRITER, "write")
        assert (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(BEGIN)
            >> body(BLOCK)
            >> body(delta("Hello"))
            << failed(500)
            << ReplaceResponseBody(TOLD)
            << NOTHING
            << NOTHING
            << noted(committed=False)
            << BUG
        )

    def test_while_watching(self, monkeypatch):
        break_(monkeypatch, WATCHER, "feed", good=1)
        assert (
            asked(OPENAI, STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(ROLE_CHUNK)
            >> body(TEXT_CHUNK)
            << failed(500)
            << ReplaceResponseBody(TOLD)
            << NOTHING
            << noted(committed=False, provider="openai")
            << BUG
        )

    @pytest.mark.parametrize(
        ("kind", "method"),
        [(READER, "feed"), (WRITER, "write")],
        ids=["feed", "write"],
    )
    def test_after_the_commit(self, kind, method, monkeypatch):
        break_(monkeypatch, kind, method, good=1)
        transcript = (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(BEGIN + BLOCK + delta("Hel"))
            << IN_EVENTS
            << ReplaceResponseBody(ANY)
            >> body(delta("lo"))
            << ReplaceResponseBody(TOLD_IN_STREAM)
            << noted(committed=True)
            << BUG
        )
        assert transcript >> body(delta("!")) << NOTHING >> LAST << NOTHING

    def test_at_the_end(self, monkeypatch):
        break_(monkeypatch, READER, "finish")
        assert (
            asked(body=STREAM)
            >> ResponseHeaders(200, SSE_TYPE)
            >> body(BEGIN + BLOCK + delta("Hello"))
            << IN_EVENTS
            << ReplaceResponseBody(ANY)
            >> LAST
            << ReplaceResponseBody(TOLD_IN_STREAM)
            << noted(committed=True)
            << BUG
        )

    def test_without_a_window(self, monkeypatch):
        break_(monkeypatch, FORMAT, "stream_reader")
        transcript: Transcript = (
            asked(body=STREAM, hold_headers=False)
            >> ResponseHeaders(200, SSE_TYPE)
            << IN_EVENTS
            >> body(BEGIN)
        )
        assert transcript << ReplaceResponseBody(TOLD_IN_STREAM) << noted(committed=True) << BUG
