"""Instructions to the simulator inside a user message, e.g. ``[sim:chunks=100,delay=0.02]``.

They belong to one request, so tests that run at the same time cannot disturb each other, and they
pass through a gateway unchanged in every format.

chunks=N    the answer has N content chunks: the usual answer, then the numbers 2 … N
delay=S     S seconds between content chunks
refuse      the model refuses
filter      the answer ends with the provider's content filter
preamble    text comes before the tool calls
redact      the thinking block is redacted (Anthropic)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from simulator.wire import ApiError

MAX_CHUNKS: Final = 1_000_000
_PATTERN: Final = re.compile(r"\s*\[sim:([^\]]*)\]")
_FLAGS: Final = frozenset({"refuse", "filter", "preamble", "redact"})


@dataclass(frozen=True, slots=True)
class Directives:
    """What a message asked of the simulator; see the module."""

    chunks: int | None = None
    delay: float = 0.0
    refuse: bool = False
    filter: bool = False
    preamble: bool = False
    redact: bool = False


def extract(text: str) -> tuple[str, Directives]:
    """`text` without its directives, and the directives.

    Raises: ApiError (400) for one that does not exist or has no sense.
    """
    directives = Directives()
    if "[sim:" not in text:
        return text, directives
    for found in _PATTERN.finditer(text):
        for item in filter(None, (part.strip() for part in found[1].split(","))):
            directives = _apply(directives, item)
    return _PATTERN.sub("", text), directives


def _apply(directives: Directives, item: str) -> Directives:
    name, _, value = item.partition("=")
    if name in _FLAGS and not value:
        return replace(directives, **{name: True})
    try:
        if name == "chunks" and 1 <= int(value) <= MAX_CHUNKS:
            return replace(directives, chunks=int(value))
        if name == "delay" and float(value) >= 0:
            return replace(directives, delay=float(value))
    except ValueError:
        pass
    raise ApiError(400, f"simulator: no such directive: {item!r}")
