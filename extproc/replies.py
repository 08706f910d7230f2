"""What a session answers, free of protobuf.

In STREAMED mode every message of Envoy's gets exactly one reply, in order; a reply that changes
nothing lets the original pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec


class ContinueRequestHeaders(msgspec.Struct, frozen=True, gc=False):
    """Go on to the body."""


class ReplaceRequestBody(msgspec.Struct, frozen=True, gc=False):
    """Send `body` with these headers set. Envoy checks that content-length is exact (trap 4)."""

    body: bytes
    headers: Mapping[str, str]


class ContinueResponseHeaders(msgspec.Struct, frozen=True, gc=False):
    """Release the response headers, edited. `body`: the whole body of a response that has none."""

    headers: Mapping[str, str] = {}
    remove: tuple[str, ...] = ()
    body: bytes | None = None


class KeepResponseBody(msgspec.Struct, frozen=True, gc=False):
    """Let this piece of the body pass as it is."""


class ReplaceResponseBody(msgspec.Struct, frozen=True, gc=False):
    """Send `body` in place of this piece; nothing where it is empty."""

    body: bytes


class Answer(msgspec.Struct, frozen=True, gc=False):
    """End the request here with this answer, not retried (trap 6).

    details: Envoy's response code details; begins with ``llm_`` so that the body is left alone.
    """

    status: int
    body: bytes
    details: str


ReplyMessage: TypeAlias = (
    ContinueRequestHeaders
    | ReplaceRequestBody
    | ContinueResponseHeaders
    | KeepResponseBody
    | ReplaceResponseBody
    | Answer
)


class UnsupportedFields(msgspec.Struct, frozen=True, gc=False):
    """The client's fields that `provider` cannot honour, under the policy `warn`.

    fields: names that the client's dialect defines, list positions left out; all others are one `other`.
    """

    provider: str
    fields: tuple[str, ...]


class AttemptFailed(msgspec.Struct, frozen=True, gc=False):
    """This attempt ended in an error.

    status: what the client or Envoy's retry policy is told.
    reason: for the log; no words of the client's or of the provider's.
    committed: the response had begun, so that no other provider could be asked.
    """

    provider: str
    status: int
    reason: str
    committed: bool


class Bug(msgspec.Struct, frozen=True):
    """Something that must not happen; the server logs it with its traceback.

    That leads to frames, and they lead here: the garbage collector must see this, and the reply with it.
    """

    request_id: str
    error: Exception


Note: TypeAlias = UnsupportedFields | AttemptFailed | Bug


class Reply(msgspec.Struct, frozen=True):
    """The answer to one message.

    messages: in this order.
    close: end the ext_proc stream; Envoy goes on natively.
    notes: for logs and metrics.
    """

    messages: tuple[ReplyMessage, ...] = ()
    close: bool = False
    notes: tuple[Note, ...] = ()
