"""The response half of a session: what becomes of a provider's answer.

`begin` looks at the status and content type and picks one of

    passing      same format, nothing to watch: Envoy carries it on natively
    Collected    unary JSON or an error: wait for the end, then decide status and body
    Watched      an event stream in the client's own format: hold the headers until the first
                 content, then step aside
    Translated   an event stream in another format: hold likewise, then translate to the end

The *commit window*: response headers are held until the first content. An error before it becomes the status
of the held headers, so Envoy's retry policy moves on and the client never sees the failed provider. Silence
is Envoy's business: its per-try timeout runs until the headers are released.

Every body message is owed exactly one reply, in order, also those that came while headers were held.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil
from typing import Any, Final, Protocol, TypeAlias

from extproc.chat.events import Event, StreamError, commits
from extproc.chat.seams import StreamReader, StreamWriter
from extproc.contract.names import HEADER_ANSWERED, HEADER_DEGRADED
from extproc.errors import GatewayError, ProviderError, ProviderFailed, internal_error
from extproc.exchange import Exchange
from extproc.messages import ResponseBody, ResponseHeaders
from extproc.providers import EVENT_STREAM, STREAM_TYPES
from extproc.replies import (
    AttemptFailed,
    Bug,
    ContinueResponseHeaders,
    KeepResponseBody,
    Note,
    ReplaceResponseBody,
    Reply,
    ReplyMessage,
)

JSON: Final = "application/json"
MAX_COLLECTED: Final = 64 * 1024 * 1024
"""Bytes of a unary answer or an error body that a session collects."""
MAX_HELD: Final = 4 * 1024 * 1024
"""Bytes of an event stream that a session holds while it waits for content."""

_SUCCESS: Final = range(200, 300)
_KEPT: Final = frozenset(range(400, 500)) - {401, 402, 403}
"""Error statuses that pass untouched where client and provider speak the same format. The others blame the
gateway's account, or the provider."""
_STALE: Final = ("content-length", "content-encoding", "etag", "digest", "location")
"""Headers that were true of the provider's bytes only."""
_STALE_OF_ERRORS: Final = (*_STALE, HEADER_ANSWERED)
"""The error is told here; the listener would replace it where it finds that mark."""
_MAX_DEGRADED: Final = 1024
"""Bytes of the header that names the fields that were not honoured; clients may send any number of them."""

_TYPED: Final = {
    content_type: ContinueResponseHeaders({"content-type": content_type}, _STALE)
    for content_type in (JSON, EVENT_STREAM)
}
"""The headers of a success of which nothing more is to be told."""

Decide: TypeAlias = Callable[[Exchange, bytes], bytes]
"""The whole body of the provider -> the body for the client. Raises: GatewayError."""

_NOTHING_YET: Final = Reply()
_PASS: Final = Reply((ContinueResponseHeaders(),), close=True)
_SWALLOW: Final = Reply((ReplaceResponseBody(b""),))


class Response(Protocol):
    """What becomes of the provider's body."""

    def on(self, message: ResponseBody) -> Reply: ...


def begin(exchange: Exchange, headers: ResponseHeaders) -> tuple[Response | None, Reply]:
    """The response that `headers` begin (None: Envoy goes on alone), and the reply to them."""
    content_type = _media_type(headers.headers.get("content-type", ""))
    streams = content_type == STREAM_TYPES[exchange.target.wire_format]
    compressed = headers.headers.get("content-encoding", "identity").lower() != "identity"
    success = headers.status in _SUCCESS
    if exchange.same_format and (
        headers.status in _KEPT or (success and (content_type == JSON or (compressed and streams)))
    ):
        return None, _PASS
    if not success:
        decide = _error(headers)
    elif compressed:
        decide = _broken("compressed its answer, though it was asked not to")
    elif streams and exchange.stream is not False:
        if not headers.end:
            return _stream(exchange)
        decide = _broken(_EMPTY_STREAM)
    elif content_type == JSON:
        decide = _unasked if exchange.stream else _translated(headers)
    else:
        decide = _broken(f"answered with content type {content_type or 'unset'!r}")
    collected = Collected(exchange, decide)
    return collected, collected.finish() if headers.end else _NOTHING_YET


@lru_cache(maxsize=256)
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _stream(exchange: Exchange) -> tuple[Response, Reply]:
    if exchange.same_format:
        return Watched(exchange), _NOTHING_YET
    translated = Translated(exchange)
    return translated, _NOTHING_YET if exchange.policy.hold_headers else translated.release()


