"""How a reply reaches the wire: a list of steps, faults included. Decides only; server.py does them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Final

from simulator.faults import Fault
from simulator.wire import Event, Reply

_GARBAGE_BYTES: Final = 512
_GZIP_WINDOW: Final = 31
"""zlib's maximum window, plus 16 for a gzip header."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers; with a content-length if the body is known."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes of the body, one write."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass; all earlier bytes are out."""

    seconds: float


class Stall:
    """Nothing more, ever, with the connection open."""


class Cut:
    """Reset the connection."""


class HangUp:
    """Close the connection, whatever is missing."""


Part = Wait | Stall | Cut | HangUp
Step = Head | Send | Part


def steps(reply: Reply, fault: Fault, error_event: Event) -> Iterator[Step]:
    """What to do for `reply` under `fault`, in order; after the last step the response is complete.

    error_event: what ``error_after_events`` sends.
    """
    if fault.delay_before_headers:
        yield Wait(fault.delay_before_headers)
    if fault.close_before_headers:
        yield HangUp()
        return
    status = reply.status if fault.status is None else fault.status
    if reply.events is None:
        body = _whole(reply.body, fault)
        yield Head(status, _headers(reply, fault, len(body)))
        parts: Iterable[bytes | Part] = _partial(body, fault)
    else:
        yield Head(status, _headers(reply, fault, None))
        parts = _stream(reply.events, fault, error_event)
        if fault.gzip:
            parts = _compressed(parts)
    if fault.delay_before_first_event:
        yield Wait(fault.delay_before_first_event)
    yield from _sends(parts) if fault.chunk_size is None else _recut(parts, fault.chunk_size)


def _headers(reply: Reply, fault: Fault, length: int | None) -> tuple[tuple[str, str], ...]:
    headers = dict(reply.headers)
    if fault.content_type is not None:
        headers["content-type"] = fault.content_type
    if fault.gzip:
        headers["content-encoding"] = "gzip"
    if length is not None:
        headers["content-length"] = str(length)
    headers |= {name.lower(): value for name, value in fault.headers.items()}
    return tuple(headers.items())


def _whole(body: bytes, fault: Fault) -> bytes:
    """The body as it should arrive."""
    if fault.empty_body:
        body = b""
    elif _position(fault.garbage) is not None:
        body = _garbage(fault)
    elif _position(fault.malformed_json) is not None:
        body = body[: len(body) // 2]
    return _gzipped(body) if fault.gzip else body


def _partial(body: bytes, fault: Fault) -> Iterator[bytes | Part]:
    """What arrives of `body`, which counts as one event."""
    if fault.cut_after_events == 0:
        yield Cut()
    elif fault.stall_after_events == 0:
        yield Stall()
    elif fault.truncate_body:
        yield body[: len(body) // 2]
        yield HangUp()
    else:
        yield body


def _stream(events: Iterator[Event], fault: Fault, error_event: Event) -> Iterator[bytes | Part]:
    if fault.empty_body:
        return
    ending = Event(b"")
    for sent, event in enumerate(chain(events, [ending])):
        end = _end(sent, fault, error_event)
        if end is not None:
            yield from end
            return
        if event is ending:
            return
        if pause := event.pause + (fault.delay_between_events if sent else 0.0):
            yield Wait(pause)
        if fault.truncate_body and sent:
            yield event.data[: len(event.data) // 2]
            yield HangUp()
            return
        malformed = _position(fault.malformed_json) == sent
        yield event.data[: len(event.data) // 2] + b"\n\n" if malformed else event.data


def _end(sent: int, fault: Fault, error_event: Event) -> tuple[bytes | Part, ...] | None:
    """What ends a stream after `sent` events; None if it goes on."""
    if sent == fault.error_after_events:
        return (error_event.data,)
    if sent == fault.cut_after_events:
        return (Cut(),)
    if sent == fault.stall_after_events:
        return (Stall(),)
    if sent == fault.end_after_events:
        return ()
    if sent == _position(fault.garbage):
        return (_garbage(fault),)
    return None


def _position(knob: bool | int) -> int | None:  # noqa: FBT001 - the knob takes both
    """After how many events something happens: True means at once, False never."""
    if knob is False:
        return None
    return 0 if knob is True else knob


def _garbage(fault: Fault) -> bytes:
    return Random(fault.seed).randbytes(_GARBAGE_BYTES)  # noqa: S311 - reproducible on purpose


def _gzipped(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=_GZIP_WINDOW)
    return compressor.compress(data) + compressor.flush()


def _compressed(parts: Iterable[bytes | Part]) -> Iterator[bytes | Part]:
    """`parts` compressed as one gzip stream, flushed after each so that none waits for the next."""
    compressor = zlib.compressobj(wbits=_GZIP_WINDOW)
    for part in parts:
        if isinstance(part, bytes):
            yield compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)
        else:
            yield part
    yield compressor.flush()


def _sends(parts: Iterable[bytes | Part]) -> Iterator[Step]:
    for part in parts:
        if not isinstance(part, bytes):
            yield part
        elif part:
            yield Send(part)


def _recut(parts: Iterable[bytes | Part], size: int) -> Iterator[Step]:
    """`parts` in writes of `size` bytes; what is left goes out before a wait or an end."""
    rest = b""
    for part in parts:
        if isinstance(part, bytes):
            data = rest + part
            whole = len(data) - len(data) % size
            for start in range(0, whole, size):
                yield Send(data[start : start + size])
            rest = data[whole:]
        else:
            if rest:
                yield Send(rest)
                rest = b""
            yield part
    if rest:
        yield Send(rest)
