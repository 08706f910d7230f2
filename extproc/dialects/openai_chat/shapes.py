"""The JSON of a chat completion request, as far as this gateway looks into it.

From https://platform.openai.com/docs/api-reference/chat/create, with the fields that other
vendors have added to the same messages: ``cache_control`` marks, ``reasoning_content``,
``thinking_blocks`` (LiteLLM's name) and this gateway's ``anthropic_content``,
``google_content`` and ``bedrock_content``.

Optional fields may be null. A part or tool of a type that is not listed here is kept for the
vendor that knows it.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.wire.rawjson import ABSENT


class Breakpoint(msgspec.Struct, gc=False):
    ttl: str | None = None


class ImageURL(msgspec.Struct, gc=False):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct, gc=False):
    data: str
    format: str


class File(msgspec.Struct, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageURL | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    cache_control: Raw = ABSENT
    prompt_cache_breakpoint: Breakpoint | None = None


Content = str | list[Part] | None


class FunctionCall(msgspec.Struct, gc=False):
    name: str
    arguments: str = ""


class CustomCall(msgspec.Struct, gc=False):
    name: str
    input: str = ""


class ToolCall(msgspec.Struct, gc=False):
    id: str
    type: str = "function"
    function: FunctionCall | None = None
    custom: CustomCall | None = None
    cache_control: Raw = ABSENT


class ThinkingBlock(msgspec.Struct, gc=False):
    type: str
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class NativeCall(msgspec.Struct, gc=False):
    """A block of ``anthropic_content``, as far as it may be a tool call."""

    type: str | None = None
    id: str | None = None
    name: str | None = None


class BedrockCall(msgspec.Struct, gc=False):
    toolUseId: str = ""  # noqa: N815 - the name of the wire, here and below
    name: str = ""


class BedrockBlock(msgspec.Struct, gc=False):
    """A block of ``bedrock_content``, as far as it may be a tool call."""

    toolUse: BedrockCall | None = None  # noqa: N815


class _Message(msgspec.Struct, tag_field="role", gc=False):
    content: Content = None
    name: str | None = None


class SystemMessage(_Message, tag="system"):
    pass


class DeveloperMessage(_Message, tag="developer"):
    pass


class UserMessage(_Message, tag="user"):
    pass


class AssistantMessage(_Message, tag="assistant"):
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None
    audio: Raw = ABSENT
    reasoning_content: str | None = None
    thinking_blocks: list[ThinkingBlock] | None = None
    anthropic_content: list[Raw] | None = None
    google_content: list[Raw] | None = None
    bedrock_content: list[Raw] | None = None


class ToolMessage(_Message, tag="tool", kw_only=True):
    tool_call_id: str
    is_error: bool | None = None
    cache_control: Raw = ABSENT


class FunctionMessage(_Message, tag="function"):
    pass


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


class Function(msgspec.Struct, gc=False):
    name: str
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None
    cache_control: Raw = ABSENT


class Custom(msgspec.Struct, gc=False):
    name: str


class Tool(msgspec.Struct, gc=False):
    type: str = "function"
    function: Function | None = None
    custom: Custom | None = None
    cache_control: Raw = ABSENT


class Named(msgspec.Struct, gc=False):
    name: str


class AllowedTool(msgspec.Struct, gc=False):
    type: str = "function"
    function: Named | None = None
    custom: Named | None = None


class AllowedTools(msgspec.Struct, gc=False):
    tools: list[AllowedTool]
    mode: str = "auto"


class ToolChoice(msgspec.Struct, gc=False):
    type: str
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None


class JSONSchema(msgspec.Struct, gc=False):
    name: str | None = None
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, gc=False):
    type: str
    json_schema: JSONSchema | None = None


class StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class Read(msgspec.Struct, gc=False):
    """The fields of a request that are read one by one."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Function] | None = None
    function_call: str | Named | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None


class Request(Read):
    """A request, and the fields of it that stay text."""

    seed: Raw = ABSENT
    n: Raw = ABSENT
    logprobs: Raw = ABSENT
    top_logprobs: Raw = ABSENT
    presence_penalty: Raw = ABSENT
    frequency_penalty: Raw = ABSENT
    logit_bias: Raw = ABSENT
    metadata: Raw = ABSENT
    store: Raw = ABSENT
    prediction: Raw = ABSENT
    web_search_options: Raw = ABSENT
    modalities: Raw = ABSENT
    audio: Raw = ABSENT
    verbosity: Raw = ABSENT
    moderation: Raw = ABSENT
    prompt_cache_key: Raw = ABSENT
    prompt_cache_retention: Raw = ABSENT
    prompt_cache_options: Raw = ABSENT


class KnownRequest(Request, forbid_unknown_fields=True):
    """A request of no other fields than those of the dialect."""


class RawRequest(msgspec.Struct, gc=False):
    """The same body again, for parts and tools whose text is wanted."""

    messages: list[dict[str, Raw]]
    tools: list[Raw] | None = None
