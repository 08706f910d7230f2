"""The JSON of Anthropic's answers and events, as far as this gateway looks into it.

https://platform.claude.com/docs/en/api/messages

Optional fields may be null. The shapes of whole answers serve the stream too, whose events carry them.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.chat.model import Usage
from extproc.wire.rawjson import ABSENT


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


class Delta(msgspec.Struct, gc=False):
    """The ``delta`` of a content_block_delta; of each type one field is set."""

    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    content: str | None = None  # of a compaction block (beta)
    citation: Raw = ABSENT


class Citation(msgspec.Struct, gc=False):
    type: str = ""
    url: str | None = None
    source: str | None = None
    title: str | None = None


class Caller(msgspec.Struct, gc=False):
    type: str = "direct"


class Typed(msgspec.Struct, gc=False):
    type: str | None = None


class MessageStart(msgspec.Struct, gc=False):
    message: Message


class BlockStart(msgspec.Struct, gc=False):
    content_block: dict[str, Raw]
    index: int = 0


class BlockDelta(msgspec.Struct, gc=False):
    delta: Delta
    index: int = 0


class BlockStop(msgspec.Struct, gc=False):
    index: int = 0


class MessageDelta(msgspec.Struct, gc=False):
    delta: Stop | None = None
    usage: MessageUsage | None = None


class Object(msgspec.Struct, gc=False):
    """Any JSON object; nothing of it is kept."""
