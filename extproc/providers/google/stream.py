"""Gemini's event stream becoming events: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent

Nothing marks its end but that every candidate has given a reason and the provider closes it. What follows
from the reason is told then: sources and usage may come after it.
"""

from __future__ import annotations

from typing import Final

from extproc.chat import events as ev
from extproc.providers.google import shapes
from extproc.providers.google.answer import Answer
from extproc.providers.streaming import EventStreamReader, truncated
from extproc.wire.rawjson import decoder
from extproc.wire.sse import ServerSentEvent

_read_chunk: Final = decoder(shapes.Response)


class GoogleStreamReader(EventStreamReader):
    """Every event is an answer of what is new."""

    def __init__(self) -> None:
        super().__init__()
        self._answer = Answer()

    def event(self, event: ServerSentEvent, out: list[ev.Event]) -> None:
        self._answer.add(_read_chunk(event.data), out)

    def closed(self) -> None:
        if not self._answer.complete:
            raise truncated()

    def finish(self) -> list[ev.Event]:
        out = super().finish()
        if out and type(out[-1]) is ev.End:
            end = out.pop()
            self._answer.finish(out)
            out.append(end)
        return out
