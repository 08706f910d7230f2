"""Events becoming OpenAI's chunks: https://platform.openai.com/docs/api-reference/chat-streaming

Entries of lists in a delta carry an ``index``: OpenAI's clients add deltas up by it, and refuse
lists without it from the second chunk on.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import Usage
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_chat.response import (
    SERVICE_TIERS,
    add_finish_details,
    fallback_id,
    finish_word,
    native_field,
    write_annotation,
    write_error,
    write_thinking,
    write_usage,
)
from extproc.errors import GatewayError
from extproc.wire.rawjson import encode

DONE: Final = b"data: [DONE]\n\n"


def write_stream_error(error: GatewayError) -> bytes:
    """The event that OpenAI's clients raise as an APIError."""
    return b"data: " + write_error(error) + b"\n\n"


class _Lists:
    """How many entries each list of a choice's message has so far."""

    def __init__(self) -> None:
        self.calls: dict[int, str] = {}  # index of a tool call -> its kind
        self.thinking = 0
        self.annotations = 0


class ChunkWriter:
    """One client stream. The chunks before `Start` know only what the reply context says."""

    def __init__(self, reply: ReplyContext) -> None:
        self._reply = reply
        self._before, self._after = b"", b""
        self._before_text, self._after_text = b"", b""
        self._choices: dict[int, _Lists] = {}
        self._usage: Usage | None = None
        self._begin(ev.Start())

    def write(self, events: list[ev.Event]) -> bytes:
        """The bytes that tell the client of `events`.

        `StreamError` is told by `write_stream_error`, after which there is nothing to write.
        """
        if len(events) == 1:
            return self._event(events[0])
        return b"".join(map(self._event, events))

    def _event(self, event: ev.Event) -> bytes:  # noqa: C901, PLR0912 - one line an event
        if isinstance(event, ev.TextDelta):  # nearly all of a stream
            return self._text(event.text, event.choice)
        match event:
            case ev.Start():
                self._begin(event)
                return self._role(0)
            case ev.RefusalDelta(text, choice):
                return self._delta(choice, {"refusal": text})
            case ev.ReasoningDelta(text, choice):
                return self._delta(choice, {"reasoning_content": text})
            case ev.ThinkingDone(thinking, choice):
                lists = self._lists(choice)
                lists.thinking += 1
                block = {"index": lists.thinking - 1, **write_thinking(thinking)}
                return self._delta(choice, {"thinking_blocks": [block]})
            case ev.ToolCallStart():
                return self._legacy_call(event) if self._reply.legacy_functions else self._tool_call(event)
            case ev.ToolCallDelta():
                if self._reply.legacy_functions:
                    return self._function_call(event.choice, event.index, {"arguments": event.arguments})
                more = self._call_delta(event)
                return self._delta(event.choice, {"tool_calls": [{"index": event.index, **more}]})
            case ev.Cited(annotation, choice):
                lists = self._lists(choice)
                lists.annotations += 1
                cited = {"index": lists.annotations - 1, **write_annotation(annotation)}
                return self._delta(choice, {"annotations": [cited]})
            case ev.NativeMessage(content, choice):
                blocks = [_indexed(block, n) for n, block in enumerate(content.blocks)]
                return self._delta(choice, {native_field(content.owner): blocks})
            case ev.LogprobsDelta(logprobs, choice):
                return self._delta(choice, {}, logprobs=logprobs)
            case ev.Finish():
                word = finish_word(
                    event.reason,
                    called=bool(self._lists(event.choice).calls),
                    legacy=self._reply.legacy_functions,
                )
                details: dict[str, Any] = {}
                add_finish_details(details, event.native_reason, event.stop_sequence)
                return self._delta(event.choice, {}, finish_reason=word, **details)
            case ev.UsageSeen(usage):
                self._usage = usage
                return b""
            case ev.End():
                return self._end()
            case ev.Progress() | ev.AnswerStart() | ev.StreamError():
                return b""
        assert_never(event)

    def _begin(self, start: ev.Start) -> None:
        head: dict[str, Any] = {
            "id": start.id or fallback_id(self._reply),
            "object": "chat.completion.chunk",
            "created": self._reply.created if start.created is None else start.created,
            "model": self._reply.model,
        }
        if start.service_tier in SERVICE_TIERS:
            head["service_tier"] = start.service_tier
        head["system_fingerprint"] = start.fingerprint
        self._before = b"data: " + encode(head)[:-1] + b',"choices":['
        # With include_usage every chunk but the last has a null usage.
        self._after = (b'],"usage":null' if self._reply.include_usage else b"]") + b"}\n\n"
        self._before_text = self._before + b'{"index":0,"delta":{"content":'
        self._after_text = b'},"logprobs":null,"finish_reason":null}' + self._after

    def _lists(self, choice: int) -> _Lists:
        return self._choices.setdefault(choice, _Lists())

    def _role(self, choice: int) -> bytes:
        if choice in self._choices:
            return b""
        self._choices[choice] = _Lists()
        return self._chunk(choice, {"role": "assistant", "content": "", "refusal": None})

    def _text(self, text: str, choice: int) -> bytes:
        """Of such a chunk only the text is encoded."""
        if choice != 0 or choice not in self._choices:
            return self._delta(choice, {"content": text})
        return self._before_text + encode(text) + self._after_text

    def _delta(self, choice: int, delta: dict[str, Any], **more: Any) -> bytes:
        return self._role(choice) + self._chunk(choice, delta, **more)

    def _chunk(
        self,
        choice: int,
        delta: dict[str, Any],
        *,
        logprobs: Raw | None = None,
        finish_reason: str | None = None,
        **more: Any,
    ) -> bytes:
        entry = {
            "index": choice,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
            **more,
        }
        return self._before + encode(entry) + self._after

    def _tool_call(self, start: ev.ToolCallStart) -> bytes:
        role = self._role(start.choice)
        self._lists(start.choice).calls[start.index] = start.kind
        body = {"name": start.name, "input" if start.kind == "custom" else "arguments": ""}
        call = {"index": start.index, "id": start.id, "type": start.kind, start.kind: body}
        return role + self._chunk(start.choice, {"tool_calls": [call]})

    def _call_delta(self, event: ev.ToolCallDelta) -> dict[str, Any]:
        if self._lists(event.choice).calls.get(event.index) == "custom":
            return {"custom": {"input": event.arguments}}
        return {"function": {"arguments": event.arguments}}

    def _legacy_call(self, start: ev.ToolCallStart) -> bytes:
        role = self._role(start.choice)
        self._lists(start.choice).calls[start.index] = start.kind
        return role + self._function_call(start.choice, start.index, {"name": start.name, "arguments": ""})

    def _function_call(self, choice: int, index: int, told: dict[str, str]) -> bytes:
        """A second call has no place, and was not asked for."""
        return self._chunk(choice, {"function_call": told}) if index == 0 else b""

    def _end(self) -> bytes:
        if self._usage is None or not self._reply.include_usage:
            return DONE
        return self._before + b'],"usage":' + encode(write_usage(self._usage)) + b"}\n\n" + DONE


def _indexed(block: Raw, index: int) -> Raw:
    """`block`, an object, with an ``index`` in front."""
    inner = bytes(block)[1:]
    comma = b"" if inner.lstrip().startswith(b"}") else b","
    return Raw(b'{"index":%d' % index + comma + inner)
