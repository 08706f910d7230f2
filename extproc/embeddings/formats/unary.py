"""What all formats of embeddings share: the errors of the provider's chats, and no streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn, Protocol

from extproc.chat.seams import NO_HEADERS
from extproc.embeddings.model import EmbeddingsResponse
from extproc.errors import ProviderError, ProviderFailed
from extproc.providers.faults import fault_error, read_fault
from extproc.wire.rawjson import MalformedJSON

HEADERS: Final = (("content-type", "application/json"),)


class Errors(Protocol):
    """The provider's wire format, as far as embeddings need it."""

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError: ...


class UnaryFormat:
    """See ``extproc.chat.seams.Format``. A format says how to write a request and where vectors are."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors

    def read_response(self, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> EmbeddingsResponse:
        """Raises: ProviderError for a broken body, or for an error in a successful response."""
        try:
            vectors, tokens = self.vectors(body, headers)
        except MalformedJSON as error:
            raise ProviderFailed(f"the provider sent a malformed answer: {error}") from None
        if not vectors or not all(vectors):
            raise fault_error(read_fault(body))
        return EmbeddingsResponse(vectors=tuple(vectors), tokens=tokens)

    def vectors(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[list[float]], int | None]:
        """The vectors in `body`, and how many tokens they were made of, where the provider says.

        Raises: MalformedJSON.
        """
        raise NotImplementedError

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return self._errors.read_error(status, headers, body)

    def stream_reader(self) -> NoReturn:
        """Raises: ProviderFailed; nobody asks for a stream of vectors."""
        raise ProviderFailed("the provider answered with a stream where vectors were asked for")
