"""What Envoy sends over an ext_proc stream, and what it understands of the answers."""

from __future__ import annotations

from typing import Any

from extproc.contract import names
from extproc.contract.target import RoutePolicy, Target, encode
from protos.api import ProcessingRequest, ProcessingResponse
from protos.loader import to_dict
from tests.extproc.transcript import CLAUDE, POLICY


def _headers(headers: dict[str, str | bytes]) -> dict[str, Any]:
    raw = {name: value if isinstance(value, bytes) else value.encode() for name, value in headers.items()}
    return {"headers": {"headers": [{"key": name, "raw_value": value} for name, value in raw.items()]}}


def sent_along(
    target: str | None, policy: str | None, path: str | None = "/v1/chat/completions"
) -> dict[str, str | bytes]:
    """The headers that Envoy adds for ext_proc alone; None: it has none."""
    found = {names.HEADER_TARGET: target, names.HEADER_POLICY: policy, names.HEADER_PATH: path}
    return {name: text for name, text in found.items() if text is not None}


def request_headers(
    target: Target = CLAUDE, policy: RoutePolicy = POLICY, headers: dict[str, str | bytes] | None = None
) -> bytes:
    sent: dict[str, str | bytes] = {
        **sent_along(encode(target), encode(policy)),
        **(headers or {"x-request-id": "req-1"}),
    }
    return bytes(ProcessingRequest(request_headers=_headers(sent)).SerializeToString())


def request_body(body: bytes) -> bytes:
    request = ProcessingRequest(request_body={"body": body, "end_of_stream": True})
    return bytes(request.SerializeToString())


def response_headers(status: int, headers: dict[str, str | bytes], *, end: bool = False) -> bytes:
    told = _headers({":status": str(status), **headers})
    request = ProcessingRequest(response_headers={**told, "end_of_stream": end})
    return bytes(request.SerializeToString())


def response_body(body: bytes, *, end: bool = False) -> bytes:
    request = ProcessingRequest(response_body={"body": body, "end_of_stream": end})
    return bytes(request.SerializeToString())


def understood(data: bytes) -> dict[str, Any]:
    """A ProcessingResponse as plain data; bytes are in base64."""
    return to_dict(ProcessingResponse.FromString(data))
