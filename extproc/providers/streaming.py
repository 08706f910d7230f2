"""What all readers of event streams share: framing, the one error at most, and the proper end."""

from __future__ import annotations

from enum import Enum, auto

from extproc.chat.events import End, Event, StreamError
from extproc.errors import ProviderError, ProviderFailed
from extproc.wire.eventstream import EventStreamDecoder, EventStreamError, Message
from extproc.wire.rawjson import MalformedJSON
from extproc.wire.sse import ServerSentEvent, SSEDecoder, SSEError


class _State(Enum):
    OPEN = auto()
    OVER = auto()


class ProviderStreamReader:
    """See ``extproc.chat.seams.StreamReader``. A framing says how bytes become events of the provider's."""

    def __init__(self) -> None:
        self._state = _State.OPEN

    def feed(self, chunk: bytes) -> list[Event]:
        if self._state is _State.OVER:
            return []
        out: list[Event] = []
        try:
            self.take(chunk, out)
        except (SSEError, EventStreamError, MalformedJSON, ProviderError) as error:
            self._break(error, out)
        return out

    def finish(self) -> list[Event]:
        if self._state is _State.OVER:
            return []
        out: list[Event] = []
        try:
            self.take_rest(out)
            if self._state is _State.OPEN:
                self.closed()
                out.append(End())
        except (SSEError, EventStreamError, MalformedJSON, ProviderError) as error:
            self._break(error, out)
        self._state = _State.OVER
        return out

    def over(self, out: list[Event]) -> bool:
        """Whether the stream is complete with the last event of `out`; nothing is read after it."""
        if out and type(out[-1]) is End:
            self._state = _State.OVER
            return True
        return False

    def _break(self, error: Exception, out: list[Event]) -> None:
        self._state = _State.OVER
        if not isinstance(error, ProviderError):
            error = ProviderFailed(f"the provider sent a malformed event stream: {error}")
        out.append(StreamError(error))

    def take(self, chunk: bytes, out: list[Event]) -> None:
        """What `chunk` completes, up to where the stream is `over`.

        Raises:
            SSEError, EventStreamError, MalformedJSON, ProviderError: the stream is broken, or says so.
        """
        raise NotImplementedError

    def take_rest(self, out: list[Event]) -> None:
        """What is left when the provider has closed the stream. Raises: as `take`."""
        raise NotImplementedError

    def closed(self) -> None:
        """The provider closed the stream without a word of farewell, and nothing is missing.

        Raises:
            ProviderError: something is missing.
        """
        raise NotImplementedError


class EventStreamReader(ProviderStreamReader):
    """Server-sent events. A format says what its events mean."""

    def __init__(self) -> None:
        super().__init__()
        self._decoder = SSEDecoder()

    def take(self, chunk: bytes, out: list[Event]) -> None:
        self._read(self._decoder.feed(chunk), out)

    def take_rest(self, out: list[Event]) -> None:
        self._read(self._decoder.finish(), out)

    def _read(self, events: list[ServerSentEvent], out: list[Event]) -> None:
        for event in events:
            self.event(event, out)
            if self.over(out):
                return

    def event(self, event: ServerSentEvent, out: list[Event]) -> None:
        """What `event` means; `End` if the stream is complete with it.

        Raises:
            MalformedJSON, ProviderError: the stream is broken, or says so.
        """
        raise NotImplementedError


class MessageStreamReader(ProviderStreamReader):
    """AWS's binary event streams. A format says what its messages mean."""

    def __init__(self) -> None:
        super().__init__()
        self._decoder = EventStreamDecoder()

    def take(self, chunk: bytes, out: list[Event]) -> None:
        for message in self._decoder.feed(chunk):
            self.message(message, out)
            if self.over(out):
                return

    def take_rest(self, out: list[Event]) -> None:  # noqa: ARG002 - no message is whole without its end
        self._decoder.finish()

    def message(self, message: Message, out: list[Event]) -> None:
        """What `message` means; as ``EventStreamReader.event``."""
        raise NotImplementedError


def truncated() -> ProviderFailed:
    return ProviderFailed("the provider's stream ended before its answer did")
