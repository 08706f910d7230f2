"""A child's stderr: passed on line by line, the end of it kept for the message about a crash loop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Final

_CHUNK: Final = 1 << 16
"""Bytes; a line beyond it is passed on in parts."""
_KEPT: Final = 6
_LONGEST: Final = 300
"""Characters of a kept line."""


class Tail:
    """The last lines that one process printed; all of them go on to `pass_on`."""

    def __init__(self, pass_on: Callable[[bytes], None]) -> None:
        self._pass_on = pass_on
        self._last: deque[bytes] = deque(maxlen=_KEPT)
        self._begun = b""

    def lines(self) -> list[str]:
        texts = (line.decode(errors="replace").rstrip() for line in (*self._last, self._begun))
        return [text[:_LONGEST] for text in texts if text][-_KEPT:]

    async def follow(self, stderr: asyncio.StreamReader) -> None:
        """To the end."""
        while data := await stderr.read(_CHUNK):
            self._pass_on(self.feed(data))
        self._pass_on(self._begun)

    def feed(self, data: bytes) -> bytes:
        """The whole lines that `data` completes; of several processes, lines then do not mix."""
        text = self._begun + data
        whole, newline, self._begun = text.rpartition(b"\n")
        if not newline and len(text) > _CHUNK:
            whole, self._begun = text, b""
        self._last.extend(whole.splitlines())
        return whole + newline


class Held:
    """Keeps what it is given until `release`: where the configuration is wrong, that alone is to be seen."""

    def __init__(self) -> None:
        self._held: list[bytes] | None = []

    def __call__(self, data: bytes) -> None:
        if self._held is None:
            to_stderr(data)
        else:
            self._held.append(data)

    def release(self) -> None:
        held, self._held = self._held or [], None
        for data in held:
            to_stderr(data)


def to_stderr(data: bytes) -> None:
    """To our own stderr; that it is closed must not end the group."""
    if data:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
