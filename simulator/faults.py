"""Faults: what ``POST /_sim/faults`` takes, and which fault a request meets.

A fault is a JSON object. Which requests it meets:

account     only this account's; default: any
match       {"model": ..., "stream": true | false, "path": ...}, each optional. Health checks
            (``/health``) meet only faults that name their path.
times       that many requests; null (the default): until cleared

What it does; keys may be combined:

status                    this status, with the provider's error body for it
body                      this body instead (a JSON value, or a string as it is)
error_type                the error's type, of `status` and of `error_after_events`
headers                   response headers to add, e.g. {"retry-after": "1"}
content_type              instead of the true one
delay_before_headers, delay_before_first_event, delay_between_events    seconds
                          (a body that is not a stream counts as one event)
cut_after_events: N       after N events the TCP connection is reset
end_after_events: N       after N events the response ends as if it were complete
stall_after_events: N     after N events nothing comes any more, and the connection stays open
error_after_events: N     after N events the provider's error event, then the end
malformed_json: true      the body stops in the middle of its JSON; N: in a stream, after N good events
garbage: true             random bytes instead of the body; N: in a stream, after N good events
truncate_body: true       the connection ends in the middle of the body; of a stream, of its second event
empty_body: true          no body, no events
gzip: true                the body is compressed and says so
chunk_size: N             the body in writes of N bytes, wherever its events end
close_before_headers: true  the request is read, then the connection ends
seed                      of the random bytes
"""

from __future__ import annotations

from itertools import count
from typing import Annotated, Any, Final

import msgspec

HEALTH_PATH: Final = "/health"

_Seconds = Annotated[float, msgspec.Meta(ge=0)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """See the module."""

    model: str | None = None
    stream: bool | None = None
    path: str | None = None


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """See the module."""

    id: str = ""
    account: str | None = None
    match: Match = Match()
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    body: Any = msgspec.UNSET
    error_type: str | None = None
    headers: dict[str, str] = {}
    content_type: str | None = None
    delay_before_headers: _Seconds = 0.0
    delay_before_first_event: _Seconds = 0.0
    delay_between_events: _Seconds = 0.0
    cut_after_events: _Count | None = None
    end_after_events: _Count | None = None
    stall_after_events: _Count | None = None
    error_after_events: _Count | None = None
    malformed_json: bool | _Count = False
    garbage: bool | _Count = False
    truncate_body: bool = False
    empty_body: bool = False
    gzip: bool = False
    chunk_size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    close_before_headers: bool = False
    seed: int = 0


class Target(msgspec.Struct, frozen=True):
    """The request that may meet a fault."""

    account: str
    path: str
    model: str | None
    stream: bool


class FaultBook:
    """The faults in force, in the order they were added; a request meets the first that fits."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._left: dict[str, int] = {}
        self._ids = count(1)

    def add(self, body: bytes) -> list[str]:
        """The ids of the fault or faults in `body`.

        Raises: msgspec.DecodeError naming the key; then none is added.
        """
        value = msgspec.json.decode(body)
        many = value if isinstance(value, list) else [value]
        added = [msgspec.convert(each, Fault) for each in many]
        return [self._put(fault) for fault in added]

    def _put(self, fault: Fault) -> str:
        identifier = fault.id or f"fault-{next(self._ids)}"
        self._faults[identifier] = msgspec.structs.replace(fault, id=identifier)
        if fault.times is not None:
            self._left[identifier] = fault.times
        else:
            self._left.pop(identifier, None)
        return identifier

    def clear(self, account: str | None = None) -> None:
        """Forget all faults, or those of one account."""
        for identifier, fault in list(self._faults.items()):
            if account is None or fault.account == account:
                del self._faults[identifier]
                self._left.pop(identifier, None)

    def show(self) -> list[dict[str, Any]]:
        """The faults in force; `left` says how often one will still be met."""
        return [
            {**msgspec.to_builtins(fault), "left": self._left.get(identifier)}
            for identifier, fault in self._faults.items()
        ]

    def __bool__(self) -> bool:
        return bool(self._faults)

    def take(self, target: Target) -> Fault | None:
        """The fault that `target` meets; one with `times` is used up by it."""
        for identifier, fault in self._faults.items():
            if _fits(fault, target):
                if fault.times is not None:
                    self._left[identifier] -= 1
                    if not self._left[identifier]:
                        del self._faults[identifier], self._left[identifier]
                return fault
        return None


def _fits(fault: Fault, target: Target) -> bool:
    wanted = fault.match
    if wanted.path is None and target.path == HEALTH_PATH:
        return False
    return (
        fault.account in (None, target.account)
        and wanted.path in (None, target.path)
        and wanted.model in (None, target.model)
        and wanted.stream in (None, target.stream)
    )
