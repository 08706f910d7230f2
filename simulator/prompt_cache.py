"""Prompt caching: which prefixes of earlier requests a provider remembers. Bounded, per account."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from simulator.tokens import count

MAX_PREFIXES: Final = 10_000


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens of a request that were read from the cache, and those that were written to it."""

    read: int = 0
    written: int = 0


class PromptCache:
    """Remembers prefixes by hash; the oldest are forgotten."""

    def __init__(self) -> None:
        self._prefixes: OrderedDict[bytes, None] = OrderedDict()

    def use(self, account: str, model: str, blocks: list[Any], breakpoints: set[int]) -> CacheUse:
        """What a request made of `blocks` reads and writes, if each of `breakpoints` (indices) ends a prefix.

        The longest prefix that an earlier request has written is read; what stands between it and
        the last breakpoint is written.
        """
        if not breakpoints:
            return CacheUse()
        last = max(breakpoints)
        digest = sha256(f"{account}\0{model}\0".encode())
        tokens = read = 0
        for at, block in enumerate(blocks[: last + 1]):
            digest.update(msgspec.json.encode(block))
            tokens += count(block)
            prefix = digest.digest()
            if prefix in self._prefixes:
                read = tokens
                self._prefixes.move_to_end(prefix)
            elif at in breakpoints:
                self._remember(prefix)
        return CacheUse(read, tokens - read)

    def _remember(self, prefix: bytes) -> None:
        self._prefixes[prefix] = None
        if len(self._prefixes) > MAX_PREFIXES:
            self._prefixes.popitem(last=False)
