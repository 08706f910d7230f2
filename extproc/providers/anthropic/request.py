"""A neutral request becoming one for Anthropic: https://platform.claude.com/docs/en/api/messages/create

What Anthropic cannot honour is named in ``unsupported``; content that it cannot take is an error,
because a conversation without it is another conversation.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from extproc.chat.capabilities import losses
from extproc.chat.model import ChatRequest
from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.errors import RequestError
from extproc.providers.anthropic.formats import Format, write_format
from extproc.providers.anthropic.messages import Conversation, write_conversation
from extproc.providers.anthropic.tools import write_tools
from extproc.providers.claude import Traits, refused_sampling, traits
from extproc.providers.claude_thinking import has_unsigned_tool_turn, plan
from extproc.providers.fields import read_field
from extproc.wire.rawjson import encode

API_VERSION: Final = "2023-06-01"
"""The version that still takes ``temperature`` and its like, on the models that have them.

From 2026-10-21 on they are a 400 on every model: https://platform.claude.com/docs/en/api/versioning
"""

_HEADERS: Final = (("content-type", "application/json"), ("anthropic-version", API_VERSION))

NATIVE_FIELDS: Final = (
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "fallbacks",
    "inference_geo",
    "mcp_servers",
    "speed",
)
"""Anthropic's own request fields that a client may send along; they go as they are."""

_USED: Final = frozenset({"thinking", "output_config", "top_k", "betas", *NATIVE_FIELDS})
"""Fields of ``extra`` that have a place in the request; all others are unsupported."""

_BETA_OF_FIELD: Final = {
    "context_management": "context-management-2025-06-27",
    "mcp_servers": "mcp-client-2025-11-20",
}
"""Fields that work only with a beta header. The client's ``betas`` come on top, and win for MCP."""

_TIERS: Final = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}


def write_request(request: ChatRequest, target: Target, model: str) -> ProviderRequest:
    """Raises: RequestError for content that Anthropic cannot take, naming the part."""
    known = traits(model)
    conversation = write_conversation(request.messages)
    given_config = _field(request, "output_config", dict[str, Raw]) or {}
    tools = write_tools(request, known)
    form = Format(tools) if "format" in given_config else write_format(request, known, tools)
    tools = form.tools
    if form.words is not None:
        conversation.system.append({"type": "text", "text": form.words})
    thinking = plan(
        request, known, forced_tool=tools.forced, unsigned_turn=has_unsigned_tool_turn(request.messages)
    )
    unsupported = [*conversation.unsupported, *tools.unsupported, *form.unsupported, *thinking.unsupported]
    output_config = _output_config(given_config, thinking.effort, form.output)
    body: dict[str, Any] = {"model": model, "max_tokens": thinking.max_tokens}
    if conversation.system:
        body["system"] = conversation.system
    body["messages"] = conversation.messages
    if tools.tools:
        body["tools"] = tools.tools
    if tools.choice is not None:
        body["tool_choice"] = tools.choice
    if thinking.thinking is not None:
        body["thinking"] = thinking.thinking
    if output_config:
        body["output_config"] = output_config
    body |= _sampling(request, known, unsupported, thinking=thinking.on)
    body |= _metadata(request, unsupported)
    body |= _service_tier(request, unsupported)
    body |= _stop(request.stop, unsupported)
    if request.extra:
        body |= {name: request.extra[name] for name in NATIVE_FIELDS if name in request.extra}
    if request.stream:
        body["stream"] = True
    if request.plain or request.extra:
        unsupported += losses("anthropic", request.plain)
        unsupported += [name for name in sorted(request.extra) if name not in _USED]
    return ProviderRequest(
        path=f"{target.base_path}/messages",
        headers=_headers(request, conversation),
        body=encode(body),
        unsupported=tuple(dict.fromkeys(unsupported)) if unsupported else (),
    )


def _headers(request: ChatRequest, conversation: Conversation) -> tuple[tuple[str, str], ...]:
    if not request.extra and not conversation.betas:
        return _HEADERS
    asked = _field(request, "betas", list[str]) or []
    betas = [*asked, *conversation.betas]
    for field, beta in _BETA_OF_FIELD.items():
        family = beta[: -len("2025-11-20")]
        if field in request.extra and not any(named.startswith(family) for named in betas):
            betas.append(beta)
    if not betas:
        return _HEADERS
    if not all(beta.isascii() and beta.isprintable() for beta in betas):
        raise RequestError("betas: not the text of a header", param="betas")
    return (*_HEADERS, ("anthropic-beta", ",".join(dict.fromkeys(betas))))


def _field(request: ChatRequest, name: str, shape: type[Any]) -> Any:
    """The vendor field `name`, or None."""
    return read_field(request.extra[name], shape, name) if name in request.extra else None


def _sampling(
    request: ChatRequest, known: Traits, unsupported: list[str], *, thinking: bool
) -> dict[str, Any]:
    """temperature, top_p, top_k, as far as this model takes them in this request."""
    wanted: dict[str, Any] = {}
    if request.temperature is not None:
        wanted["temperature"] = min(request.temperature, 1.0)  # OpenAI's go to 2
        if request.temperature > 1:
            unsupported.append("temperature")
    if request.top_p is not None:
        wanted["top_p"] = request.top_p
    if "top_k" in request.extra:
        wanted["top_k"] = request.extra["top_k"]
    if not wanted:
        return wanted
    refused = [name for name in refused_sampling(wanted, known, thinking=thinking) if name in wanted]
    unsupported += [name for name in refused if wanted[name] != 1]
    for name in refused:
        del wanted[name]
    return wanted


def _stop(stop: tuple[str, ...], unsupported: list[str]) -> dict[str, Any]:
    """Anthropic refuses stop sequences of white space only."""
    if not stop:
        return {}
    taken = [text for text in stop if text.strip()]
    if len(taken) < len(stop):
        unsupported.append("stop")
    return {"stop_sequences": taken} if taken else {}


def _metadata(request: ChatRequest, unsupported: list[str]) -> dict[str, Any]:
    """Of OpenAI's metadata Anthropic takes ``user_id``, which is OpenAI's ``user`` (or safety_identifier)."""
    user = request.user
    if "metadata" in request.plain:
        given = read_field(request.plain["metadata"], dict[str, Raw], "metadata")
        if "user_id" in given:
            user = read_field(given.pop("user_id"), str, "metadata.user_id")
        if given:
            unsupported.append("metadata")
    return {"metadata": {"user_id": user}} if user else {}


def _service_tier(request: ChatRequest, unsupported: list[str]) -> dict[str, Any]:
    if request.service_tier is None:
        return {}
    if request.service_tier not in _TIERS:
        unsupported.append("service_tier")
        return {}
    return {"service_tier": _TIERS[request.service_tier]}


def _output_config(
    given: dict[str, Any], effort: str | None, output: dict[str, Any] | None
) -> dict[str, Any]:
    """Effort and output format. What the client put into ``output_config`` itself comes first."""
    if effort is None and output is None:
        return given
    wanted = {"effort": effort, "format": output}
    return {name: value for name, value in wanted.items() if value is not None} | given
