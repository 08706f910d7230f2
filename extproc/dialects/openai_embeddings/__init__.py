"""The dialect of OpenAI's embeddings, which most vendors of OpenAI's format speak too."""

from __future__ import annotations

from typing import NoReturn

from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_chat.response import write_error
from extproc.dialects.openai_chat.stream import write_stream_error
from extproc.dialects.openai_embeddings.request import edit_request, read_request
from extproc.dialects.openai_embeddings.response import write_response
from extproc.embeddings.model import EmbeddingsRequest, EmbeddingsResponse
from extproc.errors import GatewayError, ProviderFailed


class OpenAIEmbeddings:
    """See ``extproc.chat.seams.ClientDialect``."""

    path: str = "/embeddings"

    def read_request(self, body: bytes) -> EmbeddingsRequest:
        return read_request(body)

    def edit_request(self, body: bytes, *, model: str) -> bytes:
        return edit_request(body, model=model)

    def write_response(self, response: EmbeddingsResponse, reply: ReplyContext) -> bytes:
        return write_response(response, reply)

    def stream_writer(self, reply: ReplyContext) -> NoReturn:  # noqa: ARG002
        """Raises: ProviderFailed; nobody asks for a stream of vectors."""
        raise ProviderFailed("the provider answered with a stream where vectors were asked for")

    def write_error(self, error: GatewayError) -> bytes:
        return write_error(error)

    def write_stream_error(self, error: GatewayError) -> bytes:
        return write_stream_error(error)
