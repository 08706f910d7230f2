"""What arrived: the last requests, for tests to look at."""

from __future__ import annotations

import base64
import json
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Any, Final

MAX_REQUESTS: Final = 10_000
MAX_BODY: Final = 64 * 1024
"""Bytes; of longer bodies only size and hash are kept."""


class Outcome(Enum):
    """How a request ended."""

    OPEN = "open"
    COMPLETE = "complete"
    FAULT = "fault"
    """The simulator ended the connection early, on purpose."""
    DISCONNECTED = "disconnected"
    """The client went away first."""


@dataclass(slots=True, kw_only=True)
class Recorded:
    """One request; `status`, `fault` and `outcome` are filled in as it is answered.

    headers: as received, in order.
    body: None if it was longer than MAX_BODY.
    time: seconds since the epoch.
    """

    account: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes | None
    time: float
    status: int | None = None
    fault: str | None = None
    outcome: Outcome = Outcome.OPEN
    body_size: int = field(init=False)
    body_sha256: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        body = self.body or b""
        self.body_size = len(body)
        if self.body_size > MAX_BODY:
            self.body, self.body_sha256 = None, sha256(body).hexdigest()

    def view(self) -> dict[str, Any]:
        """As JSON; the body parsed where it is JSON, as ``body_base64`` where it is not."""
        shown: dict[str, Any] = {
            "account": self.account,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "body": None,
            "body_size": self.body_size,
            "time": self.time,
            "response_status": self.status,
            "fault": self.fault,
            "outcome": self.outcome.value,
        }
        if self.body is None:
            shown["body_sha256"] = self.body_sha256
        elif self.body:
            try:
                shown["body"] = json.loads(self.body)
            except ValueError:
                shown["body_base64"] = base64.b64encode(self.body).decode()
        return shown


class Recorder:
    """The last MAX_REQUESTS requests."""

    def __init__(self) -> None:
        self._requests: deque[Recorded] = deque(maxlen=MAX_REQUESTS)

    def add(self, recorded: Recorded) -> None:
        self._requests.append(recorded)

    def show(self, account: str | None = None) -> list[dict[str, Any]]:
        """All requests, oldest first, or those of one account."""
        return [each.view() for each in self._requests if account in (None, each.account)]

    def clear(self) -> None:
        self._requests.clear()
