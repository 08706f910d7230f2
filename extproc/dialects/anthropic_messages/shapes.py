"""The JSON of a Messages request: https://platform.claude.com/docs/en/api/messages/create

What only Claude could honour stays text.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from extproc.wire.rawjson import ABSENT


class Source(msgspec.Struct, gc=False):
    """Of an image or a document. content: a string or blocks, of a document in pieces."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: str | list[Raw] | None = None


class Block(msgspec.Struct, gc=False):
    """A content block of any type. source: an object, but of a search result a text."""

    type: str
    text: str | None = None
    source: Raw = ABSENT
    title: str | None = None
    context: str | None = None
    citations: Raw = ABSENT
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = ABSENT
    tool_use_id: str | None = None
    content: Raw = ABSENT
    is_error: bool | None = None
    cache_control: Raw = ABSENT


class Message(msgspec.Struct, gc=False):
    role: Literal["user", "assistant", "system"]
    content: str | list[Raw]


class Tool(msgspec.Struct, gc=False):
    """A tool of the client's, or one that Anthropic defines (`type` then says which)."""

    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: Raw = ABSENT
    strict: bool | None = None
    cache_control: Raw = ABSENT
    input_examples: Raw = ABSENT
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None


class ToolChoice(msgspec.Struct, gc=False):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Metadata(msgspec.Struct, gc=False):
    user_id: str | None = None


class Thinking(msgspec.Struct, gc=False):
    type: str
    budget_tokens: int | None = None


class OutputFormat(msgspec.Struct, gc=False):
    type: Literal["json_schema"]
    schema: Raw


class OutputConfig(msgspec.Struct, gc=False):
    effort: str | None = None
    format: OutputFormat | None = None


class Request(msgspec.Struct, gc=False):
    model: str
    messages: list[Message]
    max_tokens: int
    system: str | list[Raw] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None
    tools: list[Raw] | None = None
    tool_choice: ToolChoice | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None


class Invalid(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Arguments that were no JSON, as Anthropic wants them back."""

    INVALID_JSON: str
