"""What happens in a response stream, in order; no vendor's words.

A stream is ``Start``, then content, then one ``Finish`` a choice, usage anywhere, and either
``End`` or ``StreamError`` as its last event.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from extproc.chat.model import Annotation, FinishReason, NativeContent, Thinking, Usage
from extproc.errors import ProviderError


class Start(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The provider has begun. Fields as in ``ChatResponse``."""

    id: str | None = None
    created: int | None = None
    model: str | None = None
    fingerprint: str | None = None
    service_tier: str | None = None


class Progress(msgspec.Struct, frozen=True, gc=False):
    """The model works on something whose words the client does not see (hidden reasoning, a server tool)."""


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    text: str
    choice: int = 0


class AnswerStart(msgspec.Struct, frozen=True, gc=False):
    """The text that follows is all of the text: what came before was only said on the way.

    A client's stream has told that already, and nothing takes it back.
    """

    choice: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    text: str
    choice: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    text: str
    choice: int = 0


class ThinkingDone(msgspec.Struct, frozen=True, gc=False):
    """A block of reasoning is whole. Its text was told by ``ReasoningDelta`` already."""

    thinking: Thinking
    choice: int = 0


class ToolCallStart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """index: counts the calls of a choice from 0."""

    index: int
    id: str
    name: str
    kind: Literal["function", "custom"] = "function"
    choice: int = 0


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """More of the arguments of call `index`. Calls may interleave."""

    index: int
    arguments: str
    choice: int = 0


class Cited(msgspec.Struct, frozen=True, gc=False):
    annotation: Annotation
    choice: int = 0


class NativeMessage(msgspec.Struct, frozen=True, gc=False):
    """The whole message in the provider's own blocks, because the other events cannot hold it."""

    content: NativeContent
    choice: int = 0


class LogprobsDelta(msgspec.Struct, frozen=True, gc=False):
    """The JSON text of OpenAI's ``logprobs`` of one chunk."""

    logprobs: Raw
    choice: int = 0


class Finish(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A choice is complete. Fields as in ``Choice``."""

    reason: FinishReason
    native_reason: str | None = None
    stop_sequence: str | None = None
    choice: int = 0


class UsageSeen(msgspec.Struct, frozen=True, gc=False):
    """All usage known so far: it replaces what was said before."""

    usage: Usage


class End(msgspec.Struct, frozen=True, gc=False):
    """The stream is complete and has ended properly."""


class StreamError(msgspec.Struct, frozen=True):
    """The stream is over and incomplete: the provider said so, broke off, or sent what nobody understands.

    The one event that the garbage collector must see: `error` knows the frames it was raised in, and those
    the list of events that this is in.
    """

    error: ProviderError


Event = (
    Start
    | Progress
    | TextDelta
    | AnswerStart
    | RefusalDelta
    | ReasoningDelta
    | ThinkingDone
    | ToolCallStart
    | ToolCallDelta
    | Cited
    | NativeMessage
    | LogprobsDelta
    | Finish
    | UsageSeen
    | End
    | StreamError
)

_BEFORE_CONTENT = (Start, LogprobsDelta, UsageSeen, End, StreamError)


def commits(event: Event) -> bool:
    """Whether `event` is content, so that no other provider may take over after it (the commit window)."""
    return not isinstance(event, _BEFORE_CONTENT)
