"""What each format and each vendor offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from simulator.wire import ApiError, Call, Event, Reply


class Vendor(Protocol):
    """What all formats of a vendor share."""

    @property
    def name(self) -> str: ...

    def authenticate(self, call: Call) -> None:
        """Raises: ApiError for a credential that is missing or wrong."""
        ...

    def headers(self, serial: int) -> tuple[tuple[str, str], ...]:
        """The response headers that identify a request."""
        ...

    def error(self, error: ApiError, serial: int) -> Reply:
        """`error` in the vendor's shape."""
        ...

    def error_event(self, error: ApiError, serial: int) -> Event:
        """`error` inside a stream that has begun."""
        ...

    def overloaded(self) -> ApiError:
        """What the vendor says in a stream when it has too much to do."""
        ...


class Format(Protocol):
    """One wire format: an endpoint, or a few that belong together."""

    @property
    def vendor(self) -> Vendor: ...

    @property
    def methods(self) -> tuple[str, ...]: ...

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether `path` (from ``/v1`` on) is this format's."""
        ...

    def reply(self, call: Call) -> Reply:
        """The answer to an authenticated call.

        Raises: ApiError for what the provider would refuse.
        """
        ...

    def warm_up(self) -> None:
        """Do now what the first request would have to wait for."""
        ...
