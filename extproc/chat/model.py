"""The neutral chat model: what a request asks and an answer says, in no vendor's words.

Dialects read into it and write from it; so do wire formats. JSON that nobody needs to look
into (tool schemas, vendor fields) stays ``msgspec.Raw``: its text, with key order and numbers
as the sender wrote them.

Trees, without a way back up: the garbage collector need not look at them (``gc=False``).
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw


class TextPart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """cache: the JSON text of Anthropic's ``cache_control`` mark, on this and on every other part."""

    text: str
    cache: Raw | None = None


class ImagePart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An image, either by `url` or as base64 `data` of `media_type`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: str | None = None
    cache: Raw | None = None


class FilePart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A document: base64 `data` of `media_type`, a `url`, or the provider's own `file_id`."""

    data: str | None = None
    media_type: str | None = None
    url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    cache: Raw | None = None


class AudioPart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Base64 `data` of `format` (``wav``, ``mp3``)."""

    data: str
    format: str


class RefusalPart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Words with which an assistant declined."""

    refusal: str


class NativePart(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A part of a `type` that the dialect does not define: its `raw` JSON is for the vendor that does."""

    type: str
    raw: Raw


Part = TextPart | ImagePart | FilePart | AudioPart | RefusalPart | NativePart


class Thinking(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A finished block of reasoning that the provider wants back unchanged in the next turn.

    text, signature: what was thought, and the provider's proof that it was its own.
    redacted: opaque data instead of both.
    """

    text: str = ""
    signature: str = ""
    redacted: str | None = None


class ToolCall(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """arguments: JSON text for a function, free text for a custom tool; as the model wrote it."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    cache: Raw | None = None


class Annotation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A web source of the text between two character positions of the message."""

    url: str
    title: str
    start: int
    end: int


class NativeContent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An assistant message as one provider's own blocks, where the neutral fields cannot hold them.

    owner: the wire format whose blocks they are. It gets them back verbatim.
    """

    owner: str
    blocks: tuple[Raw, ...]


class SystemMessage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    parts: tuple[Part, ...]
    role: Literal["system", "developer"] = "system"
    name: str | None = None


class UserMessage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    parts: tuple[Part, ...]
    name: str | None = None


class AssistantMessage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the model said, in a request's history or in an answer.

    reasoning: what was thought, for people to read; `thinking` is the same for the provider.
    audio: the JSON text of OpenAI's ``audio`` object.
    """

    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    reasoning: str | None = None
    thinking: tuple[Thinking, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    native: NativeContent | None = None
    audio: Raw | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


class ToolMessage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The result of the tool call `call_id`. error: the tool failed, and the parts say how."""

    call_id: str
    parts: tuple[Part, ...]
    error: bool = False
    cache: Raw | None = None


Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage


class FunctionTool(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """parameters: JSON schema text, property order as the client wrote it."""

    name: str
    description: str | None = None
    parameters: Raw | None = None
    strict: bool | None = None
    cache: Raw | None = None


class CustomTool(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A tool that takes free text. raw: the client's whole tool object."""

    name: str
    raw: Raw


class NativeTool(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A tool of a `type` that the dialect does not define, for the vendor that does."""

    type: str
    raw: Raw


Tool = FunctionTool | CustomTool | NativeTool


class ToolChoice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """name: the one tool to call (`mode` is then required). allowed: the only tools to choose from.

    field: where the client said so, for errors and for what is not honoured.
    """

    mode: Literal["auto", "none", "required"]
    name: str | None = None
    allowed: tuple[str, ...] | None = None
    field: str = "tool_choice"


class ResponseFormat(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """json_schema needs `schema`, the JSON text of an object."""

    kind: Literal["json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One request. None everywhere means that the client did not say.

    messages: one for one as the client sent them, so that an index names the client's own.
    max_tokens: limit of all that the model generates, reasoning included.
    legacy_functions: the client names its tools ``functions``, as OpenAI did before tools. One call an
        answer is all that it can be told of; `parallel_tool_calls` is then False.
    plain: fields that a provider either takes as they are or cannot honour (``seed``,
        ``logit_bias``, ...), by their OpenAI name; JSON text. Values that ask for nothing are absent.
    extra: fields that the dialect does not define, for the vendor that does.
    claude: fields that only a provider of Claude takes as they are; see ``providers.claude_fields``.
    unsupported: fields that only a provider of the dialect itself could honour, in the client's words.
    places: where the client wrote what is here called otherwise, see ``places``.
    echo: fields whose JSON text the client's answer repeats.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    legacy_functions: bool = False
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None
    user: str | None = None
    plain: dict[str, Raw] = {}
    extra: dict[str, Raw] = {}
    claude: dict[str, Raw] = {}
    unsupported: tuple[str, ...] = ()
    places: dict[str, str] | None = None
    echo: dict[str, Raw] | None = None


class Named(msgspec.Struct, gc=False):
    """A request, as far as the name of its model."""

    model: str


FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "unknown"]
"""Why the model stopped.

refusal: the provider's safety system declined. pause: the provider wants the turn back to go on
with it. unknown: a word that this gateway does not know; ``Choice.native_reason`` has it.
"""


class Usage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Tokens. prompt counts all input, cached and cache_write are parts of it; None: not said."""

    prompt: int = 0
    completion: int = 0
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    audio_prompt: int | None = None
    audio_completion: int | None = None
    accepted_prediction: int | None = None
    rejected_prediction: int | None = None


class Choice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """native_reason: the provider's own word; stop_sequence: the one that was met. logprobs: JSON text."""

    index: int = 0
    message: AssistantMessage
    finish_reason: FinishReason = "unknown"
    native_reason: str | None = None
    stop_sequence: str | None = None
    logprobs: Raw | None = None


class ChatResponse(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """model: the provider's name for it, which clients do not see. created: seconds since the epoch."""

    choices: tuple[Choice, ...]
    id: str | None = None
    created: int | None = None
    model: str | None = None
    fingerprint: str | None = None
    service_tier: str | None = None
    usage: Usage | None = None
