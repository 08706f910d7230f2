"""The JSON of a Responses request, as far as this gateway looks into it.

From https://platform.openai.com/docs/api-reference/responses/create. Optional fields may be null. One shape
serves all items and one all parts: which fields must be there depends on ``type``, and the readers tell what
is missing.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.wire.rawjson import ABSENT


class Breakpoint(msgspec.Struct, gc=False):
    ttl: str | None = None


class InputAudio(msgspec.Struct, gc=False):
    data: str
    format: str


class Part(msgspec.Struct, gc=False):
    """A part of a message, of a tool's output, or of a reasoning item."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


class Item(msgspec.Struct, gc=False):
    """Fields that mean other things in other items stay text."""

    type: str | None = None
    role: str | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = ABSENT
    input: str | None = None
    output: Raw = ABSENT
    summary: list[Part] | None = None
    encrypted_content: str | None = None


class RawContent(msgspec.Struct, gc=False):
    """An item again, for a part whose text is wanted."""

    content: Raw = ABSENT
    output: Raw = ABSENT


class Location(msgspec.Struct, gc=False):
    type: str | None = None
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class Grammar(msgspec.Struct, gc=False):
    type: str
    syntax: str | None = None
    definition: str | None = None


class Tool(msgspec.Struct, gc=False):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None
    format: Grammar | None = None
    search_context_size: str | None = None
    user_location: Location | None = None
    filters: Raw = ABSENT
    external_web_access: bool | None = None
    search_content_types: list[str] | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    output_schema: Raw = ABSENT
    asynchronous: bool | None = msgspec.field(default=None, name="async")


class AllowedTool(msgspec.Struct, gc=False):
    type: str
    name: str | None = None


class ToolChoice(msgspec.Struct, gc=False):
    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[AllowedTool] | None = None


class Format(msgspec.Struct, gc=False):
    type: str
    name: str | None = None
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class Text(msgspec.Struct, gc=False):
    format: Format | None = None
    verbosity: Raw = ABSENT


class Reasoning(msgspec.Struct, gc=False):
    effort: str | None = None
    summary: str | None = None
    mode: str | None = None
    context: str | None = None


class StreamOptions(msgspec.Struct, gc=False):
    include_obfuscation: bool | None = None


class Request(msgspec.Struct, gc=False):
    """The fields of a request that are read one by one."""

    model: str
    input: str | list[Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    truncation: str | None = None
    background: bool | None = None
    store: bool | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None


class RawRequest(msgspec.Struct, gc=False):
    """The same body again, for items and tools whose text is wanted."""

    input: Raw = ABSENT
    tools: list[Raw] | None = None
