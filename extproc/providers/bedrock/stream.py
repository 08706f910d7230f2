"""ConverseStream's messages becoming events.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from typing import Final

from extproc.chat import events as ev
from extproc.providers.bedrock import shapes
from extproc.providers.bedrock.blocks import Blocks
from extproc.providers.bedrock.faults import stream_error
from extproc.providers.bedrock.response import finish_event
from extproc.providers.streaming import MessageStreamReader, truncated
from extproc.wire.eventstream import Message
from extproc.wire.rawjson import decode, decoder

_read_delta: Final = decoder(shapes.BlockDelta)


class BedrockStreamReader(MessageStreamReader):
    """The order is messageStart, blocks, messageStop, metadata."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks = Blocks()
        self._started = False
        self._finished = False

    def message(self, message: Message, out: list[ev.Event]) -> None:
        if message.text(":message-type") in ("exception", "error"):
            raise stream_error(message)
        if not self._started:
            self._started = True
            out.append(ev.Start())
        match message.text(":event-type"):
            case "contentBlockDelta":
                delta = _read_delta(message.payload)
                self._blocks.delta(delta.contentBlockIndex, delta.delta, out)
            case "contentBlockStart":
                start = decode(message.payload, shapes.BlockStart)
                self._blocks.start(start.contentBlockIndex, start.start, out)
            case "contentBlockStop":
                self._blocks.stop(decode(message.payload, shapes.BlockStop).contentBlockIndex, out)
            case "messageStop":
                self._finish(decode(message.payload, shapes.Stop), out)
            case "metadata":
                usage = decode(message.payload, shapes.Metadata).usage
                if usage is not None:
                    out.append(ev.UsageSeen(usage.usage()))
                if self._finished:
                    out.append(ev.End())
            case _:
                pass  # messageStart, which says only whose message it is, and what is yet to come

    def _finish(self, stop: shapes.Stop, out: list[ev.Event]) -> None:
        if not self._finished:
            self._finished = True
            self._blocks.finish(out)
            out.append(finish_event(stop, self._blocks))

    def closed(self) -> None:
        if not self._finished:
            raise truncated()