_EMPTY_STREAM: Final = "ended its stream without content"


def _error(headers: ResponseHeaders) -> Decide:
    def decide(exchange: Exchange, body: bytes) -> bytes:
        error = exchange.wire_format.read_error(headers.status, headers.headers, body)
        error.reason = f"its status was {headers.status}"
        raise error

    return decide


def _broken(what: str) -> Decide:
    def decide(exchange: Exchange, _: bytes) -> bytes:
        raise _failure(exchange, what)

    return decide


def _failure(exchange: Exchange, what: str) -> ProviderFailed:
    return ProviderFailed(f"{exchange.target.provider} {what}")


def _translated(headers: ResponseHeaders) -> Decide:
    def decide(exchange: Exchange, body: bytes) -> bytes:
        response = exchange.wire_format.read_response(body, headers.headers)
        return exchange.dialect.write_response(response, exchange.reply)

    return decide


def _unasked(exchange: Exchange, body: bytes) -> bytes:
    """JSON where a stream was asked for: an error under status 200, or nothing a client could read."""
    exchange.wire_format.read_response(body)
    raise _failure(exchange, "answered with one JSON object where a stream was asked for")


def _edited(exchange: Exchange, content_type: str, status: int | None = None) -> ContinueResponseHeaders:
    if status is None and not exchange.degraded:
        return _TYPED[content_type]
    headers = {"content-type": content_type}
    if exchange.degraded:
        headers[HEADER_DEGRADED] = _header_text(", ".join(exchange.degraded))
    if status is None:
        return ContinueResponseHeaders(headers, _STALE)
    headers[":status"] = str(status)
    return ContinueResponseHeaders(headers, _STALE_OF_ERRORS)


def _header_text(text: str) -> str:
    """`text`, which holds names of the client's choice, as the value of a header (RFC 9110, 5.5)."""
    return text[:_MAX_DEGRADED].encode("unicode_escape").decode("ascii")[:_MAX_DEGRADED]


def _whole(headers: ContinueResponseHeaders, body: bytes, owed: int) -> tuple[ReplyMessage, ...]:
    """Held headers and the `owed` body messages, answered at once with `body`."""
    if owed == 0:
        return (ContinueResponseHeaders(headers.headers, headers.remove, body=body),)
    return (headers, ReplaceResponseBody(body), *(ReplaceResponseBody(b""),) * (owed - 1))


def _failed(exchange: Exchange, error: GatewayError, owed: int, *notes: Note) -> Reply:
    """Held headers become the error's status."""
    told = AttemptFailed(exchange.target.provider, error.status, error.reason, committed=False)
    headers = _edited(exchange, JSON, error.status)
    if isinstance(error, ProviderError) and error.retry_after is not None:
        wait = {"retry-after": str(ceil(error.retry_after))}
        headers = ContinueResponseHeaders({**headers.headers, **wait}, headers.remove)
    return Reply(_whole(headers, exchange.dialect.write_error(error), owed), notes=(told, *notes))


def _as_gateway_error(exchange: Exchange, error: Exception) -> tuple[GatewayError, tuple[Note, ...]]:
    """Bugs become an InternalError with a note for the log."""
    if isinstance(error, GatewayError):
        return error, ()
    request_id = exchange.reply.request_id
    return internal_error(request_id), (Bug(request_id, error),)


def _discard(_: Response, _message: ResponseBody) -> Reply:
    """After an error was told: Envoy waits for a reply to each message until the provider is done."""
    return _SWALLOW


class Collected:
    """A response whose status and body are decided when it has wholly arrived."""

    def __init__(self, exchange: Exchange, decide: Decide) -> None:
        self._exchange = exchange
        self._decide = decide
        self._parts: list[bytes] = []
        self._size = 0
        self._handle: Callable[[Collected, ResponseBody], Reply] = Collected._collect  # see Session

    def on(self, message: ResponseBody) -> Reply:
        return self._handle(self, message)

    def _collect(self, message: ResponseBody) -> Reply:
        self._parts.append(message.body)
        self._size += len(message.body)
        if self._size > MAX_COLLECTED:
            owed = len(self._parts)
            self._parts.clear()
            self._handle = _discard
            too_large = _failure(self._exchange, f"answered more than {MAX_COLLECTED} bytes")
            return _failed(self._exchange, too_large, owed)
        return self.finish() if message.end else _NOTHING_YET

    def finish(self) -> Reply:
        """The replies once the body is complete."""
        owed = len(self._parts)
        try:
            body = self._decide(self._exchange, b"".join(self._parts))
        except Exception as raised:  # noqa: BLE001 - the edge where bugs become a 500
            error, notes = _as_gateway_error(self._exchange, raised)
            return _failed(self._exchange, error, owed, *notes)
        return Reply(_whole(_edited(self._exchange, JSON), body, owed), close=True)


