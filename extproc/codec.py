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
from protos.api import ProcessingRequest, ProcessingResponse

_OVERWRITE: Final = "OVERWRITE_IF_EXISTS_OR_ADD"


# One text per target and per route: a request costs a dictionary look-up, not a JSON decode.
_target = lru_cache(maxsize=4096)(decode_target)
_policy = lru_cache(maxsize=16384)(decode_policy)


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
            target, policy = _metadata(request.attributes)
            return RequestHeaders(target, policy, _headers(request.request_headers.headers.headers))
        case "request_body":
            return RequestBody(request.request_body.body)
        case "response_headers":
            headers = _headers(request.response_headers.headers.headers)
            return ResponseHeaders(_status(headers), headers, request.response_headers.end_of_stream)
        case "response_body":
            return ResponseBody(request.response_body.body, request.response_body.end_of_stream)
        case other:
            raise ProtocolError(f"no part in this service's processing mode: {other or 'an empty message'}")


def _metadata(attributes: Mapping[str, Any]) -> tuple[Target, RoutePolicy]:
    try:
        target = _target(_attribute(attributes, names.ATTRIBUTE_TARGET))
        policy = _policy(_attribute(attributes, names.ATTRIBUTE_POLICY))
    except msgspec.DecodeError as error:
        raise ProtocolError(f"endpoint or route metadata of another version: {error}") from None
    return target, policy


def _attribute(attributes: Mapping[str, Any], name: str) -> str:
    """Envoy leaves an attribute out if the endpoint or the route has no such metadata."""
    if names.ATTRIBUTES_KEY in attributes and name in attributes[names.ATTRIBUTES_KEY].fields:
        return str(attributes[names.ATTRIBUTES_KEY].fields[name].string_value)
    raise ProtocolError(f"the request came without the attribute {name}")


def _status(headers: Mapping[str, str]) -> int:
    try:
        return int(headers[":status"])
    except (KeyError, ValueError):
        raise ProtocolError("the response came without a status") from None


def _headers(headers: Iterable[Any]) -> dict[str, str]:
    return {header.key: (header.raw_value.decode("latin-1") or header.value) for header in headers}


def encode(reply: ReplyMessage) -> bytes:
    """One ProcessingResponse."""
    return _response(reply).SerializeToString()


def _response(reply: ReplyMessage) -> ProcessingResponse:
    match reply:
        case ContinueRequestHeaders():
            return ProcessingResponse(request_headers={})
        case ReplaceRequestBody(body, headers):
            return ProcessingResponse(
                request_body={
                    "response": {"header_mutation": _mutation(headers), "body_mutation": {"body": body}}
                }
            )
        case ContinueResponseHeaders(headers, remove, None):
            return ProcessingResponse(
                response_headers={"response": {"header_mutation": _mutation(headers, remove)}}
            )
        case ContinueResponseHeaders(headers, remove, body):
            return ProcessingResponse(
                response_headers={
                    "response": {
                        "status": "CONTINUE_AND_REPLACE",
                        "header_mutation": _mutation(headers, remove),
                        "body_mutation": {"body": body},
                    }
                }
            )
        case KeepResponseBody():
            return ProcessingResponse(response_body={})
        case ReplaceResponseBody(b""):
            return ProcessingResponse(response_body={"response": {"body_mutation": {"clear_body": True}}})
        case ReplaceResponseBody(body):
            return ProcessingResponse(response_body={"response": {"body_mutation": {"body": body}}})
        case Answer(status, body, details):
            return ProcessingResponse(
                immediate_response={
                    "status": {"code": status},
                    "headers": _mutation({"content-type": "application/json"}),
                    "body": body,
                    "details": details,
                }
            )
        case _:
            assert_never(reply)


def _mutation(headers: Mapping[str, str], remove: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "set_headers": [
            {"header": {"key": name, "raw_value": value.encode("latin-1")}, "append_action": _OVERWRITE}
            for name, value in headers.items()
        ],
        "remove_headers": remove,
    }
