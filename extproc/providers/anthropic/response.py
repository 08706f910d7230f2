"""A message of Anthropic's becoming the neutral answer: https://platform.claude.com/docs/en/api/messages

The shapes serve the stream too, whose events carry the same objects.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import ChatResponse, FinishReason, Usage
from extproc.errors import ProviderFailed
from extproc.providers.anthropic.blocks import Blocks
from extproc.providers.faults import fault_error, read_fault
from extproc.wire.rawjson import MalformedJSON, decode

FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",  # beta: the answer is only the summary that the next request begins with
    "refusal": "refusal",
}
SERVICE_TIERS: Final = {"standard": "default", "priority": "priority"}


class OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class MessageUsage(msgspec.Struct, gc=False):
    """Streams repeat some of it in ``message_delta``, cumulatively: what is said last counts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None
    service_tier: str | None = None

    def update(self, newer: MessageUsage) -> None:
        for name in self.__struct_fields__:
            value = getattr(newer, name)
            if value is not None:
                setattr(self, name, value)

    def usage(self) -> Usage:
        """Anthropic counts cached input apart, OpenAI as a part: the prompt is the sum."""
        cached, written = self.cache_read_input_tokens, self.cache_creation_input_tokens
        details = self.output_tokens_details
        return Usage(
            prompt=(self.input_tokens or 0) + (cached or 0) + (written or 0),
            completion=self.output_tokens or 0,
            cached=cached,
            cache_write=written,
            reasoning=None if details is None else details.thinking_tokens,
        )


class StopDetails(msgspec.Struct, gc=False):
    explanation: str | None = None


class Stop(msgspec.Struct, gc=False):
    """The end of a message: fields of the message itself, or of a ``message_delta``."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Message(Stop):
    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: list[dict[str, Raw]] | None = None
    usage: MessageUsage | None = None


def start_event(message: Message) -> ev.Start:
    tier = message.usage.service_tier if message.usage else None
    return ev.Start(id=message.id, model=message.model, service_tier=SERVICE_TIERS.get(tier or ""))


def finish_events(stop: Stop, blocks: Blocks) -> list[ev.Event]:
    """A refusal's explanation is what the client reads in the place of an answer."""
    word = stop.stop_reason
    reason = FINISH_REASONS.get(word or "", "unknown")
    if reason == "tool_calls" and blocks.only_answered:
        reason = "stop"
    finish = ev.Finish(reason=reason, native_reason=word, stop_sequence=stop.stop_sequence)
    if word == "refusal" and stop.stop_details is not None and stop.stop_details.explanation:
        return [ev.RefusalDelta(stop.stop_details.explanation), finish]
    return [finish]


def read_response(body: bytes) -> ChatResponse:
    """Raises: ProviderError for a broken body, or for an error in a successful response."""
    try:
        message = decode(body, Message)
    except MalformedJSON as error:
        raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None
    if message.type == "error" or message.content is None:
        raise fault_error(read_fault(body))
    out: list[ev.Event] = [start_event(message)]
    blocks = Blocks()
    try:
        for index, block in enumerate(message.content):
            blocks.start(index, block, out)
            blocks.stop(index, out)
        blocks.finish(out)
    except MalformedJSON as error:
        raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None
    out += finish_events(message, blocks)
    if message.usage is not None:
        out.append(ev.UsageSeen(message.usage.usage()))
    return fold(out)
