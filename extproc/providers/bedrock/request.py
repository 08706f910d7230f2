"""A neutral request becoming one for Bedrock's Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html

What the model cannot honour is named in ``unsupported``; content that Converse cannot take is an error,
because a conversation without it is another conversation.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from msgspec import Raw

from extproc.chat.capabilities import losses
from extproc.chat.model import ChatRequest
from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.errors import RequestError
from extproc.providers.bedrock.formats import write_format
from extproc.providers.bedrock.messages import Conversation
from extproc.providers.bedrock.models import Traits, traits
from extproc.providers.bedrock.reasoning import Reasoning, write_reasoning
from extproc.providers.bedrock.tools import write_tools
from extproc.providers.claude import refused_sampling
from extproc.providers.fields import read_field
from extproc.wire.rawjson import MalformedJSON, decode, encode

STREAM_TYPE: Final = "application/vnd.amazon.eventstream"

_JSON: Final = ("content-type", "application/json")
_UNARY_HEADERS: Final = (_JSON, ("accept", "application/json"))
_STREAM_HEADERS: Final = (_JSON, ("accept", STREAM_TYPE))

NATIVE_FIELDS: Final = (
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "performanceConfig",
    "projectIdentifier",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
)
"""Converse's own request fields that a client may send along; they go as they are."""

_ADDITIONAL: Final = "additionalModelRequestFields"
_CLAUDES: Final = frozenset({"thinking", "output_config", "betas"})
_USED: Final = frozenset({"top_k", "outputConfig", _ADDITIONAL, *NATIVE_FIELDS})
"""Fields of ``extra`` that have a place in the request; all others are unsupported."""

_TIERS: Final = {
    "auto": None,
    "default": {"type": "default"},
    "flex": {"type": "flex"},
    "priority": {"type": "priority"},
    "reserved": {"type": "reserved"},
}
_STOP_FIELD: Final = {False: "/stop_sequence", True: "/delta/stop_sequence"}
"""Where Claude's own answer, and its own stream, say which sequence was met."""

_METADATA_KEY: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")
_METADATA_VALUE: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_MAX_METADATA: Final = 16


def write_request(request: ChatRequest, target: Target, model: str) -> ProviderRequest:
    """Raises: RequestError for content that Converse cannot take, naming the part."""
    known = traits(model)
    conversation = Conversation(known)
    conversation.read(request.messages)
    tools = write_tools(request, known, conversation)
    form = write_format(request, known, tools)
    tools = form.tools
    if form.words is not None:
        conversation.tell(form.words)
    reasoning = write_reasoning(request, known, forced_tool=tools.forced)
    unsupported = [*conversation.unsupported, *tools.unsupported, *form.unsupported, *reasoning.unsupported]
    additional = reasoning.additional | (tools.additional or {})
    body: dict[str, Any] = {"messages": conversation.messages}
    optional: dict[str, Any] = {
        "system": conversation.system,
        "inferenceConfig": _inference(request, known, reasoning, additional, unsupported),
        "toolConfig": tools.config(),
        "outputConfig": _output(request, known, reasoning, form.output, unsupported),
        "requestMetadata": _metadata(request, unsupported),
        "serviceTier": _service_tier(request, unsupported),
        "additionalModelResponseFieldPaths": [_STOP_FIELD[request.stream]]
        if request.stop and known.claude is not None
        else None,
        _ADDITIONAL: _additional(request, known, additional),
    }
    body |= {name: value for name, value in optional.items() if value}
    body |= {name: request.extra[name] for name in NATIVE_FIELDS if name in request.extra}
    if request.user:
        unsupported.append("user")
    unsupported += _unused(request, known)
    operation = "converse-stream" if request.stream else "converse"
    return ProviderRequest(
        path=f"{target.base_path}/model/{quote(model, safe='')}/{operation}",
        headers=_STREAM_HEADERS if request.stream else _UNARY_HEADERS,
        body=encode(body),
        unsupported=tuple(dict.fromkeys(unsupported)),
    )


def _unused(request: ChatRequest, known: Traits) -> list[str]:
    used = _USED | _CLAUDES if known.claude is not None else _USED
    others = [name for name in sorted(request.extra) if name not in used]
    return losses("bedrock", request.plain) + others


