"""The endpoints that clients call, and what is spoken at each: one row an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from extproc.contract.target import DialectName, Target, WireFormatName

ErrorShape = Literal["openai", "anthropic"]
"""Whose error object a client reads."""


class Endpoint(NamedTuple):
    """path: as clients write it.

    native: the wire format that is this dialect too, whoever speaks it; providers may take more dialects
        as they are (``Target.speaks``).
    errors: what errors look like there, whoever makes them.
    passes: no other format has a counterpart, and answers pass without a look: they may be sound or pictures.
    """

    path: str
    dialect: DialectName
    native: WireFormatName | None = None
    errors: ErrorShape = "openai"
    passes: bool = False


def _passing(path: str, dialect: DialectName) -> Endpoint:
    return Endpoint(path, dialect, native="openai", passes=True)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint("/v1/chat/completions", "openai_chat", native="openai"),
    Endpoint("/v1/completions", "openai_completions"),
    Endpoint("/v1/embeddings", "openai_embeddings"),
    Endpoint("/v1/responses", "openai_responses"),
    Endpoint("/v1/messages", "anthropic_messages", native="anthropic", errors="anthropic"),
    Endpoint("/v1/messages/count_tokens", "anthropic_count_tokens", native="anthropic", errors="anthropic"),
    _passing("/v1/images/generations", "openai_images_generations"),
    _passing("/v1/images/edits", "openai_images_edits"),
    _passing("/v1/images/variations", "openai_images_variations"),
    _passing("/v1/audio/speech", "openai_audio_speech"),
    _passing("/v1/audio/transcriptions", "openai_audio_transcriptions"),
    _passing("/v1/audio/translations", "openai_audio_translations"),
    _passing("/v1/moderations", "openai_moderations"),
    _passing("/v1/rerank", "openai_rerank"),
)
"""All are ``POST`` with a JSON object that names its ``model``; forms are refused (415). The first one is
what explanations are of where nobody asks for another."""

DIALECT_AT: Final[Mapping[str, DialectName]] = MappingProxyType({row.path: row.dialect for row in ENDPOINTS})
"""By path."""

PASSING: Final = frozenset(row.dialect for row in ENDPOINTS if row.passes)
_NATIVE: Final = {row.dialect: row.native for row in ENDPOINTS}


def is_native(dialect: DialectName, target: Target) -> bool:
    """Whether the provider takes the client's body as it is, but for the model's name."""
    return _NATIVE.get(dialect) == target.wire_format or dialect in target.speaks
