"""The JSON of Converse's answers and events, as far as this gateway looks into it.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html

Optional fields may be null. Events come padded (``p``), so that their length tells nothing.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.chat.model import Usage
from extproc.wire.rawjson import ABSENT


class TokenUsage(msgspec.Struct, gc=False):
    inputTokens: int = 0  # noqa: N815 - the names of the wire, here and below
    outputTokens: int = 0  # noqa: N815
    cacheReadInputTokens: int | None = None  # noqa: N815
    cacheWriteInputTokens: int | None = None  # noqa: N815

    def usage(self) -> Usage:
        """Bedrock counts cached input apart, OpenAI as a part: the prompt is the sum."""
        cached, written = self.cacheReadInputTokens, self.cacheWriteInputTokens
        return Usage(
            prompt=self.inputTokens + (cached or 0) + (written or 0),
            completion=self.outputTokens,
            cached=cached,
            cache_write=written,
        )


class ServiceTier(msgspec.Struct, gc=False):
    type: str | None = None


class StopDelta(msgspec.Struct, gc=False):
    stop_sequence: str | None = None


class Additional(msgspec.Struct, gc=False):
    """Fields of Claude's own answer, that the request asked for."""

    stop_sequence: str | None = None
    delta: StopDelta | None = None


class Stop(msgspec.Struct, gc=False):
    """The end of a message: fields of the answer itself, or of ``messageStop``."""

    stopReason: str | None = None  # noqa: N815
    additionalModelResponseFields: Raw = ABSENT  # noqa: N815


class Message(msgspec.Struct, gc=False):
    content: list[dict[str, Raw]] | None = None


class Output(msgspec.Struct, gc=False):
    message: Message | None = None


class Answer(Stop):
    output: Output | None = None
    usage: TokenUsage | None = None
    serviceTier: ServiceTier | None = None  # noqa: N815


class Metadata(msgspec.Struct, gc=False):
    usage: TokenUsage | None = None


class BlockStart(msgspec.Struct, gc=False):
    start: dict[str, Raw] = {}
    contentBlockIndex: int = 0  # noqa: N815


class ToolUseDelta(msgspec.Struct, gc=False):
    input: str = ""


class ReasoningDelta(msgspec.Struct, gc=False):
    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None  # noqa: N815


class Delta(msgspec.Struct, gc=False):
    """One of these is set."""

    text: str | None = None
    toolUse: ToolUseDelta | None = None  # noqa: N815
    reasoningContent: ReasoningDelta | None = None  # noqa: N815
    toolResult: Raw = ABSENT  # noqa: N815
    citation: Raw = ABSENT
    image: Raw = ABSENT


class BlockDelta(msgspec.Struct, gc=False):
    delta: Delta
    contentBlockIndex: int = 0  # noqa: N815


class BlockStop(msgspec.Struct, gc=False):
    contentBlockIndex: int = 0  # noqa: N815


class ToolUse(msgspec.Struct, gc=False):
    """As a stream begins it, and whole."""

    toolUseId: str = ""  # noqa: N815
    name: str = ""
    type: str | None = None
    input: Raw = ABSENT


class ReasoningText(msgspec.Struct, gc=False):
    text: str = ""
    signature: str | None = None


class Reasoning(msgspec.Struct, gc=False):
    reasoningText: ReasoningText | None = None  # noqa: N815
    redactedContent: str | None = None  # noqa: N815


class CitedText(msgspec.Struct, gc=False):
    text: str | None = None


class Citations(msgspec.Struct, gc=False):
    content: list[CitedText] | None = None
    citations: list[Raw] | None = None


class Web(msgspec.Struct, gc=False):
    url: str | None = None


class Location(msgspec.Struct, gc=False):
    web: Web | None = None


class Citation(msgspec.Struct, gc=False):
    title: str | None = None
    location: Location | None = None


class Fault(msgspec.Struct, gc=False):
    """An exception, in a stream or as the body of an error; ``Message`` is what some of AWS's gates write."""

    message: str | None = None
    Message: str | None = None
    kind: str | None = msgspec.field(default=None, name="__type")
