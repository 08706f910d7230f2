"""Events becoming chunks of a legacy completion, which look like whole answers of a few characters.

https://platform.openai.com/docs/api-reference/completions/object
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from extproc.chat import events as ev
from extproc.chat.model import Usage
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_chat.response import add_finish_details, write_usage
from extproc.dialects.openai_completions.response import FINISH_REASONS, Logprobs, fallback_id, prompt
from extproc.wire.rawjson import encode

DONE: Final = b"data: [DONE]\n\n"


class CompletionWriter:
    """One client stream."""

    def __init__(self, reply: ReplyContext) -> None:
        self._reply = reply
        self._before, self._after = b"", b""
        self._logprobs: dict[int, Logprobs] = {}
        self._usage: Usage | None = None
        self._prompt = prompt(reply)
        self._echoed: set[int] = set()
        self._begin(ev.Start())

    def write(self, events: list[ev.Event]) -> bytes:
        """The bytes that tell the client of `events`; see ``ChunkWriter.write``."""
        return b"".join(map(self._event, events))

    def _event(self, event: ev.Event) -> bytes:
        match event:
            case ev.Start():
                self._begin(event)
                return self._echo(0)
            case ev.TextDelta(text, choice) | ev.RefusalDelta(text, choice):
                return self._chunk(choice, text)
            case ev.ReasoningDelta(text, choice):
                return self._chunk(choice, reasoning=text)
            case ev.LogprobsDelta(chat, choice):
                logprobs = self._logprobs.setdefault(choice, Logprobs()).write(chat)
                return b"" if logprobs is None else self._chunk(choice, logprobs=logprobs)
            case ev.Finish():
                details: dict[str, Any] = {"finish_reason": FINISH_REASONS[event.reason]}
                add_finish_details(details, event.native_reason, event.stop_sequence)
                return self._chunk(event.choice, **details)
            case ev.UsageSeen(usage):
                self._usage = usage
                return b""
            case ev.End():
                return self._end()
            case ev.ToolCallStart() | ev.ToolCallDelta() | ev.ThinkingDone() | ev.NativeMessage():
                return b""  # of tools and of further turns, which this dialect does not have
            case ev.Progress() | ev.AnswerStart() | ev.Cited() | ev.StreamError():
                return b""
        assert_never(event)

    def _begin(self, start: ev.Start) -> None:
        head: dict[str, Any] = {
            "id": start.id or fallback_id(self._reply),
            "object": "text_completion",
            "created": self._reply.created if start.created is None else start.created,
            "model": self._reply.model,
            "system_fingerprint": start.fingerprint,
        }
        self._before = b"data: " + encode(head)[:-1] + b',"choices":['
        # With include_usage every chunk but the last has a null usage.
        self._after = (b'],"usage":null' if self._reply.include_usage else b"]") + b"}\n\n"

    def _chunk(self, choice: int, text: str = "", **more: Any) -> bytes:
        return self._echo(choice) + self._written(choice, text, **more)

    def _echo(self, choice: int) -> bytes:
        """The prompt, before the first chunk of a choice."""
        if not self._prompt or choice in self._echoed:
            return b""
        self._echoed.add(choice)
        return self._written(choice, self._prompt)

    def _written(self, choice: int, text: str, **more: Any) -> bytes:
        entry = {"text": text, "index": choice, "logprobs": None, "finish_reason": None, **more}
        return self._before + encode(entry) + self._after

    def _end(self) -> bytes:
        if self._usage is None or not self._reply.include_usage:
            return DONE
        return self._before + b'],"usage":' + encode(write_usage(self._usage)) + b"}\n\n" + DONE
