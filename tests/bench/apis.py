"""What clients speak: where they ask, how, and how they know that a stream is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from tests.bench import bodies


class _Request(Protocol):
    def __call__(self, model: str, *, stream: bool, chunks: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Api:
    """A dialect of the gateway's clients.

    request: makes a body, see `bodies.request`.
    end: the last bytes of a whole stream.
    """

    path: str
    request: _Request
    end: bytes


CHAT: Final = Api("/v1/chat/completions", bodies.request, bodies.DONE)
MESSAGES: Final = Api("/v1/messages", bodies.messages_request, bodies.MESSAGE_STOP)
