"""A message of Anthropic's becoming the neutral answer: https://platform.claude.com/docs/en/api/messages

The shapes serve the stream too, whose events carry the same objects.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import AssistantMessage, ChatResponse, Choice, FinishReason, TextPart
from extproc.errors import ProviderFailed
from extproc.providers.anthropic import shapes
from extproc.providers.anthropic.blocks import Blocks
from extproc.providers.faults import fault_error, read_fault
from extproc.wire.rawjson import ABSENT, MalformedJSON, decoder, present

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


_read_message: Final = decoder(shapes.Message)
_read_text: Final = decoder(str)


def service_tier(message: shapes.Message) -> str | None:
    tier = message.usage.service_tier if message.usage else None
    return None if tier is None else SERVICE_TIERS.get(tier)


def start_event(message: shapes.Message) -> ev.Start:
    return ev.Start(id=message.id, model=message.model, service_tier=service_tier(message))


def finish_events(stop: shapes.Stop, blocks: Blocks) -> list[ev.Event]:
    reason = finish_reason(stop)
    if reason == "tool_calls" and blocks.only_answered:
        reason = "stop"
    finish = ev.Finish(reason=reason, native_reason=stop.stop_reason, stop_sequence=stop.stop_sequence)
    refused = refusal(stop)
    return [finish] if refused is None else [ev.RefusalDelta(refused), finish]


def finish_reason(stop: shapes.Stop) -> FinishReason:
    return FINISH_REASONS.get(stop.stop_reason or "", "unknown")


def refusal(stop: shapes.Stop) -> str | None:
    """A refusal's explanation is what the client reads in the place of an answer."""
    if stop.stop_reason != "refusal" or stop.stop_details is None:
        return None
    return stop.stop_details.explanation or None


def read_response(body: bytes) -> ChatResponse:
    """Raises: ProviderError for a broken body, or for an error in a successful response."""
    try:
        message = _read_message(body)
        if message.type == "error" or message.content is None:
            raise fault_error(read_fault(body))
        text = only_text(message.content)
        return folded(message, message.content) if text is None else plain(message, text)
    except MalformedJSON as error:
        raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None


def only_text(content: list[dict[str, Raw]]) -> str | None:
    """The text of a message that has no other blocks; most have none, and need not be taken apart."""
    texts: list[str] = []
    for block in content:
        if (
            bytes(block.get("type", ABSENT)) != b'"text"'
            or present(block.get("citations", ABSENT)) is not None
        ):
            return None
        if present(text := block.get("text", ABSENT)) is not None:
            texts.append(_read_text(text))
    return "".join(texts)


def plain(message: shapes.Message, text: str) -> ChatResponse:
    """What `folded` says of a message that is only `text`, at a quarter of the price."""
    choice = Choice(
        message=AssistantMessage(parts=(TextPart(text=text),) if text else (), refusal=refusal(message)),
        finish_reason=finish_reason(message),
        native_reason=message.stop_reason,
        stop_sequence=message.stop_sequence,
    )
    return ChatResponse(
        id=message.id,
        model=message.model,
        service_tier=service_tier(message),
        usage=None if message.usage is None else message.usage.usage(),
        choices=(choice,),
    )


def folded(message: shapes.Message, content: list[dict[str, Raw]]) -> ChatResponse:
    """The answer as its stream would have told it."""
    out: list[ev.Event] = [start_event(message)]
    blocks = Blocks()
    for index, block in enumerate(content):
        blocks.start(index, block, out)
        blocks.stop(index, out)
    blocks.finish(out)
    out += finish_events(message, blocks)
    if message.usage is not None:
        out.append(ev.UsageSeen(message.usage.usage()))
    return fold(out)
