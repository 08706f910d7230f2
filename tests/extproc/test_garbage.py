"""Errors know frames, and frames know errors: the garbage collector must be able to find such circles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from extproc.chat.events import StreamError
from extproc.messages import ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import Bug
from tests.extproc.transcript import JSON_TYPE, SSE_TYPE, STREAM, asked


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
