"""The two seams of translation: what a client dialect and what a provider's wire format must offer.

N dialects and M wire formats meet only in the neutral chat model, so there are N + M parts.
Everything here is pure: bytes in, bytes out; no clock, no socket, no logging.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias, TypeVar

import msgspec
from msgspec import Raw

from extproc.chat.events import Event
from extproc.chat.model import ChatRequest, ChatResponse
from extproc.contract.target import Target
from extproc.errors import GatewayError, ProviderError


class ProviderRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What goes to the provider.

    path: absolute, with query if any.
    headers: names in lower case; credentials are Envoy's business and never here.
    unsupported: names of the client's fields (dotted, as the client wrote them) that this
        provider cannot honour and that `body` therefore lacks or changes.
    """

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    unsupported: tuple[str, ...] = ()


class ReplyContext(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an answer to a client needs beyond the provider's words.

    model: the name that the client asked for.
    created: seconds since the epoch; used where the provider gives none.
    request_id: used where the provider gives no id.
    include_usage: the client asked for the usage chunk at the end of a stream.
    legacy_functions: the client reads ``function_call``, not ``tool_calls``; see ``ChatRequest``.
    echo: fields of the request that the answer repeats; see ``ChatRequest``.
    """

    model: str
    created: int
    request_id: str
    include_usage: bool = False
    legacy_functions: bool = False
    echo: dict[str, Raw] | None = None


class Request(Protocol):
    """What a session must know of any request, of a chat or not; fields as in ``ChatRequest``."""

    @property
    def model(self) -> str: ...
    @property
    def stream(self) -> bool: ...
    @property
    def include_usage(self) -> bool: ...
    @property
    def legacy_functions(self) -> bool: ...
    @property
    def unsupported(self) -> tuple[str, ...]: ...
    @property
    def places(self) -> dict[str, str] | None: ...
    @property
    def echo(self) -> dict[str, Raw] | None: ...
    @property
    def extra(self) -> dict[str, Raw]: ...


class StreamReader(Protocol):
    """A provider's response stream becoming events. The same bytes cut anywhere give the same events."""

    def feed(self, chunk: bytes) -> list[Event]:
        """Events complete so far. A broken stream gives one StreamError event, then nothing; never raises."""
        ...

    def finish(self) -> list[Event]:
        """The provider closed the stream: what is left, a StreamError if it ended before its proper end."""
        ...


class StreamWriter(Protocol):
    """Events becoming the client's stream."""

    def write(self, events: list[Event]) -> bytes:
        """The bytes that tell the client of `events`, b"" if none do.

        A ``StreamError`` is told by ``Dialect.write_stream_error``, unless the writer has bytes for it:
        those that depend on what the stream has told before.
        """
        ...


Q_co = TypeVar("Q_co", covariant=True)
Q_contra = TypeVar("Q_contra", contravariant=True)
A_co = TypeVar("A_co", covariant=True)
A_contra = TypeVar("A_contra", contravariant=True)
"""Neutral requests and answers: of chats, or of embeddings. A dialect and a format meet in the same ones."""


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Format(Protocol[Q_contra, A_co]):
    """What a provider speaks, for requests Q with answers A."""

    def write_request(self, request: Q_contra, target: Target, model: str) -> ProviderRequest:
        """`request` for `target` under the provider's name `model`.

        Raises: RequestError where the provider demands what the request lacks.
        """
        ...

    def read_response(self, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> A_co:
        """Nearly all that a provider says is in `body`; names of `headers` are in lower case.

        Raises: ProviderError for a broken body or an error in a successful response.
        """
        ...

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that a response with `status` >= 400 means, whatever its body is. Never raises."""
        ...

    def stream_reader(self) -> StreamReader: ...


class ClientDialect(Protocol[Q_co, A_contra]):
    """What a client speaks, of requests Q with answers A."""

    path: str
    """The endpoint below the base path, e.g. ``/chat/completions``."""

    def read_request(self, body: bytes) -> Q_co:
        """Raises: RequestError naming the field."""
        ...

    def edit_request(self, body: bytes, *, model: str) -> bytes:
        """`body` with another model name; every other byte, key order and number kept.

        Raises: RequestError for what is not a JSON object with a string ``model``.
        """
        ...

    def write_response(self, response: A_contra, reply: ReplyContext) -> bytes: ...

    def stream_writer(self, reply: ReplyContext) -> StreamWriter: ...

    def write_error(self, error: GatewayError) -> bytes:
        """The body of an HTTP error response."""
        ...

    def write_stream_error(self, error: GatewayError) -> bytes:
        """The event that ends a stream which has begun; no end marker follows it."""
        ...


WireFormat: TypeAlias = Format[ChatRequest, ChatResponse]
Dialect: TypeAlias = ClientDialect[ChatRequest, ChatResponse]
"""Those of chats, which nearly all are."""
