"""What Envoy tells a session, free of protobuf. One ext_proc stream is one attempt at one provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from extproc.contract.target import RoutePolicy, Target


class RequestHeaders(msgspec.Struct, frozen=True, gc=False):
    """The attempt begins.

    target, policy: where this attempt goes, from Envoy's metadata.
    headers: names in lower case.
    """

    target: Target
    policy: RoutePolicy
    headers: Mapping[str, str]


class RequestBody(msgspec.Struct, frozen=True, gc=False):
    """The client's whole body (Envoy buffers it), the same in every attempt."""

    body: bytes


class ResponseHeaders(msgspec.Struct, frozen=True, gc=False):
    """The provider answered. `end`: no body follows."""

    status: int
    headers: Mapping[str, str]
    end: bool = False


class ResponseBody(msgspec.Struct, frozen=True, gc=False):
    """A piece of the provider's body; `end` with the last, which is often empty."""

    body: bytes
    end: bool = False


class ProtocolError(Exception):
    """Envoy sent what its configuration rules out; the stream is ended with this reason."""


Message: TypeAlias = RequestHeaders | RequestBody | ResponseHeaders | ResponseBody
