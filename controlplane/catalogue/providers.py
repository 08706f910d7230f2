"""The types of provider: vendors that differ by URL, authentication or flags, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from extproc.contract.target import WireFormatName


@dataclass(frozen=True, slots=True)
class Credential:
    """The header that carries a provider's key: `prefix` stands before the key."""

    header: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class ProviderType:
    """One row of the catalogue.

    wire_format: None for a type that is not supported yet.
    base_url: where the vendor (or a local default installation) answers; None: the user must say.
    default_path: stands before ``/chat/completions`` when a base URL has no path of its own.
    key_required: requests to `base_url` without a key are refused by the vendor.
    headers: sent with every request.
    """

    type: str
    wire_format: WireFormatName | None
    base_url: str | None = None
    default_path: str = "/v1"
    credential: Credential | None = None
    key_required: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def supported(self) -> bool:
        return self.wire_format is not None


_BEARER: Final = Credential("authorization", "Bearer ")

_ROWS: Final = (
    # https://platform.openai.com/docs/api-reference/authentication
    ProviderType("openai", "openai", "https://api.openai.com", credential=_BEARER, key_required=True),
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
    ProviderType("together", "openai", "https://api.together.ai", credential=_BEARER, key_required=True),
    # https://docs.ollama.com/openai: no key; a proxy before it may want one
    ProviderType("ollama", "openai", "http://127.0.0.1:11434", credential=_BEARER),
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html: a key only with --api-key
    ProviderType("vllm", "openai", credential=_BEARER),
    ProviderType("google_ai", None),
    ProviderType("azure_openai", None),
    ProviderType("aws_bedrock", None),
)

PROVIDER_TYPES: Final[Mapping[str, ProviderType]] = MappingProxyType({row.type: row for row in _ROWS})
"""By the name that `type` has in the YAML."""
