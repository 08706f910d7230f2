"""One attempt at one provider, without I/O: messages of Envoy's in, replies out.

    request headers ── request body ── response headers ── response body …

The request half is here: it finds the target, renames the model or translates the body. What happens to
the response is decided by its first lines and done by one of the classes of ``responses``.

Where client and provider speak the same format, only the model's name changes and the session steps aside
as early as it can: Envoy carries the rest natively.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from extproc.chat.model import ChatRequest, Named
from extproc.chat.places import client_place, in_client_words
from extproc.chat.seams import ClientDialect, Format, ReplyContext, Request
from extproc.contract.endpoints import PASSING, is_native
from extproc.contract.names import DETAILS_PREFIX
from extproc.contract.target import (
    DialectName,
    RoutePolicy,
    Target,
    WireFormatName,
    request_path,
    upstream_model,
)
from extproc.dialects import DIALECTS
from extproc.embeddings.formats import EMBEDDINGS
from extproc.errors import GatewayError, RequestError, UnsupportedFieldError, internal_error
from extproc.exchange import Exchange
from extproc.messages import (
    Message,
    ProtocolError,
    RequestBody,
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
)
from extproc.providers import PASSED, WIRE_FORMATS
from extproc.providers.claude_fields import for_provider
from extproc.replies import (
    Answer,
    Bug,
    ContinueRequestHeaders,
    Note,
    ReplaceRequestBody,
    Reply,
    UnsupportedFields,
)
from extproc.responses import Response, begin
from extproc.wire.rawjson import MalformedJSON, decode

# Translated and watched bodies must be readable (translation.md): no compression from the provider.
_IDENTITY: Final = "identity"

_CONTINUE: Final = Reply((ContinueRequestHeaders(),))
_FORMATS: Final[dict[DialectName, Mapping[WireFormatName, Format[Any, Any]]]] = {
    "openai_embeddings": EMBEDDINGS
}
"""What providers speak to the dialects that are not about chats."""

_POSITION: Final = re.compile(r"\[\d+\]")


class Session:
    """One ext_proc stream.

    now: seconds since the epoch, for ``created`` where the provider gives none.
    """

    _target: Target
    _policy: RoutePolicy
    _exchange: Exchange
    _response: Response

    def __init__(self, now: int) -> None:
        self._now = now
        self._request_id = ""
        # Not a bound method: it would lead back here, and only the garbage collector could free a session.
        self._handle: Callable[[Session, Message], Reply] = Session._awaiting_request_headers

    def on(self, message: Message) -> Reply:
        """The replies to `message`, whatever a client or a provider sent.

        Raises:
            ProtocolError: a message that Envoy does not send in this state.
        """
        reply = self._handle(self, message)
        if reply.close:
            self._handle = Session._finished
        return reply

    def _awaiting_request_headers(self, message: Message) -> Reply:
        if not isinstance(message, RequestHeaders):
            raise _illegal("awaiting the request headers", message)
        self._target = message.target
        self._policy = message.policy
        self._request_id = message.headers.get("x-request-id", "")
        self._handle = Session._awaiting_request_body
        return _CONTINUE

    def _awaiting_request_body(self, message: Message) -> Reply:
        if not isinstance(message, RequestBody):
            raise _illegal("awaiting the request body", message)
        dialect = DIALECTS[self._policy.dialect]
        try:
            if is_native(self._policy.dialect, self._target):
                return self._rename(dialect, message.body)
            return self._translate(dialect, message.body)
        except GatewayError as error:
            return self._refuse(dialect, error)
        except Exception as bug:  # noqa: BLE001 - the edge where bugs become a 500
            return self._refuse(dialect, internal_error(self._request_id), Bug(self._request_id, bug))

    def _rename(self, dialect: ClientDialect[Any, Any], body: bytes) -> Reply:
        target, policy = self._target, self._policy
        requested = _requested_model(policy, body)
        model = upstream_model(policy, target.leaf, requested)
        edited = dialect.edit_request(body, model=model)
        sent = _sent(request_path(target, dialect.path, model), (), edited)
        if not policy.hold_headers or policy.dialect in PASSING:
            return Reply((sent,), close=True)
        reply = ReplyContext(model=requested, created=self._now, request_id=self._request_id)
        watched = PASSED.get(policy.dialect) or _format(policy, target)
        self._await_response(Exchange(target, policy, dialect, watched, reply))
        return Reply((sent,))

    def _translate(self, dialect: ClientDialect[Any, Any], body: bytes) -> Reply:
        target, policy = self._target, self._policy
        wire_format = _format(policy, target)
        request: Request = dialect.read_request(body)
        model = upstream_model(policy, target.leaf, request.model)
        if isinstance(request, ChatRequest):
            request = for_provider(request, target, model)
        try:
            outgoing = wire_format.write_request(request, target, model)
        except RequestError as error:
            if request.places is None:
                raise
            raise in_client_words(error, request.places) from None
        unsupported = outgoing.unsupported
        if request.unsupported or request.places is not None:
            unsupported = _in_client_words(request, unsupported)
        if unsupported and policy.unsupported_fields == "reject":
            raise UnsupportedFieldError(
                f"{target.provider} cannot honour {', '.join(unsupported)}", param=unsupported[0]
            )
        warned = unsupported if policy.unsupported_fields == "warn" else ()
        reply = ReplyContext(
            model=request.model,
            created=self._now,
            request_id=self._request_id,
            include_usage=request.include_usage,
            legacy_functions=request.legacy_functions,
            echo=request.echo,
        )
        self._await_response(Exchange(target, policy, dialect, wire_format, reply, request.stream, warned))
        notes = (UnsupportedFields(target.provider, _loggable(warned, request)),) if warned else ()
        return Reply((_sent(outgoing.path, outgoing.headers, outgoing.body),), notes=notes)

    def _await_response(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._handle = Session._awaiting_response_headers

    def _awaiting_response_headers(self, message: Message) -> Reply:
        if not isinstance(message, ResponseHeaders):
            raise _illegal("awaiting the response headers", message)
        response, first = begin(self._exchange, message)
        if response is None or message.end:
            self._handle = Session._finished
        else:
            self._response = response
            self._handle = Session._in_response_body
        return first

    def _in_response_body(self, message: Message) -> Reply:
        if not isinstance(message, ResponseBody):
            raise _illegal("in the response body", message)
        reply = self._response.on(message)
        if message.end:
            self._handle = Session._finished
        return reply

    def _refuse(self, dialect: ClientDialect[Any, Any], error: GatewayError, *notes: Note) -> Reply:
        details = DETAILS_PREFIX + (error.code or error.type)
        return Reply((Answer(error.status, dialect.write_error(error), details),), close=True, notes=notes)

    def _finished(self, message: Message) -> Reply:
        raise _illegal("finished", message)


def _format(policy: RoutePolicy, target: Target) -> Format[Any, Any]:
    return _FORMATS.get(policy.dialect, WIRE_FORMATS)[target.wire_format]


def _requested_model(policy: RoutePolicy, body: bytes) -> str:
    """The name in the client's body; only a pattern leaves it open."""
    if not policy.model.endswith("*"):
        return policy.model
    try:
        return decode(body, Named).model
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _in_client_words(request: Request, unsupported: tuple[str, ...]) -> tuple[str, ...]:
    """What neither the dialect's neutral words nor the provider can honour, each once."""
    places = request.places or {}
    told = (*request.unsupported, *(client_place(name, places) for name in unsupported))
    return tuple(dict.fromkeys(told))


def _loggable(fields: tuple[str, ...], request: Request) -> tuple[str, ...]:
    """`fields` for logs and metrics: a bounded set of names, none of the client's own invention."""
    known = (_POSITION.sub("", name) if name not in request.extra else "other" for name in fields)
    return tuple(dict.fromkeys(known))


def _sent(path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> ReplaceRequestBody:
    told = {":path": path}
    told.update(headers)
    told["content-length"] = str(len(body))
    told["accept-encoding"] = _IDENTITY
    return ReplaceRequestBody(body, told)


def _illegal(state: str, message: Message) -> ProtocolError:
    return ProtocolError(f"{type(message).__name__} while {state}")
