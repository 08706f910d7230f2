"""What the control plane tells the supervisor, a line of JSON each, over a pipe that it inherits.

A pipe rather than exit statuses: what was written is read to its end before the death is handled, and a
crash cannot be taken for a verdict on the configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, TypeAlias

ENVIRONMENT: Final = "LLM_GATEWAY_NEWS_FD"
"""The environment variable with the number of the pipe's descriptor."""
_LONGEST: Final = 1 << 20
"""Bytes of a line."""


@dataclass(frozen=True, slots=True)
class Serving:
    """ADS answers, and Envoy's bootstrap is written."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not ready yet, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Traffic flows at `url`."""

    url: str


@dataclass(frozen=True, slots=True)
class Problems:
    """The configuration is wrong, a message each, and there is no other to serve."""

    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unable:
    """This machine, or Envoy, does not allow what the configuration asks."""

    messages: tuple[str, ...]


News: TypeAlias = Serving | Waiting | Ready | Problems | Unable
_KINDS: Final[dict[str, Any]] = {kind.__name__: kind for kind in (Serving, Waiting, Ready, Problems, Unable)}


def encode(news: News) -> bytes:
    return json.dumps([type(news).__name__, asdict(news)]).encode() + b"\n"


def decode(line: bytes) -> News:
    name, fields = json.loads(line)
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    found: News = _KINDS[name](**values)
    return found


@contextlib.contextmanager
def pipe() -> Iterator[tuple[BinaryIO, int]]:
    """The supervisor's end, and the descriptor for the child to inherit, closed here afterwards."""
    ours, theirs = os.pipe()
    reader = os.fdopen(ours, "rb", buffering=0)
    try:
        yield reader, theirs
    except BaseException:
        reader.close()
        raise
    finally:
        os.close(theirs)


async def hear(reader: BinaryIO, on_news: Callable[[News], None]) -> None:
    """Calls `on_news` until the other end is closed."""
    stream = asyncio.StreamReader(limit=_LONGEST)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), reader
    )
    try:
        while line := await stream.readline():
            on_news(decode(line))
    finally:
        transport.close()


class Teller:
    """The control plane's end. Without a pipe, what it is told goes nowhere."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._descriptor = int(environment.get(ENVIRONMENT, "-1"))

    def tell(self, news: News) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):  # the supervisor has gone; so shall we, at once
                os.write(self._descriptor, encode(news))