class _HeldStream:
    """An event stream before its first content."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._owed = 0
        self._held_bytes = 0
        self._held: list[Event] = []
        self._reader: StreamReader | None = None  # made within `on`, which catches the bugs of making it
        self._handle: Callable[[Any, ResponseBody], Reply] = _HeldStream._hold  # see Session

    def on(self, message: ResponseBody) -> Reply:
        try:
            return self._handle(self, message)
        except Exception as raised:  # noqa: BLE001 - the edge where bugs become a 500
            error, notes = _as_gateway_error(self._exchange, raised)
            return self._broke(error, notes)

    def _read(self, message: ResponseBody) -> list[Event]:
        reader = self._reader
        if reader is None:
            reader = self._reader = self._exchange.wire_format.stream_reader()
        events = reader.feed(message.body)
        return events + reader.finish() if message.end else events

    def _hold(self, message: ResponseBody) -> Reply:
        self._owed += 1
        self._held_bytes += len(message.body)
        events = self._read(message)
        self._held += events
        for event in events:
            if isinstance(event, StreamError):
                return self._broke(event.error)
            if commits(event):
                return self._commit()
        if message.end:
            return self._broke(_failure(self._exchange, _EMPTY_STREAM))
        if self._held_bytes > MAX_HELD:
            return self._broke(_failure(self._exchange, f"sent no content in {MAX_HELD} bytes"))
        return _NOTHING_YET

    def _broke(self, error: GatewayError, notes: tuple[Note, ...] = ()) -> Reply:
        self._handle = _discard
        return _failed(self._exchange, error, self._owed, *notes)

    def _commit(self) -> Reply:
        raise NotImplementedError


class Watched(_HeldStream):
    """A stream in the client's own format: after the commit Envoy carries it on alone.

    Closing the ext_proc stream is safe in STREAMED mode, not in FULL_DUPLEX_STREAMED (architecture.md).
    """

    def _commit(self) -> Reply:
        kept = (KeepResponseBody(),) * self._owed
        return Reply((ContinueResponseHeaders(), *kept), close=True)


class Translated(_HeldStream):
    """A stream in another format: translated to its end."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._writer: StreamWriter | None = None

    def release(self) -> Reply:
        """Do not hold: the headers go before any content, and no other provider can be asked."""
        self._handle = Translated._stream
        return Reply((_edited(self._exchange, EVENT_STREAM),))

    def _commit(self) -> Reply:
        # A bug of the writer's finds the headers still held.
        body, notes = self._write(self._held)
        self._held = []
        return Reply(_whole(_edited(self._exchange, EVENT_STREAM), body, self._owed), notes=notes)

    def _stream(self, message: ResponseBody) -> Reply:
        body, notes = self._write(self._read(message))
        return Reply((ReplaceResponseBody(body),), notes=notes)

    def _write(self, events: list[Event]) -> tuple[bytes, tuple[Note, ...]]:
        """The client's bytes; an error event ends them and no end marker follows."""
        writer = self._writer
        if writer is None:
            writer = self._writer = self._exchange.dialect.stream_writer(self._exchange.reply)
        if events and isinstance(last := events[-1], StreamError):
            before = writer.write(events[:-1])
            body, notes = self._tell(last.error, writer.write([last]))
            return before + body, notes
        body = writer.write(events)
        self._handle = Translated._stream
        return body, ()

    def _tell(self, error: GatewayError, told: bytes = b"") -> tuple[bytes, tuple[Note, ...]]:
        """told: the writer's own words for `error`, if it has some."""
        self._handle = _discard
        provider = self._exchange.target.provider
        note = AttemptFailed(provider, error.status, error.reason, committed=True)
        return told or self._exchange.dialect.write_stream_error(error), (note,)

    def _broke(self, error: GatewayError, notes: tuple[Note, ...] = ()) -> Reply:
        if self._handle is Translated._hold:
            return super()._broke(error, notes)
        body, told = self._tell(error)
        return Reply((ReplaceResponseBody(body),), notes=(*told, *notes))
