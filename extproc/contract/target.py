"""What travels with a request to ext_proc, so that ext_proc keeps no configuration.

The control plane writes a Target into each endpoint's metadata and a RoutePolicy into each
route's; Envoy puts both into headers (JSON text), which come with the first message of a stream.
So Envoy and ext_proc can never disagree about a configuration version.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import msgspec

WireFormatName = Literal["openai", "anthropic", "google", "bedrock"]
DialectName = Literal[
    "openai_chat",
    "openai_completions",
    "openai_embeddings",
    "openai_responses",
    "anthropic_messages",
    "anthropic_count_tokens",
    "openai_images_generations",
    "openai_images_edits",
    "openai_images_variations",
    "openai_audio_speech",
    "openai_audio_transcriptions",
    "openai_audio_translations",
    "openai_moderations",
    "openai_rerank",
]
UnsupportedFields = Literal["warn", "reject", "ignore"]


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider behind one endpoint.

    leaf: the endpoint's cluster; the key into ``RoutePolicy.models``.
    provider: the account's name in the YAML.
    type: the vendor (a catalogue row), e.g. ``vllm``.
    wire_format: the format the provider speaks.
    base_path: what stands before ``/chat/completions`` or ``/messages``, e.g. ``/v1``.
    speaks: dialects that it takes as clients write them, beside the one that is its wire format.
    api_version: Azure's dated API, where the deployment is a part of the path; "" for all others.
    """

    leaf: str
    provider: str
    type: str
    wire_format: WireFormatName
    base_path: str
    speaks: tuple[DialectName, ...] = ()
    api_version: str = ""


class RoutePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the route of one public model asks of ext_proc.

    model: the public name, or a pattern that ends in ``*``.
    dialect: what the client speaks. Not part of the text, which is the same at several endpoints: the path
        that the client called says it.
    models: leaf cluster -> the model's name at that provider; ``*`` stands for what the pattern's
        star matched.
    hold_headers: hold the response headers until the first content (the commit window).
    unsupported_fields: what to do with a field that the target cannot honour.
    """

    model: str
    models: dict[str, str]
    dialect: DialectName = "openai_chat"
    hold_headers: bool = True
    unsupported_fields: UnsupportedFields = "warn"


def encode(value: Target | RoutePolicy) -> str:
    """The JSON text that goes into metadata; equal values give equal text."""
    return msgspec.json.encode(value, order="deterministic").decode()


_TARGET = msgspec.json.Decoder(Target)
_POLICY = msgspec.json.Decoder(RoutePolicy)


def decode_target(text: str) -> Target:
    """Raises: msgspec.DecodeError."""
    return _TARGET.decode(text)


def decode_policy(text: str) -> RoutePolicy:
    """Raises: msgspec.DecodeError."""
    return _POLICY.decode(text)


def upstream_model(policy: RoutePolicy, leaf: str, requested: str) -> str:
    """The name that `requested` has at the provider behind `leaf`."""
    name = policy.models[leaf]
    if policy.model.endswith("*") and name.endswith("*"):
        return name[:-1] + requested[len(policy.model) - 1 :]
    return name


def request_path(target: Target, endpoint: str, model: str) -> str:
    """Where `endpoint` (e.g. ``/chat/completions``) is for the provider's `model`, query included."""
    if not target.api_version:
        return target.base_path + endpoint
    base, query = versioned_path(target.base_path, target.api_version, model)
    return base + endpoint + query


def versioned_path(base_path: str, api_version: str, deployment: str) -> tuple[str, str]:
    """What stands before and after an endpoint in Azure's dated API.

    https://learn.microsoft.com/azure/ai-services/openai/reference#chat-completions
    """
    before = f"{base_path}/deployments/{quote(deployment, safe='')}"
    return before, f"?api-version={quote(api_version, safe='')}"
