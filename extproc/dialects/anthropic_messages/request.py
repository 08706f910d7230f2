"""A Messages request becoming the neutral model: https://platform.claude.com/docs/en/api/messages/create"""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec import Raw

from extproc.chat.model import ChatRequest, ResponseFormat
from extproc.dialects.anthropic_messages import shapes
from extproc.dialects.anthropic_messages.messages import read_conversation
from extproc.dialects.anthropic_messages.tools import read_tool_choice, read_tools, tool_places
from extproc.errors import RequestError
from extproc.wire.rawjson import MalformedJSON, decode, present

CLAUDES: Final = frozenset(
    {
        "betas",
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "speed",
        "thinking",
        "top_k",
        "user_profile_id",
        "workspace_id",
    }
)
"""Fields that go to a provider of Claude as they are; see ``ChatRequest.claude``."""

_ASK_FOR_NOTHING: Final = {"speed": b'"standard"'}
_KNOWN: Final = frozenset(shapes.Request.__struct_fields__) | CLAUDES

_PLACES: Final = {
    "stop": "stop_sequences",
    "user": "metadata.user_id",
    "response_format": "output_config.format",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "max_completion_tokens": "max_tokens",
}
"""Where a Messages request has what a chat completion has elsewhere."""

_LONGEST_USER: Final = 64
"""Characters that OpenAI takes of a user's name (https://platform.openai.com/docs/guides/safety-best-practices)."""

_LOW, _MEDIUM = 4096, 16_384
"""Budgets of thinking, in tokens, up to which an effort is low or medium."""
_EFFORTS: Final = {"low": "low", "medium": "medium"}
"""More than high is not everywhere; it stays high."""


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`.

    Raises:
        RequestError: not a Messages request; ``param`` names the field.
    """
    try:
        request = decode(body, shapes.Request)
        fields = decode(body, dict[str, Raw])
        return _neutral(request, fields)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _neutral(request: shapes.Request, fields: dict[str, Raw]) -> ChatRequest:
    conversation = read_conversation(request)
    choice = request.tool_choice
    effort, effort_place = _effort(request)
    places = _PLACES | conversation.places | tool_places(len(request.tools or ()))
    places["reasoning_effort"] = effort_place
    return ChatRequest(
        model=request.model,
        messages=tuple(conversation.messages),
        stream=bool(request.stream),
        include_usage=bool(request.stream),
        max_tokens=_positive(request.max_tokens),
        temperature=_up_to_one(request.temperature, "temperature"),
        top_p=_up_to_one(request.top_p, "top_p"),
        stop=tuple(request.stop_sequences or ()),
        tools=read_tools(request.tools or [], conversation.lost),
        tool_choice=None if choice is None else read_tool_choice(choice),
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        response_format=_format(request.output_config),
        reasoning_effort=effort,
        service_tier="default" if request.service_tier == "standard_only" else request.service_tier,
        user=_user(request.metadata),
        claude={name: value for name, value in fields.items() if name in CLAUDES and _asks(name, value)},
        extra={
            name: value for name, value in fields.items() if name not in _KNOWN and present(value) is not None
        },
        unsupported=tuple(conversation.lost),
        places=places,
    )


def _asks(name: str, value: Raw) -> bool:
    given = present(value)
    return given is not None and bytes(given) != _ASK_FOR_NOTHING.get(name)


def _positive(max_tokens: int) -> int:
    if max_tokens < 1:
        raise RequestError("max_tokens: must be at least 1", param="max_tokens")
    return max_tokens


def _up_to_one(value: float | None, name: str) -> float | None:
    if value is not None and not 0 <= value <= 1:
        raise RequestError(f"{name}: must be between 0 and 1", param=name)
    return value


def _user(metadata: shapes.Metadata | None) -> str | None:
    """Coding agents' names are longer than others take; a digest still tells users apart."""
    name = None if metadata is None else metadata.user_id
    if name is None or len(name) <= _LONGEST_USER:
        return name or None
    return hashlib.sha256(name.encode()).hexdigest()


def _effort(request: shapes.Request) -> tuple[str | None, str]:
    """How much is to be thought, and where the client said so; ``disabled`` says as much as nothing."""
    thinking, config = request.thinking, request.output_config
    if config is not None and config.effort is not None and (thinking is None or thinking.type != "disabled"):
        return _EFFORTS.get(config.effort, "high"), "output_config.effort"
    if thinking is None or thinking.type == "disabled":
        return None, "thinking"
    budget = thinking.budget_tokens
    if thinking.type != "enabled" or budget is None or budget > _MEDIUM:
        return "high", "thinking"
    return ("low" if budget <= _LOW else "medium"), "thinking"


def _format(config: shapes.OutputConfig | None) -> ResponseFormat | None:
    if config is None or config.format is None:
        return None
    return ResponseFormat(kind="json_schema", schema=config.format.schema)
