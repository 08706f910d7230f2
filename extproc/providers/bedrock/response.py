"""An answer of Converse's becoming the neutral one."""

from __future__ import annotations

from typing import Final

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import ChatResponse, FinishReason
from extproc.errors import ProviderFailed
from extproc.providers.bedrock import shapes
from extproc.providers.bedrock.blocks import Blocks
from extproc.providers.bedrock.faults import body_error
from extproc.wire.rawjson import MalformedJSON, decode, decoder, present

FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",  # Claude's own words, should they pass
    "pause_turn": "pause",
    "malformed_model_output": "unknown",
    "malformed_tool_use": "unknown",
}
_TIERS: Final = frozenset({"default", "flex", "priority"})

_read_answer: Final = decoder(shapes.Answer)


def finish_event(stop: shapes.Stop, blocks: Blocks) -> ev.Finish:
    reason = FINISH_REASONS.get(stop.stopReason or "", "unknown")
    if reason == "tool_calls" and blocks.only_answered:
        reason = "stop"
    return ev.Finish(reason=reason, native_reason=stop.stopReason, stop_sequence=_stop_sequence(stop))


def _stop_sequence(stop: shapes.Stop) -> str | None:
    given = present(stop.additionalModelResponseFields)
    if given is None:
        return None
    try:
        fields = decode(given, shapes.Additional)
    except MalformedJSON:  # the model's own field of that name, which the client asked for
        return None
    return fields.stop_sequence or (fields.delta.stop_sequence if fields.delta is not None else None)


def service_tier(tier: shapes.ServiceTier | None) -> str | None:
    return tier.type if tier is not None and tier.type in _TIERS else None


def read_response(body: bytes) -> ChatResponse:
    """Raises: ProviderError for a broken body, or for an error in a successful response."""
    try:
        answer = _read_answer(body)
        message = answer.output.message if answer.output is not None else None
        if message is None or message.content is None:
            raise body_error(body)
        out: list[ev.Event] = [ev.Start(service_tier=service_tier(answer.serviceTier))]
        blocks = Blocks()
        for index, block in enumerate(message.content):
            blocks.add(index, block, out)
        blocks.finish(out)
    except MalformedJSON as error:
        raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None
    out.append(finish_event(answer, blocks))
    if answer.usage is not None:
        out.append(ev.UsageSeen(answer.usage.usage()))
    return fold(out)
