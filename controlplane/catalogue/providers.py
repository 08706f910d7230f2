"""The types of provider: vendors that differ by URL, authentication or flags, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from extproc.contract.target import DialectName, WireFormatName


@dataclass(frozen=True, slots=True)
class Credential:
    """The header that carries a provider's key: `prefix` stands before the key."""

    header: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class ProviderType:
    """One row of the catalogue.

    base_url: where the vendor (or a local default installation) answers, ``{region}`` being the provider's;
        None: the user must say.
    default_path: stands before ``/chat/completions`` when a base URL has no path of its own.
    versioned_path: the same for a provider with ``api_version``, before ``/deployments``; None: it has none.
    domain: of the vendor's own hosts, where each customer has another one.
    key_required: requests to the vendor's own hosts without a key are refused.
    path_required: an address without a path means nothing.
    headers: sent with every request.
    signed: takes AWS's signatures in the place of a key.
    speaks: dialects that the vendor takes as clients write them, beside the one that is its wire format.
    """

    type: str
    wire_format: WireFormatName
    base_url: str | None = None
    default_path: str = "/v1"
    versioned_path: str | None = None
    credential: Credential | None = None
    domain: str | None = None
    key_required: bool = False
    path_required: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    signed: bool = False
    speaks: tuple[DialectName, ...] = ()

    @property
    def host(self) -> str | None:
        """The one host of the vendor, if there is one."""
        return None if self.base_url is None else urlsplit(self.base_url).hostname

    def is_vendors(self, host: str) -> bool:
        return host == self.host or (self.domain is not None and host.endswith(f".{self.domain}"))


_BEARER: Final = Credential("authorization", "Bearer ")

_TEXTS: Final[tuple[DialectName, ...]] = ("openai_completions",)
_VECTORS: Final[tuple[DialectName, ...]] = ("openai_embeddings",)
_STATE: Final[tuple[DialectName, ...]] = ("openai_responses",)
"""Others serve the Responses API too, but keep nothing between two of them."""

_ROWS: Final = (
    # https://platform.openai.com/docs/api-reference/authentication
    ProviderType(
        "openai",
        "openai",
        "https://api.openai.com",
        credential=_BEARER,
        key_required=True,
        speaks=(*_TEXTS, *_VECTORS, *_STATE),
    ),
    # https://docs.anthropic.com/en/api/versioning: every request must name the version
    ProviderType(
        "anthropic",
        "anthropic",
        "https://api.anthropic.com",
        credential=Credential("x-api-key"),
        key_required=True,
        headers=(("anthropic-version", "2023-06-01"),),
    ),
    # https://docs.together.ai/docs/inference/openai-compatibility
    ProviderType(
        "together",
        "openai",
        "https://api.together.ai",
        credential=_BEARER,
        key_required=True,
        speaks=(*_TEXTS, *_VECTORS),
    ),
    # https://docs.ollama.com/openai: no key; a proxy before it may want one
    ProviderType(
        "ollama", "openai", "http://127.0.0.1:11434", credential=_BEARER, speaks=(*_TEXTS, *_VECTORS)
    ),
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html: a key only with --api-key
    ProviderType("vllm", "openai", credential=_BEARER, speaks=(*_TEXTS, *_VECTORS)),
    # https://ai.google.dev/api#authentication
    ProviderType(
        "google_ai",
        "google",
        "https://generativelanguage.googleapis.com",
        "/v1beta",
        credential=Credential("x-goog-api-key"),
        key_required=True,
    ),
    # https://docs.cloud.google.com/vertex-ai/docs/reference/rest: the path names project and location,
    # the token is one of OAuth, from a file that somebody keeps fresh
    ProviderType(
        "vertex_ai",
        "google",
        credential=_BEARER,
        domain="googleapis.com",
        key_required=True,
        path_required=True,
    ),
    # Dated versions: https://learn.microsoft.com/azure/ai-services/openai/reference
    # /openai/v1: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
    ProviderType(
        "azure_openai",
        "openai",
        default_path="/openai/v1",
        versioned_path="/openai",
        credential=Credential("api-key"),
        domain="azure.com",
        key_required=True,
        speaks=(*_TEXTS, *_VECTORS, *_STATE),
    ),
    # https://docs.aws.amazon.com/general/latest/gr/bedrock.html; a Bedrock API key is a bearer token:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
    ProviderType(
        "aws_bedrock",
        "bedrock",
        "https://bedrock-runtime.{region}.amazonaws.com",
        "",
        credential=_BEARER,
        domain="amazonaws.com",
        signed=True,
    ),
    # https://console.groq.com/docs/openai
    ProviderType(
        "groq", "openai", "https://api.groq.com", "/openai/v1", credential=_BEARER, key_required=True
    ),
    # https://docs.mistral.ai/api
    ProviderType(
        "mistral", "openai", "https://api.mistral.ai", credential=_BEARER, key_required=True, speaks=_VECTORS
    ),
    # https://api-docs.deepseek.com: /v1 is there for OpenAI's clients
    ProviderType("deepseek", "openai", "https://api.deepseek.com", credential=_BEARER, key_required=True),
    # https://openrouter.ai/docs/api-reference/overview
    ProviderType(
        "openrouter",
        "openai",
        "https://openrouter.ai",
        "/api/v1",
        credential=_BEARER,
        key_required=True,
        speaks=(*_TEXTS, *_VECTORS),
    ),
    # https://docs.x.ai/docs/api-reference
    ProviderType(
        "xai",
        "openai",
        "https://api.x.ai",
        credential=_BEARER,
        key_required=True,
        speaks=(*_TEXTS, *_VECTORS),
    ),
    # https://inference-docs.cerebras.ai/resources/openai
    ProviderType(
        "cerebras", "openai", "https://api.cerebras.ai", credential=_BEARER, key_required=True, speaks=_TEXTS
    ),
    # https://docs.fireworks.ai/tools-sdks/openai-compatibility
    ProviderType(
        "fireworks",
        "openai",
        "https://api.fireworks.ai",
        "/inference/v1",
        credential=_BEARER,
        key_required=True,
        speaks=(*_TEXTS, *_VECTORS),
    ),
)

PROVIDER_TYPES: Final[Mapping[str, ProviderType]] = MappingProxyType({row.type: row for row in _ROWS})
"""By the name that `type` has in the YAML."""
