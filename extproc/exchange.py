"""What the response half of a session knows of the request half."""

from __future__ import annotations

from typing import Any

import msgspec

from extproc.chat.seams import ClientDialect, Format, ReplyContext
from extproc.contract.endpoints import is_native
from extproc.contract.target import RoutePolicy, Target


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """One attempt: where it went, and what the client must be told.

    dialect, wire_format: what the client and the provider speak.
    stream: whether the client asked for a stream; None where bytes pass and nobody looked.
    degraded: the client's fields that the target cannot honour, for the response header.
    """

    target: Target
    policy: RoutePolicy
    dialect: ClientDialect[Any, Any]
    wire_format: Format[Any, Any]
    reply: ReplyContext
    stream: bool | None = None
    degraded: tuple[str, ...] = ()

    @property
    def same_format(self) -> bool:
        """Client and provider speak the same format: bytes pass."""
        return is_native(self.policy.dialect, self.target)
