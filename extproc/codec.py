"""Envoy's ext_proc protobufs <-> the session's messages and replies.

https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/service/ext_proc/v3/external_processor.proto
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, assert_never

import msgspec

from extproc.contract import names
from extproc.contract.endpoints import DIALECT_AT
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
from extproc.wire.protobuf import MalformedProtobuf, field, field_at, varint


# One text per target and per route: a request costs a dictionary look-up, not a JSON decode.
@lru_cache(maxsize=4096)
def _target(text: str) -> Target:
    return decode_target(_utf8(text))


@lru_cache(maxsize=16384)
def _policy(text: str, path: str) -> RoutePolicy:
    """The policy in `text`, for a client that called `path`."""
    dialect = DIALECT_AT.get(path)
    if dialect is None:
        raise ProtocolError("the request came from an endpoint of another version")
    return msgspec.structs.replace(decode_policy(_utf8(text)), dialect=dialect)


def _utf8(header: str) -> str:
    """These two of all headers are UTF-8."""
    return header.encode("latin-1").decode()


# Fields as they stand on the wire: number and wire type.
_HEADERS_OF_REQUEST: Final = 0x12  # ProcessingRequest.request_headers = 2
_HEADERS_OF_RESPONSE: Final = 0x1A  # ProcessingRequest.response_headers = 3
_BODY_OF_REQUEST: Final = 0x22  # ProcessingRequest.request_body = 4
_BODY_OF_RESPONSE: Final = 0x2A  # ProcessingRequest.response_body = 5
_TRAILERS_OF_REQUEST: Final = 0x32  # ProcessingRequest.request_trailers = 6
_TRAILERS_OF_RESPONSE: Final = 0x3A  # ProcessingRequest.response_trailers = 7
_HEADER_MAP: Final = 0x0A  # HttpHeaders.headers = 1
_HEADERS_END: Final = 0x18  # HttpHeaders.end_of_stream = 3
_HEADER_ENTRY: Final = 0x0A  # HeaderMap.headers = 1
_NAME: Final = 0x0A  # HeaderValue.key = 1
_TEXT: Final = 0x12  # HeaderValue.value = 2
_BYTES: Final = 0x1A  # HeaderValue.raw_value = 3
_CONTENT: Final = 0x0A  # HttpBody.body = 1
_BODY_END: Final = 0x10  # HttpBody.end_of_stream = 2


def decode(data: bytes) -> Message:
    """One ProcessingRequest.

    Raises: ProtocolError.
    """
    try:
        return _decode(data)
    except (MalformedProtobuf, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a ProcessingRequest: {error}") from None


def _decode(data: bytes) -> Message:
    at, end = 0, len(data)
    kind = first = last = 0
    while at < end:
        tag, start, at = field_at(data, at, end)
        if _HEADERS_OF_REQUEST <= tag <= _TRAILERS_OF_RESPONSE:
            kind, first, last = tag, start, at
    if kind == _BODY_OF_RESPONSE:
        body, over = _body(data, first, last)
        return ResponseBody(body, over)
    if kind == _BODY_OF_REQUEST:
        body, _ = _body(data, first, last)
        return RequestBody(body)
    if kind == _HEADERS_OF_RESPONSE:
        headers, over = _headers(data, first, last)
        return ResponseHeaders(_status(headers), headers, over)
    if kind == _HEADERS_OF_REQUEST:
        headers, _ = _headers(data, first, last)
        return _request_headers(headers)
    trailers = {_TRAILERS_OF_REQUEST: "request_trailers", _TRAILERS_OF_RESPONSE: "response_trailers"}
    what = trailers.get(kind, "an empty message")
    raise ProtocolError(f"no part in this service's processing mode: {what}")


def _body(data: bytes, at: int, end: int) -> tuple[bytes, bool]:
    """HttpBody: its bytes, and whether no more will come."""
    body, over = b"", False
    while at < end:
        tag, start, at = field_at(data, at, end)
        if tag == _CONTENT:
            body = data[start:at]
        elif tag == _BODY_END:
            over = start != 0
    return body, over


def _headers(data: bytes, at: int, end: int) -> tuple[dict[str, str], bool]:
    """HttpHeaders: names and values, and whether no body will come."""
    headers: dict[str, str] = {}
    over = False
    while at < end:
        tag, start, at = field_at(data, at, end)
        if tag == _HEADER_MAP:
            entry = start
            while entry < at:
                inner, first, entry = field_at(data, entry, at)
                if inner == _HEADER_ENTRY:
                    _header(data, first, entry, headers)
        elif tag == _HEADERS_END:
            over = start != 0
    return headers, over


def _header(data: bytes, at: int, end: int, headers: dict[str, str]) -> None:
    """HeaderValue, into `headers`. Envoy fills either field of its value."""
    name = value = ""
    while at < end:
        tag, start, at = field_at(data, at, end)
        if tag == _BYTES:
            value = data[start:at].decode("latin-1") or value
        elif tag == _NAME:
            name = data[start:at].decode()
        elif tag == _TEXT:
            value = value or data[start:at].decode()
    headers[name] = value


def _request_headers(headers: dict[str, str]) -> RequestHeaders:
    try:
        target = _target(_sent_along(headers, names.HEADER_TARGET))
        policy = _policy(_sent_along(headers, names.HEADER_POLICY), _sent_along(headers, names.HEADER_PATH))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ProtocolError(f"endpoint or route metadata of another version: {error}") from None
    return RequestHeaders(target, policy, headers)


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
                return field(_RESPONSE_HEADERS, field(_COMMON, changed))
            return _with_body(_RESPONSE_HEADERS, _CONTINUE_AND_REPLACE + changed, body)
        case Answer(status, body, details):
            told = (
                field(_STATUS, b"\x08" + varint(status))
                + field(_ANSWER_HEADERS, _set_header("content-type", "application/json"))
                + field(_ANSWER_BODY, body)
                + field(_ANSWER_DETAILS, details.encode())
            )
            return field(_IMMEDIATE_RESPONSE, told)
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


def _with_body(tag: bytes, others: bytes, body: bytes) -> bytes:
    """The response `tag` with a CommonResponse of the fields `others` and `body`, which is copied once."""
    if not body:
        return field(tag, field(_COMMON, others + _CLEAR_BODY))
    size = len(body)
    inner = _BODY + varint(size)
    inner = others + _BODY_MUTATION + varint(len(inner) + size) + inner
    inner = _COMMON + varint(len(inner) + size) + inner
    return tag + varint(len(inner) + size) + inner + body


def _header_mutation(headers: Mapping[str, str], remove: tuple[str, ...]) -> bytes:
    changes = b"".join([_set_header(name, value) for name, value in headers.items()])
    if remove:
        changes += _removed(remove)
    return field(_HEADER_MUTATION, changes)


@lru_cache(maxsize=4096)
def _set_header(name: str, value: str) -> bytes:
    header = field(_KEY, name.encode()) + field(_RAW_VALUE, value.encode("latin-1"))
    return field(_SET_HEADER, field(_HEADER, header) + _OVERWRITE)


@lru_cache(maxsize=64)
def _removed(names: tuple[str, ...]) -> bytes:
    return b"".join([field(_REMOVE_HEADER, name.encode()) for name in names])
