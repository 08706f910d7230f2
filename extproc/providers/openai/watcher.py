"""Where the content of a stream of OpenAI's Responses API begins, and whether the stream fails before.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Final

from extproc.chat import events as ev
from extproc.providers.faults import fault_error, read_fault
from extproc.providers.openai import shapes
from extproc.providers.streaming import EventStreamReader, truncated
from extproc.wire.rawjson import decode, decoder, present
from extproc.wire.sse import ServerSentEvent

_BEFORE: Final = frozenset({"response.created", "response.queued", "response.in_progress", "keepalive"})
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})

_read_typed: Final = decoder(shapes.TypedEvent)


class ResponsesWatcher(EventStreamReader):
    """Every event between the first and the last ones is content."""

    def event(self, event: ServerSentEvent, out: list[ev.Event]) -> None:
        kind = event.event
        if not kind:  # proxies put errors in as they do into chats
            typed = _read_typed(event.data)
            kind = "error" if present(typed.error) is not None else typed.type
        if kind == "error":
            raise fault_error(read_fault(event.data))
        if kind == "response.failed":
            raise fault_error(read_fault(decode(event.data, shapes.FailedEvent).response))
        if kind in _ENDS:
            out += [ev.Finish(reason="unknown"), ev.End()]
        elif kind not in _BEFORE:
            out.append(ev.Progress())

    def closed(self) -> None:
        raise truncated()
