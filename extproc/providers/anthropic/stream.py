"""Anthropic's event stream becoming events: https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

from typing import Final

from extproc.chat import events as ev
from extproc.providers.anthropic import shapes
from extproc.providers.anthropic.blocks import Blocks
from extproc.providers.anthropic.response import finish_events, start_event
from extproc.providers.faults import fault_error, read_fault
from extproc.providers.streaming import EventStreamReader, truncated
from extproc.wire.rawjson import decode, decoder
from extproc.wire.sse import ServerSentEvent

_KINDS: Final = frozenset(
    {
        "content_block_delta",
        "content_block_start",
        "content_block_stop",
        "error",
        "message_delta",
        "message_start",
        "message_stop",
    }
)


_read_typed: Final = decoder(shapes.Typed)
_read_delta: Final = decoder(shapes.BlockDelta)


class AnthropicStreamReader(EventStreamReader):
    """The order is message_start, blocks, message_delta, message_stop, with pings anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._usage = shapes.MessageUsage()
        self._started = False
        self._finished = False
        self._begun_with = shapes.Stop()

    def event(self, event: ServerSentEvent, out: list[ev.Event]) -> None:
        # Anthropic says the type twice; others leave out the name, or write "message" for all.
        kind, data = event
        if kind not in _KINDS:
            kind = _read_typed(data).type or ""
        match kind:
            case "content_block_delta":
                delta = _read_delta(data)
                self._blocks.delta(delta.index, delta.delta, out)
            case "content_block_start":
                start = decode(data, shapes.BlockStart)
                self._blocks.start(start.index, start.content_block, out)
            case "content_block_stop":
                self._blocks.stop(decode(data, shapes.BlockStop).index, out)
            case "message_start":
                self._start(decode(data, shapes.MessageStart).message, out)
            case "message_delta":
                end = decode(data, shapes.MessageDelta)
                if end.delta is not None and end.delta.stop_reason is not None:
                    self._finish(end.delta, out)
                self._count(end.usage, out)
            case "message_stop":
                self._finish(self._begun_with, out)
                out.append(ev.End())
            case "error":
                raise fault_error(read_fault(data))
            case _:
                pass  # pings, and event types that are yet to come

    def _start(self, message: shapes.Message, out: list[ev.Event]) -> None:
        """Servers have been seen to begin twice, and Anthropic to put a whole answer into the beginning.

        It does so when a server tool calls one of the client's (programmatic tool calling).
        """
        if not self._started:
            self._started = True
            self._begun_with = message
            out.append(start_event(message))
            for index, block in enumerate(message.content or ()):
                self._blocks.start(index, block, out)
                self._blocks.stop(index, out)
        self._count(message.usage, out)

    def _count(self, usage: shapes.MessageUsage | None, out: list[ev.Event]) -> None:
        if usage is not None:
            self._usage.update(usage)
            out.append(ev.UsageSeen(self._usage.usage()))

    def _finish(self, stop: shapes.Stop, out: list[ev.Event]) -> None:
        if self._finished:
            return
        self._finished = True
        self._blocks.finish(out)
        out += finish_events(stop, self._blocks)

    def closed(self) -> None:
        if not self._finished:
            raise truncated()
