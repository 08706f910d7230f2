"""A whole answer of Gemini's, or the chunks of a stream, which have the same shape, becoming events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from extproc.chat import events as ev
from extproc.chat.model import FinishReason
from extproc.providers.google import shapes
from extproc.providers.google.errors import read_error
from extproc.providers.google.grounding import sources
from extproc.providers.google.logprobs import write_logprobs
from extproc.providers.google.parts import Parts
from extproc.wire.rawjson import encode, present

FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    # The model failed at what it tried; OpenAI has no word for that.
    "MALFORMED_FUNCTION_CALL": "unknown",
    "MALFORMED_RESPONSE": "unknown",
    "MISSING_THOUGHT_SIGNATURE": "unknown",
    "TOO_MANY_TOOL_CALLS": "unknown",
    "UNEXPECTED_TOOL_CALL": "unknown",
    "ESCALATION": "unknown",
    "IMAGE_OTHER": "unknown",
    "NO_IMAGE": "unknown",
    "PUP_LIMITED_DISABLED": "unknown",
    "OTHER": "unknown",
    "FINISH_REASON_UNSPECIFIED": "unknown",
}
"""https://ai.google.dev/api/generate-content#FinishReason"""

SERVICE_TIERS: Final = {"standard": "default", "flex": "flex", "priority": "priority"}


class _Candidate:
    """One candidate while it grows: its parts, and what was last said of it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.latest = shapes.Candidate()

    def update(self, newer: shapes.Candidate) -> None:
        for name in ("finish_reason", "finish_message", "grounding_metadata", "citation_metadata"):
            value = getattr(newer, name)
            if value is not None:
                setattr(self.latest, name, value)


class Answer:
    """What has been answered so far."""

    def __init__(self) -> None:
        self._started = False
        self._response_id: str | None = None
        self._candidates: dict[int, _Candidate] = {}
        self._blocked: shapes.PromptFeedback | None = None
        self._usage = shapes.UsageMetadata()

    @property
    def complete(self) -> bool:
        """Whether every candidate has said why it ended, or the prompt was blocked."""
        if not self._candidates:
            return self._blocked is not None
        return all(candidate.latest.finish_reason for candidate in self._candidates.values())

    @property
    def empty(self) -> bool:
        return not self._candidates and self._blocked is None

    def add(self, chunk: shapes.Response, out: list[ev.Event]) -> None:
        """Raises: MalformedJSON for a part of a wrong shape, ProviderError for an error."""
        if present(chunk.error) is not None:
            raise read_error(encode({"error": chunk.error}))
        if not self._started:
            self._start(chunk, out)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self._blocked = feedback
        for n, candidate in enumerate(chunk.candidates or ()):
            self._grow(n if candidate.index is None else candidate.index, candidate, out)
        if chunk.usage_metadata is not None:
            self._usage.update(chunk.usage_metadata)
            if self._usage.prompt_token_count is not None or self._usage.candidates_token_count is not None:
                out.append(ev.UsageSeen(self._usage.usage()))

    def _start(self, chunk: shapes.Response, out: list[ev.Event]) -> None:
        self._started = True
        self._response_id = chunk.response_id
        tier = chunk.usage_metadata.service_tier if chunk.usage_metadata is not None else None
        out.append(
            ev.Start(
                id=chunk.response_id,
                created=_seconds(chunk.create_time),
                model=chunk.model_version,
                service_tier=SERVICE_TIERS.get((tier or "").lower()),
            )
        )

    def _grow(self, index: int, newer: shapes.Candidate, out: list[ev.Event]) -> None:
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(Parts(index, self._response_id))
        if newer.content is not None and newer.content.parts:
            candidate.parts.add(newer.content.parts, out)
        if newer.logprobs_result is not None:
            out.append(ev.LogprobsDelta(write_logprobs(newer.logprobs_result), index))
        candidate.update(newer)

    def finish(self, out: list[ev.Event]) -> None:
        """Nothing will follow."""
        if not self._candidates and self._blocked is not None:
            if self._blocked.block_reason_message:
                out.append(ev.RefusalDelta(self._blocked.block_reason_message))
            out.append(ev.Finish(reason="content_filter", native_reason=self._blocked.block_reason))
        for index in sorted(self._candidates):
            candidate = self._candidates[index]
            candidate.parts.finish(out)
            out += [ev.Cited(cited, index) for cited in sources(candidate.latest, candidate.parts.text)]
            native = candidate.latest.finish_reason
            reason = FINISH_REASONS.get(native or "", "unknown")
            if reason == "stop" and candidate.parts.calls:
                reason = "tool_calls"
            out.append(ev.Finish(reason=reason, native_reason=native, choice=index))


def _seconds(time: str | None) -> int | None:
    if time is None:
        return None
    try:
        read = datetime.fromisoformat(time)
        return int((read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
