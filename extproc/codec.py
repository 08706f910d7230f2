"""Envoy's ext_proc protobufs <-> the session's messages and replies.

https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/service/ext_proc/v3/external_processor.proto
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, assert_never

import msgspec
from google.protobuf.message import DecodeError

from extproc.contract import names
from extproc.contract.target import RoutePolicy, Target, decode_policy, decode_target
from extproc.messages import (
    Message,
    ProtocolError,
    RequestBody,
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
)
from extproc.replies import (
    Answer,
    ContinueRequestHeaders,
    ContinueResponseHeaders,
    KeepResponseBody,
    ReplaceRequestBody,
    ReplaceResponseBody,
    ReplyMessage,
)
from protos.ext_proc import ProcessingRequest


# One text per target and per route: a request costs a dictionary look-up, not a JSON decode.
@lru_cache(maxsize=4096)
def _target(text: str) -> Target:
    return decode_target(_utf8(text))


@lru_cache(maxsize=16384)
def _policy(text: str) -> RoutePolicy:
    return decode_policy(_utf8(text))


def _utf8(header: str) -> str:
    """These two of all headers are UTF-8."""
    return header.encode("latin-1").decode()


def decode(data: bytes) -> Message:
    """One ProcessingRequest.

    Raises: ProtocolError.
    """
    try:
        request = ProcessingRequest.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"not a ProcessingRequest: {error}") from None
    match request.WhichOneof("request"):
        case "request_headers":
            headers = _headers(request.request_headers.headers.headers)
            try:
                target = _target(_sent_along(headers, names.HEADER_TARGET))
                policy = _policy(_sent_along(headers, names.HEADER_POLICY))
            except (msgspec.DecodeError, UnicodeError) as error:
                raise ProtocolError(f"endpoint or route metadata of another version: {error}") from None
            return RequestHeaders(target, policy, headers)
        case "request_body":
            return RequestBody(request.request_body.body)
        case "response_headers":
            headers = _headers(request.response_headers.headers.headers)
            return ResponseHeaders(_status(headers), headers, request.response_headers.end_of_stream)
        case "response_body":
            return ResponseBody(request.response_body.body, request.response_body.end_of_stream)
        case other:
            raise ProtocolError(f"no part in this service's processing mode: {other or 'an empty message'}")


def _sent_along(headers: dict[str, str], name: str) -> str:
    """Envoy leaves a header out if the endpoint or the route has no such metadata."""
    try:
        return headers.pop(name)
    except KeyError:
        raise ProtocolError(f"the request came without the header {name}") from None


def _status(headers: Mapping[str, str]) -> int:
    try:
        return int(headers[":status"])
    except (KeyError, ValueError):
        raise ProtocolError("the response came without a status") from None


def _headers(headers: Iterable[Any]) -> dict[str, str]:
    return {header.key: (header.raw_value.decode("latin-1") or header.value) for header in headers}


def encode(reply: ReplyMessage) -> bytes:
    """One ProcessingResponse.

    Put together by hand: it is the same few shapes each time, and building them as message objects costs
    five times as much. The tests read every reply with Envoy's own API.
    """
    match reply:
        case ReplaceResponseBody(body):
            return _with_body(_RESPONSE_BODY, b"", body)
        case KeepResponseBody():
            return _KEEP_RESPONSE_BODY
        case ContinueRequestHeaders():
            return _CONTINUE_REQUEST_HEADERS
        case ReplaceRequestBody(body, headers):
            return _with_body(_REQUEST_BODY, _header_mutation(headers, ()), body)
        case ContinueResponseHeaders(headers, remove, body):
            changed = _header_mutation(headers, remove)
            if body is None:
                return _field(_RESPONSE_HEADERS, _field(_COMMON, changed))
            return _with_body(_RESPONSE_HEADERS, _CONTINUE_AND_REPLACE + changed, body)
        case Answer(status, body, details):
            told = (
                _field(_STATUS, b"\x08" + _varint(status))
                + _field(_ANSWER_HEADERS, _set_header("content-type", "application/json"))
                + _field(_ANSWER_BODY, body)
                + _field(_ANSWER_DETAILS, details.encode())
            )
            return _field(_IMMEDIATE_RESPONSE, told)
        case _:
            assert_never(reply)


# The first byte of a field: its number and "length-delimited".
_REQUEST_BODY: Final = b"\x1a"  # ProcessingResponse.request_body = 3
_RESPONSE_HEADERS: Final = b"\x12"  # ProcessingResponse.response_headers = 2
_RESPONSE_BODY: Final = b"\x22"  # ProcessingResponse.response_body = 4
_IMMEDIATE_RESPONSE: Final = b"\x3a"  # ProcessingResponse.immediate_response = 7
_COMMON: Final = b"\x0a"  # HeadersResponse.response, BodyResponse.response = 1
_HEADER_MUTATION: Final = b"\x12"  # CommonResponse.header_mutation = 2
_BODY_MUTATION: Final = b"\x1a"  # CommonResponse.body_mutation = 3
_BODY: Final = b"\x0a"  # BodyMutation.body = 1
_SET_HEADER: Final = b"\x0a"  # HeaderMutation.set_headers = 1
_REMOVE_HEADER: Final = b"\x12"  # HeaderMutation.remove_headers = 2
_HEADER: Final = b"\x0a"  # HeaderValueOption.header = 1
_KEY: Final = b"\x0a"  # HeaderValue.key = 1
_RAW_VALUE: Final = b"\x1a"  # HeaderValue.raw_value = 3
_STATUS: Final = b"\x0a"  # ImmediateResponse.status = 1
_ANSWER_HEADERS: Final = b"\x12"  # ImmediateResponse.headers = 2
_ANSWER_BODY: Final = b"\x1a"  # ImmediateResponse.body = 3
_ANSWER_DETAILS: Final = b"\x2a"  # ImmediateResponse.details = 5

_CONTINUE_REQUEST_HEADERS: Final = b"\x0a\x00"
_KEEP_RESPONSE_BODY: Final = b"\x22\x00"
_CLEAR_BODY: Final = b"\x1a\x02\x10\x01"  # CommonResponse.body_mutation = {clear_body: true}
_CONTINUE_AND_REPLACE: Final = b"\x08\x01"  # CommonResponse.status
_OVERWRITE: Final = b"\x18\x02"  # HeaderValueOption.append_action = OVERWRITE_IF_EXISTS_OR_ADD


def _encoded_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_VARINTS: Final = tuple(_encoded_varint(value) for value in range(4096))


def _varint(value: int) -> bytes:
    return _VARINTS[value] if value < len(_VARINTS) else _encoded_varint(value)


def _field(tag: bytes, payload: bytes) -> bytes:
    return tag + _varint(len(payload)) + payload


def _with_body(tag: bytes, others: bytes, body: bytes) -> bytes:
    """The response `tag` with a CommonResponse of the fields `others` and `body`, which is copied once."""
    if not body:
        return _field(tag, _field(_COMMON, others + _CLEAR_BODY))
    size = len(body)
    inner = _BODY + _varint(size)
    inner = others + _BODY_MUTATION + _varint(len(inner) + size) + inner
    inner = _COMMON + _varint(len(inner) + size) + inner
    return tag + _varint(len(inner) + size) + inner + body


def _header_mutation(headers: Mapping[str, str], remove: tuple[str, ...]) -> bytes:
    changes = b"".join([_set_header(name, value) for name, value in headers.items()])
    if remove:
        changes += _removed(remove)
    return _field(_HEADER_MUTATION, changes)


@lru_cache(maxsize=4096)
def _set_header(name: str, value: str) -> bytes:
    header = _field(_KEY, name.encode()) + _field(_RAW_VALUE, value.encode("latin-1"))
    return _field(_SET_HEADER, _field(_HEADER, header) + _OVERWRITE)


@lru_cache(maxsize=64)
def _removed(names: tuple[str, ...]) -> bytes:
    return b"".join([_field(_REMOVE_HEADER, name.encode()) for name in names])
