"""What ends a connection."""

from __future__ import annotations

from extproc.transport.h2.frames import ErrorCode


class ConnectionFailed(Exception):  # noqa: N818 - what it is
    """The peer broke the protocol."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(f"{code.name}: {reason}")
        self.code = code
        self.reason = reason
