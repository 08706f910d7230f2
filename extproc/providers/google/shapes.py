"""The JSON of Gemini's answers, as far as this gateway looks into it.

https://ai.google.dev/api/generate-content#generatecontentresponse

Optional fields may be null. A stream is a sequence of whole answers, each with what is new.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.chat.model import Usage
from extproc.wire.rawjson import ABSENT


class _Shape(msgspec.Struct, gc=False, rename="camel"):
    pass


class PartialArg(_Shape):
    """A piece of a function's arguments; of the values one is set.

    https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
    """

    json_path: str = ""
    string_value: str | None = None
    number_value: Raw = ABSENT
    bool_value: bool | None = None
    will_continue: bool | None = None


class FunctionCall(_Shape):
    id: str | None = None
    name: str | None = None
    args: Raw = ABSENT
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None


class Part(_Shape):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None


class Content(_Shape):
    parts: list[Raw] | None = None


class Segment(_Shape):
    """start_index, end_index: bytes of the part's text in UTF-8."""

    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None


class Source(_Shape):
    uri: str | None = None
    title: str | None = None


class GroundingChunk(_Shape):
    web: Source | None = None
    maps: Source | None = None
    retrieved_context: Source | None = None


class GroundingSupport(_Shape):
    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class GroundingMetadata(_Shape):
    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None


class Citation(_Shape):
    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class CitationMetadata(_Shape):
    """citation_sources: the name that AI Studio's first version gave the same."""

    citations: list[Citation] | None = None
    citation_sources: list[Citation] | None = None


class Token(_Shape):
    token: str | None = None
    log_probability: float | None = None


class TopTokens(_Shape):
    candidates: list[Token] | None = None


class Logprobs(_Shape):
    chosen_candidates: list[Token] | None = None
    top_candidates: list[TopTokens] | None = None


class Candidate(_Shape):
    index: int | None = None
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    grounding_metadata: GroundingMetadata | None = None
    citation_metadata: CitationMetadata | None = None
    logprobs_result: Logprobs | None = None


class PromptFeedback(_Shape):
    block_reason: str | None = None
    block_reason_message: str | None = None


class ModalityCount(_Shape):
    modality: str = ""
    token_count: int = 0


class UsageMetadata(_Shape):
    """Chunks of a stream repeat it, cumulatively: what is said last counts."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None
    service_tier: str | None = None

    def update(self, newer: UsageMetadata) -> None:
        for name in self.__struct_fields__:
            value = getattr(newer, name)
            if value is not None:
                setattr(self, name, value)

    def usage(self) -> Usage:
        """Gemini counts thoughts, and what its own tools read, apart; OpenAI as parts."""
        thoughts = self.thoughts_token_count
        return Usage(
            prompt=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            completion=(self.candidates_token_count or 0) + (thoughts or 0),
            cached=self.cached_content_token_count,
            reasoning=thoughts,
            audio_prompt=_audio(self.prompt_tokens_details),
            audio_completion=_audio(self.candidates_tokens_details),
        )


def _audio(details: list[ModalityCount] | None) -> int | None:
    counts = [detail.token_count for detail in details or () if detail.modality == "AUDIO"]
    return sum(counts) if counts else None


class Response(_Shape):
    response_id: str | None = None
    model_version: str | None = None
    create_time: str | None = None
    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    error: Raw = ABSENT


class ErrorDetail(_Shape):
    """reason: of an ErrorInfo. retry_delay: of a RetryInfo, e.g. ``34.4s``."""

    reason: str | None = None
    retry_delay: str | None = None


class Error(_Shape):
    message: str | None = None
    status: str | None = None
    code: int | None = None
    details: list[ErrorDetail] | None = None


class Failure(_Shape):
    error: Error | None = None


class Object(msgspec.Struct, gc=False):
    """Any JSON object; nothing of it is kept."""
