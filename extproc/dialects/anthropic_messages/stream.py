"""Events becoming Anthropic's stream: https://platform.claude.com/docs/en/build-with-claude/streaming

    message_start
    of each block content_block_start, its deltas, content_block_stop
    message_delta, message_stop

The first event waits until something is said, so that it can tell the usage of a provider that begins with
it. Blocks follow one another. Only where a provider goes on with an earlier tool call after it has begun
another one, both are open.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from extproc.chat import events as ev
from extproc.chat.model import Thinking, Usage
from extproc.chat.seams import ReplyContext
from extproc.dialects.anthropic_messages.carrier import seal
from extproc.dialects.anthropic_messages.response import (
    start,
    stop,
    stop_reason,
    write_citation,
    write_error,
    write_thinking,
    write_usage,
)
from extproc.errors import GatewayError
from extproc.wire.rawjson import MalformedJSON, decode, encode

_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_BEFORE_TEXT: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"text_delta","text":'
)
_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'


def write_stream_error(error: GatewayError) -> bytes:
    """The event that Anthropic's clients raise as an APIStatusError."""
    return b"event: error\ndata: " + write_error(error) + b"\n\n"


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + encode({"type": kind, **fields}) + b"\n\n"


class _Call:
    """A tool call whose block is open. arguments: so far, to see when they are whole."""

    def __init__(self, block: int) -> None:
        self.block = block
        self.arguments: list[str] = []
        self.is_open = True

    @property
    def is_whole(self) -> bool:
        try:
            decode("".join(self.arguments), dict[str, object])
        except MalformedJSON:
            return False
        return True


class MessageWriter:
    """One client stream, of the first choice."""

    def __init__(self, reply: ReplyContext) -> None:
        self._reply = reply
        self._start = ev.Start()
        self._usage: Usage | None = None
        self._begun = False
        self._blocks = 0
        self._kind = ""  # of the block that is open, "text" or "thinking"; tools have their own account
        self._calls: dict[int, _Call] = {}
        self._before_text = b""  # of a delta in the text block that is open
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._finish: ev.Finish | None = None

    def write(self, events: list[ev.Event]) -> bytes:
        """The bytes that tell the client of `events`."""
        return b"".join(map(self._event, events))

    def _event(self, event: ev.Event) -> bytes:  # noqa: C901, PLR0912 - one line an event
        if isinstance(event, ev.TextDelta) and self._kind == "text" and event.choice == 0:  # nearly all
            self._text.append(event.text)
            return self._before_text + encode(event.text) + b"}}\n\n"
        match event:
            case ev.Start():
                self._start = event
                return b""
            case ev.UsageSeen(usage):
                self._usage = usage
                return b""
            case ev.LogprobsDelta() | ev.AnswerStart() | ev.StreamError():
                return b""
            case ev.Progress():
                return self._begin() + _PING
            case ev.End():
                return self._begin() + self._end()
        if event.choice != 0:
            return b""
        begun = self._begin()
        match event:
            case ev.TextDelta(text):
                self._text.append(text)
                return begun + self._say(text)
            case ev.RefusalDelta(text):
                self._refusal.append(text)
                return begun + self._say(text)
            case ev.ReasoningDelta(text):
                delta = {"type": "thinking_delta", "thinking": text}
                return begun + self._open("thinking") + self._delta(self._blocks - 1, delta)
            case ev.ThinkingDone(thinking):
                return begun + self._thought(thinking)
            case ev.ToolCallStart():
                return begun + self._call(event)
            case ev.ToolCallDelta():
                return begun + self._more(event)
            case ev.Cited(cited):
                citation = write_citation(cited, "".join(self._text)[cited.start : cited.end])
                opened = begun + self._open("text")
                return opened + self._delta(
                    self._blocks - 1, {"type": "citations_delta", "citation": citation}
                )
            case ev.NativeMessage(content):
                return (
                    begun + self._close() + self._whole({"type": "redacted_thinking", "data": seal(content)})
                )
            case ev.Finish():
                self._finish = event
                return begun + self._close()
        assert_never(event)

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        told = self._start
        message = start(told.id, told.service_tier, self._usage, self._reply)
        return _event("message_start", message=message)

    def _say(self, text: str) -> bytes:
        return self._open("text") + self._delta(self._blocks - 1, {"type": "text_delta", "text": text})

    def _open(self, kind: str) -> bytes:
        """A block of `kind` is open, and no other."""
        if self._kind == kind:
            return b""
        closed = self._close()
        self._kind = kind
        block: dict[str, Any] = {"type": kind, kind: ""}
        if kind == "thinking":
            block["signature"] = ""
        started = self._start_block(block)
        if kind == "text":
            self._before_text = _BEFORE_TEXT % (self._blocks - 1)
        return closed + started

    def _start_block(self, block: dict[str, Any]) -> bytes:
        self._blocks += 1
        return _event("content_block_start", index=self._blocks - 1, content_block=block)

    def _whole(self, block: dict[str, Any]) -> bytes:
        return self._start_block(block) + _event("content_block_stop", index=self._blocks - 1)

    def _close(self) -> bytes:
        closed = b""
        if self._kind:
            self._kind = ""
            closed = _event("content_block_stop", index=self._blocks - 1)
        return closed + b"".join(self._close_call(call) for call in self._calls.values() if call.is_open)

    def _close_call(self, call: _Call) -> bytes:
        call.is_open = False
        return _event("content_block_stop", index=call.block)

    def _delta(self, index: int, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=index, delta=delta)

    def _thought(self, thinking: Thinking) -> bytes:
        if thinking.redacted is not None:
            return self._close() + self._whole(write_thinking(thinking))
        opened = self._open("thinking")
        if not thinking.signature:
            return opened + self._close()
        signed = {"type": "signature_delta", "signature": thinking.signature}
        return opened + self._delta(self._blocks - 1, signed) + self._close()

    def _call(self, call: ev.ToolCallStart) -> bytes:
        closed = b""
        if self._kind:
            closed = self._close()
        closed += b"".join(
            self._close_call(other) for other in self._calls.values() if other.is_open and other.is_whole
        )
        self._calls[call.index] = _Call(self._blocks)
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        return closed + self._start_block(block)

    def _more(self, event: ev.ToolCallDelta) -> bytes:
        call = self._calls[event.index]
        call.arguments.append(event.arguments)
        return self._delta(call.block, {"type": "input_json_delta", "partial_json": event.arguments})

    def _end(self) -> bytes:
        finish = self._finish or ev.Finish(reason="unknown")
        reason = stop_reason(
            finish.reason,
            finish.native_reason,
            finish.stop_sequence,
            called=bool(self._calls),
            refused=bool(self._refusal),
        )
        told = stop(reason, finish.stop_sequence, "".join(self._refusal))
        usage = write_usage(self._usage or Usage())
        return self._close() + _event("message_delta", delta=told, usage=usage) + _STOP