def _inference(
    request: ChatRequest,
    known: Traits,
    reasoning: Reasoning,
    additional: dict[str, Any],
    unsupported: list[str],
) -> dict[str, Any]:
    """``inferenceConfig``; top_k, which it has not, goes to `additional`."""
    wanted = _sampling(request, known, reasoning, unsupported)
    limit = reasoning.max_tokens
    if reasoning.bare and limit is not None:
        unsupported.append("max_completion_tokens")
        limit = None
    stops = _stop(request.stop, known, unsupported)
    config: dict[str, Any] = {
        "maxTokens": limit,
        "temperature": wanted.get("temperature"),
        "topP": wanted.get("top_p"),
        "stopSequences": stops or None,
    }
    if "top_k" in wanted:
        additional |= (
            {"top_k": wanted["top_k"]}
            if known.top_k == "top_k"
            else {"inferenceConfig": {"topK": wanted["top_k"]}}
        )
    return {name: value for name, value in config.items() if value is not None}


def _sampling(
    request: ChatRequest, known: Traits, reasoning: Reasoning, unsupported: list[str]
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
    refused: list[str] = []
    if known.claude is not None:
        refused += refused_sampling(wanted, known.claude, thinking=reasoning.on)
    elif reasoning.bare:
        refused += ["temperature", "top_p", "top_k"]
    elif known.top_k == "no":
        refused.append("top_k")
    refused = [name for name in refused if name in wanted]
    unsupported += [name for name in refused if wanted[name] != 1]
    return {name: value for name, value in wanted.items() if name not in refused}


def _stop(stop: tuple[str, ...], known: Traits, unsupported: list[str]) -> list[str]:
    """Empty sequences are refused, by Claude also those of white space only."""
    taken = [text for text in stop if (text.strip() if known.claude is not None else text)][: known.stops]
    if len(taken) < len(stop):
        unsupported.append("stop")
    return taken


def _output(
    request: ChatRequest,
    known: Traits,
    reasoning: Reasoning,
    output: dict[str, Any] | None,
    unsupported: list[str],
) -> dict[str, Any]:
    """``outputConfig``: what the client put into it, or into Claude's ``output_config``, comes first."""
    config: dict[str, Any] = {"textFormat": output, "effort": reasoning.effort}
    if known.claude is not None and "output_config" in request.extra:
        given = read_field(request.extra["output_config"], dict[str, Raw], "output_config")
        if "effort" in given:
            config["effort"] = read_field(given.pop("effort"), str, "output_config.effort")
        if given:
            unsupported.append("output_config")
    if "outputConfig" in request.extra:
        config |= read_field(request.extra["outputConfig"], dict[str, Raw], "outputConfig")
    return {name: value for name, value in config.items() if value is not None}


def _additional(request: ChatRequest, known: Traits, fields: dict[str, Any]) -> dict[str, Any]:
    """What Converse hands to the model as it is; the client's own word is the last."""
    if known.claude is not None and "betas" in request.extra:
        fields["anthropic_beta"] = read_field(request.extra["betas"], list[str], "betas")
    if _ADDITIONAL in request.extra:
        fields |= read_field(request.extra[_ADDITIONAL], dict[str, Raw], _ADDITIONAL)
    return fields


def _metadata(request: ChatRequest, unsupported: list[str]) -> dict[str, str]:
    """``requestMetadata``, which is for the logs; what its alphabet cannot write is left out."""
    if "metadata" not in request.plain or "requestMetadata" in request.extra:
        if "metadata" in request.plain:
            unsupported.append("metadata")
        return {}
    given = read_field(request.plain["metadata"], dict[str, Raw], "metadata")
    taken: dict[str, str] = {}
    for key, value in given.items():
        try:
            text = decode(value, str)
        except MalformedJSON:
            raise RequestError(f"metadata.{key}: expected a string", param=f"metadata.{key}") from None
        if _METADATA_KEY.fullmatch(key) and _METADATA_VALUE.fullmatch(text) and len(taken) < _MAX_METADATA:
            taken[key] = text
    if len(taken) < len(given):
        unsupported.append("metadata")
    return taken


def _service_tier(request: ChatRequest, unsupported: list[str]) -> dict[str, str] | None:
    if request.service_tier is None:
        return None
    if request.service_tier not in _TIERS:
        unsupported.append("service_tier")
        return None
    return _TIERS[request.service_tier]
