"""An answer of Gemini's becoming the neutral one: https://ai.google.dev/api/generate-content#generatecontentresponse"""

from __future__ import annotations

from typing import Final

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import ChatResponse
from extproc.errors import ProviderFailed
from extproc.providers.google import shapes
from extproc.providers.google.answer import Answer
from extproc.wire.rawjson import MalformedJSON, decoder

_read_one: Final = decoder(shapes.Response)
_read_list: Final = decoder(list[shapes.Response])


def read_response(body: bytes) -> ChatResponse:
    """Raises: ProviderError for a broken body, or for an error in a successful response."""
    out: list[ev.Event] = []
    answer = Answer()
    try:
        for chunk in _chunks(body):
            answer.add(chunk, out)
    except MalformedJSON as error:
        raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None
    if answer.empty:
        raise ProviderFailed("the provider's answer has no candidates")
    answer.finish(out)
    return fold(out)


def _chunks(body: bytes) -> list[shapes.Response]:
    """A list is what a stream without ``alt=sse`` is."""
    return _read_list(body) if body.lstrip()[:1] == b"[" else [_read_one(body)]
