"""What a peer is told first: the limits that it is to keep."""

from __future__ import annotations

from typing import Final

from extproc.transport.h2 import frames
from extproc.transport.h2.headers import MAX_BLOCK
from extproc.transport.h2.stream import WINDOW

MAX_STREAMS: Final = 10_000
"""Calls at a time on one connection; Envoy opens another connection for more."""
CONNECTION_WINDOW: Final = 16 * 1024 * 1024
"""Bytes that a peer may send, over all streams, before it gets credit."""

GREETING: Final = frames.settings(
    (frames.MAX_CONCURRENT_STREAMS, MAX_STREAMS),
    (frames.INITIAL_WINDOW_SIZE, WINDOW),
    (frames.MAX_HEADER_LIST_SIZE, MAX_BLOCK),
) + frames.window_update(0, CONNECTION_WINDOW - frames.DEFAULT_WINDOW)
