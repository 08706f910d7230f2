"""Server-sent events: bytes in, whole events out.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_EVENT: Final = 16 * 1024 * 1024
"""Bytes that one event may have. Far above any real one (an image in a tool result), far below memory."""

_CR: Final = ord("\r")  # a number: to look for a byte is four times as fast as to look for bytes
_BOM: Final = b"\xef\xbb\xbf"


class SSEError(ValueError):
    """The bytes cannot be an event stream that we would want to read."""


class ServerSentEvent(NamedTuple):
    """event: its name, empty if it has none. data: its lines joined by LF."""

    event: str
    data: bytes


class SSEDecoder:
    """Takes a stream in any pieces. The same bytes give the same events however they are cut."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max = max_event
        self._line: list[bytes] = []  # pieces of a line whose end has not come yet
        self._after_cr = False  # an LF that comes next belongs to the CR before it
        self._first = True
        self._event = ""
        self._data: list[bytes] = []
        self._line_size = 0
        self._data_size = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes.

        Raises:
            SSEError: an event is larger than allowed.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        if _CR in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._line:
            lines[0] = b"".join((*self._line, lines[0]))
            self._line.clear()
            self._line_size = 0
        events = self._take(lines) if lines else []
        if rest:
            self._line.append(rest)
            self._line_size += len(rest)
            self._check()
        return events

    def finish(self) -> list[ServerSentEvent]:
        """The last event, if the stream ended without the empty line that should follow it.

        The specification drops such an event; servers that forget the line are more common
        than ones that break off exactly there, and a broken event fails as JSON anyway.

        Raises:
            SSEError: as `feed`.
        """
        lines = [b"".join(self._line), b""]
        self._line.clear()
        self._line_size = 0
        return self._take(lines)

    def _take(self, lines: list[bytes]) -> list[ServerSentEvent]:
        if self._first:
            self._first = False
            lines[0] = lines[0].removeprefix(_BOM)
        events: list[ServerSentEvent] = []
        for line in lines:
            if not line:
                self._dispatch(events)
                continue
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
                self._data_size += len(value) + 1
                if self._data_size > self._max:
                    self._check()
            elif name == b"event":
                self._event = value.removeprefix(b" ").decode("utf-8", "replace")
        return events

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            events.append(ServerSentEvent(self._event, b"\n".join(self._data)))
            self._data.clear()
            self._data_size = 0
        self._event = ""

    def _check(self) -> None:
        if self._line_size + self._data_size > self._max:
            raise SSEError(f"an event is larger than {self._max} bytes")
