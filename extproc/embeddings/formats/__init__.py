"""How providers embed: one module a wire format, found here by its name.

A provider of OpenAI's format that has embeddings takes the client's own bytes (``Target.speaks``).
"""

from __future__ import annotations

from typing import Final

from extproc.chat.seams import Format
from extproc.contract.target import WireFormatName
from extproc.embeddings.formats.bedrock import BedrockEmbeddings
from extproc.embeddings.formats.google import GoogleEmbeddings
from extproc.embeddings.formats.none import NoEmbeddings
from extproc.embeddings.model import EmbeddingsRequest, EmbeddingsResponse
from extproc.providers import WIRE_FORMATS

EMBEDDINGS: Final[dict[WireFormatName, Format[EmbeddingsRequest, EmbeddingsResponse]]] = {
    "openai": NoEmbeddings(WIRE_FORMATS["openai"]),
    "anthropic": NoEmbeddings(WIRE_FORMATS["anthropic"]),
    "google": GoogleEmbeddings(WIRE_FORMATS["google"]),
    "bedrock": BedrockEmbeddings(WIRE_FORMATS["bedrock"]),
}
