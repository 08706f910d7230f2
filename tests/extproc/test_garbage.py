"""Sessions end without circles, which only the garbage collector could free. Errors know frames, and frames know
errors: such circles it must be able to find."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable

import pytest

from extproc.chat.events import StreamError
from extproc.messages import ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import Bug
from tests.extproc.streams import BEGIN, BLOCK, MESSAGE, delta
from tests.extproc.transcript import JSON_TYPE, REQUEST, SSE_TYPE, STREAM, asked

pytestmark = pytest.mark.interpreted


def broken_stream() -> Exception:
    [broken] = WIRE_FORMATS["anthropic"].stream_reader().feed(b"data: nonsense\n\n")
    assert isinstance(broken, StreamError)
    return broken.error


def bug(headers: dict[str, str]) -> Exception:
    transcript = asked(body=STREAM) if headers is SSE_TYPE else asked()
    transcript._session.on(ResponseHeaders(200, headers))
    reply = transcript._session.on(ResponseBody(b"{}", end=True))
    [error] = [note.error for note in reply.notes if isinstance(note, Bug)]
    return error


class BrokenError(Exception):
    """Can be referred to weakly, as built-in exceptions cannot."""


def broken(*_: object) -> None:
    raise BrokenError


@pytest.mark.parametrize("make", [broken_stream, lambda: bug(JSON_TYPE), lambda: bug(SSE_TYPE)])
def test_nothing_stays(make: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extproc.providers.anthropic.read_response", broken)
    if make is not broken_stream:
        monkeypatch.setattr("extproc.providers.anthropic.AnthropicStreamReader.feed", broken)
    error = weakref.ref(make())
    gc.collect()
    assert error() is None


@pytest.mark.parametrize(
    ("request_body", "headers", "answer"),
    [(REQUEST, JSON_TYPE, json.dumps(MESSAGE).encode()), (STREAM, SSE_TYPE, BEGIN + BLOCK + delta("x"))],
)
def test_a_session_goes_without_the_collector(
    request_body: bytes, headers: dict[str, str], answer: bytes
) -> None:
    transcript = asked(body=request_body)
    transcript._session.on(ResponseHeaders(200, headers))
    assert transcript._session.on(ResponseBody(answer, end=headers is JSON_TYPE)).messages
    session = weakref.ref(transcript._session)
    gc.disable()
    try:
        del transcript
        assert session() is None
    finally:
        gc.enable()
