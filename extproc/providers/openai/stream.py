"""OpenAI's chunks becoming events, with what other vendors make of them.

Seen in the wild: null or missing deltas, empty ids and indices, ``finish_reason: ""``, usage on
the last content chunk or on every one, whole tool calls in one chunk under the same index, a
stream without ``[DONE]``, errors as ``{"error": ...}`` or as an ``error`` event.
"""

from __future__ import annotations

from extproc.chat import events as ev
from extproc.errors import ProviderFailed
from extproc.providers.faults import fault_error, read_fault
from extproc.providers.openai import shapes
from extproc.providers.openai.response import (
    annotation,
    arguments,
    finish_reason,
    logprobs,
    native_reason,
    read_completion,
    read_usage,
    start_event,
    texts,
)
from extproc.providers.streaming import EventStreamReader, truncated
from extproc.wire.rawjson import present
from extproc.wire.sse import ServerSentEvent

_DONE = b"[DONE]"


class _Choice:
    """What is known of one choice.

    calls: the vendor's index of a tool call -> its position and id.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls: dict[int, tuple[int, str]] = {}
        self.count = 0
        self.finished = False

    def call(self, call: shapes.ToolCall, position: int, out: list[ev.Event]) -> int:
        """The position of the call that `call` adds to; a `ToolCallStart` if it is a new one."""
        slot = position if call.index is None else call.index
        named = call.custom or call.function
        name = (named.name if named is not None else None) or ""
        known = self.calls.get(slot)
        if known is not None and not (call.id and name and call.id != known[1]):
            return known[0]
        index = self.count
        self.count += 1
        call_id = call.id or f"call_{index}"
        self.calls[slot] = (index, call_id)
        custom = call.custom is not None
        start = ev.ToolCallStart(
            index=index, id=call_id, name=name, kind="custom" if custom else "function", choice=self.index
        )
        out.append(start)
        return index


class OpenAIStreamReader(EventStreamReader):
    """Chunks until ``[DONE]``."""

    def __init__(self) -> None:
        super().__init__()
        self._started = False
        self._choices: dict[int, _Choice] = {}

    def event(self, event: ServerSentEvent, out: list[ev.Event]) -> None:
        kind, data = event
        if data.strip() == _DONE:
            self._done(out)
            return
        if kind == "error":
            raise fault_error(read_fault(data))
        chunk = read_completion(data)
        if present(chunk.error) is not None:
            raise fault_error(read_fault(data))
        # Azure's first chunk has neither id nor choices: only the filter's opinion of the prompt.
        if not self._started and (chunk.id or chunk.choices):
            self._started = True
            out.append(start_event(chunk))
        for position, choice in enumerate(chunk.choices or ()):
            index = position if choice.index is None else choice.index
            known = self._choices.get(index)
            if known is None:
                known = self._choices[index] = _Choice(index)
            self._choice(known, choice, out)
        usage = chunk.usage
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if usage is not None:
            out.append(ev.UsageSeen(read_usage(usage)))

    def _choice(self, known: _Choice, choice: shapes.Choice, out: list[ev.Event]) -> None:
        index = known.index
        delta = choice.delta or choice.message
        if delta is not None:
            self._delta(known, delta, out)
        elif choice.text:
            out.append(ev.TextDelta(choice.text, index))
        if choice.logprobs is not None and (told := logprobs(choice.logprobs)) is not None:
            out.append(ev.LogprobsDelta(told, index))
        word = choice.finish_reason
        if word and not known.finished:
            known.finished = True
            out.append(ev.Finish(reason=finish_reason(word), native_reason=native_reason(word), choice=index))

    def _delta(self, known: _Choice, delta: shapes.Message, out: list[ev.Event]) -> None:
        index = known.index
        text, reasoning = texts(delta)
        if reasoning:
            out.append(ev.ReasoningDelta(reasoning, index))
        if text:
            out.append(ev.TextDelta(text, index))
        if delta.refusal:
            out.append(ev.RefusalDelta(delta.refusal, index))
        calls = delta.tool_calls or []
        if delta.function_call is not None:
            calls = [shapes.ToolCall(index=0, function=delta.function_call)]
        for position, call in enumerate(calls):
            n = known.call(call, position, out)
            more = arguments(call.function) if call.function is not None else ""
            if call.custom is not None:
                more = call.custom.input or ""
            if more:
                out.append(ev.ToolCallDelta(index=n, arguments=more, choice=index))
        if delta.annotations:
            cited = map(annotation, delta.annotations)
            out.extend(ev.Cited(found, index) for found in cited if found is not None)

    def _done(self, out: list[ev.Event]) -> None:
        if not self._choices:
            raise ProviderFailed("the provider's stream ended without an answer")
        unfinished = [choice.index for choice in self._choices.values() if not choice.finished]
        out.extend(ev.Finish(reason="unknown", choice=index) for index in unfinished)
        out.append(ev.End())

    def closed(self) -> None:
        if not self._choices or not all(choice.finished for choice in self._choices.values()):
            raise truncated()
