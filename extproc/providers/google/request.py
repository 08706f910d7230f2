"""A neutral request becoming one for Gemini: https://ai.google.dev/api/generate-content

What Gemini cannot honour is named in ``unsupported``; content that it cannot take is an error,
because a conversation without it is another conversation. Marks for prompt caching need no counterpart:
Gemini caches by itself (https://ai.google.dev/gemini-api/docs/caching).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from extproc.chat.capabilities import losses
from extproc.chat.model import ChatRequest
from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.errors import RequestError
from extproc.providers.fields import read_field
from extproc.providers.google.fields import read_fields
from extproc.providers.google.messages import write_conversation
from extproc.providers.google.models import traits
from extproc.providers.google.paths import is_vertex, request_path
from extproc.providers.google.schema import cleaned
from extproc.providers.google.thinking import plan
from extproc.providers.google.tools import write_tools
from extproc.wire.rawjson import decode, encode, raw

_HEADERS: Final = (("content-type", "application/json"),)
_JSON: Final = "application/json"
_SCHEMA: Final = "response_format.json_schema.schema"

MAX_STOPS: Final = 5
"""https://ai.google.dev/api/generate-content#FIELDS.stop_sequences"""

_MOST_PENALTY: Final = 1.99
"""Penalties are below 2, which OpenAI's may be."""

_INT32: Final = 0x7FFFFFFF
_TIERS: Final = {
    "auto": None,
    "default": "standard",
    "standard": "standard",
    "flex": "flex",
    "priority": "priority",
}

_EXTRA: Final = frozenset({"thinking"})
"""Fields of ``extra`` that are others' words for what Gemini has."""


def write_request(request: ChatRequest, target: Target, model: str) -> ProviderRequest:
    """Raises: RequestError for content that Gemini cannot take, naming the part."""
    known = traits(model)
    vertex = is_vertex(target)
    conversation = write_conversation(request.messages, known, ids=not vertex)
    tools = write_tools(request, known, vertex=vertex)
    thinking = plan(request, known)
    native = read_fields(request.extra, _EXTRA)
    unsupported = [*conversation.unsupported, *tools.unsupported, *thinking.unsupported]
    config = _sampling(request, unsupported)
    config |= _numbers(request.plain, unsupported)
    config |= _format(request, unsupported)
    if thinking.config is not None:
        config["thinkingConfig"] = thinking.config
    config |= native.config
    body: dict[str, Any] = {}
    if conversation.system:
        body["systemInstruction"] = {"parts": conversation.system}
    body["contents"] = conversation.contents
    if tools.tools:
        body["tools"] = tools.tools
    if tool_config := tools.config | native.tool_config:
        body["toolConfig"] = tool_config
    if config:
        body["generationConfig"] = config
    body |= _service_tier(request, unsupported)
    body |= native.body
    if request.user is not None:
        unsupported.append("user")
    unsupported += losses("google", request.plain)
    unsupported += native.unknown
    return ProviderRequest(
        path=request_path(target, model, stream=request.stream),
        headers=_HEADERS,
        body=encode(body),
        unsupported=tuple(dict.fromkeys(unsupported)),
    )


def _sampling(request: ChatRequest, unsupported: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.top_p is not None:
        config["topP"] = request.top_p
    stops = [text for text in request.stop if text]
    if len(stops) > MAX_STOPS or len(stops) < len(request.stop):
        unsupported.append("stop")
    if stops:
        config["stopSequences"] = stops[:MAX_STOPS]
    return config


def _numbers(plain: dict[str, Raw], unsupported: list[str]) -> dict[str, Any]:
    """n, seed, penalties and logprobs. Raises: RequestError for what is no number."""
    config: dict[str, Any] = {}
    if "n" in plain:
        config["candidateCount"] = _at_least("n", read_field(plain["n"], int, "n"), 1)
    if "seed" in plain:
        # Gemini's has 32 bits; the same seed still gives the same one.
        config["seed"] = read_field(plain["seed"], int, "seed") & _INT32
    for name, field in (("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty")):
        if name in plain:
            given = read_field(plain[name], float, name)
            config[field] = min(given, _MOST_PENALTY)
            if given > _MOST_PENALTY:
                unsupported.append(name)
    if "logprobs" in plain and read_field(plain["logprobs"], bool, "logprobs"):
        config["responseLogprobs"] = True
        if "top_logprobs" in plain:
            top = read_field(plain["top_logprobs"], int, "top_logprobs")
            config["logprobs"] = _at_least("top_logprobs", top, 0)
    elif "top_logprobs" in plain:
        raise RequestError("top_logprobs: needs logprobs", param="top_logprobs")
    return config


def _at_least(name: str, value: int, least: int) -> int:
    if not least <= value <= _INT32:
        raise RequestError(f"{name}: must be at least {least}", param=name)
    return value


def _format(request: ChatRequest, unsupported: list[str]) -> dict[str, Any]:
    """https://ai.google.dev/gemini-api/docs/structured-output"""
    wanted = request.response_format
    if wanted is None:
        return {}
    config: dict[str, Any] = {"responseMimeType": _JSON}
    if wanted.schema is None:
        return config
    schema = cleaned(wanted.schema, _SCHEMA)
    if schema.dropped:
        unsupported.append(_SCHEMA)
    written = schema.schema
    if wanted.description is not None and bytes(written).startswith(b"{"):
        # There is no other place for it.
        fields = decode(written, dict[str, Raw])
        if "$ref" not in fields:
            written = raw({"description": wanted.description, **fields})
    config["responseJsonSchema"] = written
    return config


def _service_tier(request: ChatRequest, unsupported: list[str]) -> dict[str, Any]:
    """https://ai.google.dev/gemini-api/docs/priority-inference"""
    if request.service_tier is None:
        return {}
    if request.service_tier not in _TIERS:
        unsupported.append("service_tier")
        return {}
    tier = _TIERS[request.service_tier]
    return {} if tier is None else {"serviceTier": tier}
