"""Providers without embeddings, such as Anthropic: https://platform.claude.com/docs/en/build-with-claude/embeddings"""

from __future__ import annotations

from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.embeddings.formats.unary import UnaryFormat
from extproc.embeddings.model import EmbeddingsRequest
from extproc.errors import RequestError


class NoEmbeddings(UnaryFormat):
    """Also reads the errors of those that take the client's own bytes."""

    def write_request(self, request: EmbeddingsRequest, target: Target, model: str) -> ProviderRequest:  # noqa: ARG002
        """Raises: RequestError."""
        raise RequestError(f"model: {target.provider} ({target.type}) has no embeddings", param="model")
