"""OpenAI's Responses API where the provider speaks it itself: bytes pass, and are only watched.

https://platform.openai.com/docs/api-reference/responses-streaming. What is wanted of a stream is where its
content begins and whether it fails before.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.seams import StreamReader
from extproc.providers.faults import fault_error, read_fault
from extproc.providers.openai import OpenAI
from extproc.providers.streaming import EventStreamReader, truncated
from extproc.wire.rawjson import ABSENT, decode, decoder, present
from extproc.wire.sse import ServerSentEvent

_BEFORE: Final = frozenset({"response.created", "response.queued", "response.in_progress", "keepalive"})
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})


class _Typed(msgspec.Struct):
    type: str = ""
    error: Raw = ABSENT


class _Failed(msgspec.Struct):
    response: Raw = ABSENT


_read_typed: Final = decoder(_Typed)


class OpenAIResponsesPassed(OpenAI):
    """``OpenAI`` with other streams."""

    def stream_reader(self) -> StreamReader:
        return ResponsesWatcher()


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
            raise fault_error(read_fault(decode(event.data, _Failed).response))
        if kind in _ENDS:
            out += [ev.Finish(reason="unknown"), ev.End()]
        elif kind not in _BEFORE:
            out.append(ev.Progress())

    def closed(self) -> None:
        raise truncated()
