"""What the response half of a session knows of the request half."""

from __future__ import annotations

import msgspec

from extproc.chat.seams import Dialect, ReplyContext, WireFormat
from extproc.contract.target import RoutePolicy, Target
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """One attempt: where it went, and what the client must be told.

    stream: whether the client asked for a stream; None where bytes pass and nobody looked.
    degraded: the client's fields that the target cannot honour, for the response header.
    """

    target: Target
    policy: RoutePolicy
    reply: ReplyContext
    stream: bool | None = None
    degraded: tuple[str, ...] = ()

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.policy.dialect]

    @property
    def wire_format(self) -> WireFormat:
        return WIRE_FORMATS[self.target.wire_format]

    @property
    def same_format(self) -> bool:
        """Client and provider speak the same format: bytes pass."""
        return self.dialect.native == self.target.wire_format
