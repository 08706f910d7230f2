"""One attempt at one provider, without I/O: messages of Envoy's in, replies out.

    request headers ── request body ── response headers ── response body …

The request half is here: it finds the target, renames the model or translates the body. What happens to
the response is decided by its first lines and done by one of the classes of ``responses``.

Where client and provider speak the same format, only the model's name changes and the session steps aside
as early as it can: Envoy carries the rest natively.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from extproc.chat.model import ChatRequest
from extproc.chat.seams import ReplyContext
from extproc.contract.names import DETAILS_PREFIX
from extproc.contract.target import RoutePolicy, Target, upstream_model
from extproc.dialects import DIALECTS
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
from extproc.providers import WIRE_FORMATS
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
IDENTITY: Final = {"accept-encoding": "identity"}

_POSITION: Final = re.compile(r"\[\d+\]")


class _Named(msgspec.Struct):
    model: str


class Session:
    """One ext_proc stream.

    now: seconds since the epoch, for ``created`` where the provider gives none.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        self._request_id = ""
        self._handle: Callable[[Message], Reply] = self._awaiting_request_headers

    def on(self, message: Message) -> Reply:
        """The replies to `message`, whatever a client or a provider sent.

        Raises:
            ProtocolError: a message that Envoy does not send in this state.
        """
        reply = self._handle(message)
        if reply.close:
            self._handle = self._finished
        return reply

    def _awaiting_request_headers(self, message: Message) -> Reply:
        if not isinstance(message, RequestHeaders):
            raise _illegal("awaiting the request headers", message)
        self._request_id = message.headers.get("x-request-id", "")

        def awaiting_request_body(body: Message) -> Reply:
            if not isinstance(body, RequestBody):
                raise _illegal("awaiting the request body", body)
            return self._request(message.target, message.policy, body.body)

        self._handle = awaiting_request_body
        return Reply((ContinueRequestHeaders(),))

    def _request(self, target: Target, policy: RoutePolicy, body: bytes) -> Reply:
        dialect = DIALECTS[policy.dialect]
        try:
            if dialect.native == target.wire_format:
                return self._rename(target, policy, body)
            return self._translate(target, policy, body)
        except GatewayError as error:
            return self._refuse(policy, error)
        except Exception as bug:  # noqa: BLE001 - the edge where bugs become a 500
            return self._refuse(policy, internal_error(self._request_id), Bug(self._request_id, bug))

    def _rename(self, target: Target, policy: RoutePolicy, body: bytes) -> Reply:
        dialect = DIALECTS[policy.dialect]
        requested = _requested_model(policy, body)
        edited = dialect.edit_request(body, model=upstream_model(policy, target.leaf, requested))
        sent = ReplaceRequestBody(
            edited, {":path": target.base_path + dialect.path, **_length(edited), **IDENTITY}
        )
        if not policy.hold_headers:
            return Reply((sent,), close=True)
        reply = ReplyContext(model=requested, created=self._now, request_id=self._request_id)
        self._await_response(Exchange(target, policy, reply))
        return Reply((sent,))

    def _translate(self, target: Target, policy: RoutePolicy, body: bytes) -> Reply:
        request = DIALECTS[policy.dialect].read_request(body)
        model = upstream_model(policy, target.leaf, request.model)
        outgoing = WIRE_FORMATS[target.wire_format].write_request(request, target, model)
        if outgoing.unsupported and policy.unsupported_fields == "reject":
            raise UnsupportedFieldError(
                f"{target.provider} cannot honour {', '.join(outgoing.unsupported)}",
                param=outgoing.unsupported[0],
            )
        warned = outgoing.unsupported if policy.unsupported_fields == "warn" else ()
        reply = ReplyContext(
            model=request.model,
            created=self._now,
            request_id=self._request_id,
            include_usage=request.include_usage,
            legacy_functions=request.legacy_functions,
        )
        self._await_response(Exchange(target, policy, reply, stream=request.stream, degraded=warned))
        headers = {":path": outgoing.path, **dict(outgoing.headers), **_length(outgoing.body), **IDENTITY}
        notes = (UnsupportedFields(target.provider, _loggable(warned, request)),) if warned else ()
        return Reply((ReplaceRequestBody(outgoing.body, headers),), notes=notes)

    def _await_response(self, exchange: Exchange) -> None:
        def awaiting_response_headers(message: Message) -> Reply:
            if not isinstance(message, ResponseHeaders):
                raise _illegal("awaiting the response headers", message)
            response, first = begin(exchange, message)
            if response is None or message.end:
                self._handle = self._finished
            else:
                self._handle = self._body_handler(response)
            return first

        self._handle = awaiting_response_headers

    def _body_handler(self, response: Response) -> Callable[[Message], Reply]:
        def in_response_body(message: Message) -> Reply:
            if not isinstance(message, ResponseBody):
                raise _illegal("in the response body", message)
            reply = response.on(message)
            if message.end:
                self._handle = self._finished
            return reply

        return in_response_body

    def _refuse(self, policy: RoutePolicy, error: GatewayError, *notes: Note) -> Reply:
        body = DIALECTS[policy.dialect].write_error(error)
        details = DETAILS_PREFIX + (error.code or error.type)
        return Reply((Answer(error.status, body, details),), close=True, notes=notes)

    def _finished(self, message: Message) -> Reply:
        raise _illegal("finished", message)


def _requested_model(policy: RoutePolicy, body: bytes) -> str:
    """The name in the client's body; only a pattern leaves it open."""
    if not policy.model.endswith("*"):
        return policy.model
    try:
        return decode(body, _Named).model
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _loggable(fields: tuple[str, ...], request: ChatRequest) -> tuple[str, ...]:
    """`fields` for logs and metrics: a bounded set of names, none of the client's own invention."""
    known = (_POSITION.sub("", name) if name not in request.extra else "other" for name in fields)
    return tuple(dict.fromkeys(known))


def _length(body: bytes) -> dict[str, str]:
    return {"content-length": str(len(body))}


def _illegal(state: str, message: Message) -> ProtocolError:
    return ProtocolError(f"{type(message).__name__} while {state}")
