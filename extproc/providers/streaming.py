"""What all readers of event streams share: framing, the one error at most, and the proper end."""

from __future__ import annotations

from enum import Enum, auto

from extproc.chat.events import End, Event, StreamError
from extproc.errors import ProviderError, ProviderFailed
from extproc.wire.rawjson import MalformedJSON
from extproc.wire.sse import ServerSentEvent, SSEDecoder, SSEError


class _State(Enum):
    OPEN = auto()
    OVER = auto()


class EventStreamReader:
    """See ``extproc.chat.seams.StreamReader``. A format says what its events mean."""

    def __init__(self) -> None:
        self._decoder = SSEDecoder()
        self._state = _State.OPEN

    def feed(self, chunk: bytes) -> list[Event]:
        if self._state is _State.OVER:
            return []
        out: list[Event] = []
        try:
            self._read(self._decoder.feed(chunk), out)
        except (SSEError, MalformedJSON, ProviderError) as error:
            self._break(error, out)
        return out

    def finish(self) -> list[Event]:
        if self._state is _State.OVER:
            return []
        out: list[Event] = []
        try:
            self._read(self._decoder.finish(), out)
            if self._state is _State.OPEN:
                self.closed()
                out.append(End())
        except (SSEError, MalformedJSON, ProviderError) as error:
            self._break(error, out)
        self._state = _State.OVER
        return out

    def _read(self, events: list[ServerSentEvent], out: list[Event]) -> None:
        for event in events:
            self.event(event, out)
            if out and type(out[-1]) is End:
                self._state = _State.OVER
                return

    def _break(self, error: Exception, out: list[Event]) -> None:
        self._state = _State.OVER
        if not isinstance(error, ProviderError):
            error = ProviderFailed(f"the provider sent a malformed event stream: {error}")
        out.append(StreamError(error))

    def event(self, event: ServerSentEvent, out: list[Event]) -> None:
        """What `event` means; `End` if the stream is complete with it.

        Raises:
            MalformedJSON, ProviderError: the stream is broken, or says so.
        """
        raise NotImplementedError

    def closed(self) -> None:
        """The provider closed the stream without a word of farewell, and nothing is missing.

        Raises:
            ProviderError: something is missing.
        """
        raise NotImplementedError


def truncated() -> ProviderFailed:
    return ProviderFailed("the provider's stream ended before its answer did")
