"""What is measured: each row is a way that a request can take, at one of the sites that the stand brings up."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tests.bench.apis import CHAT, MESSAGES, Api

Kind: TypeAlias = Literal["unary", "stream"]

PLAIN: Final = "plain"
TRANSCODER: Final = "transcoder"
TRANSCODER_MINIMAL: Final = "transcoder-minimal"
SLOW_TRANSPORT: Final = "grpcio"

REFERENCE: Final[dict[Kind, str]] = {"unary": "plain-unary", "stream": "plain-stream"}
"""The row of plain Envoy that a row is compared to."""
LIMIT: Final = {"translated-unary": "transcoder-unary", "translated-stream": "transcoder-stream"}
"""The same translation by Envoy's own, alpha, C++ filter in the same place of the same configuration."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    site: the Envoy under load, see `stand`; ``gateway@TRANSPORT`` is ours.
    model: the public name that the request asks for.
    attempts: what the gateway must say it needed, where the number is the point of the row.
    api: what the client speaks.
    """

    name: str
    kind: Kind
    site: str
    model: str
    attempts: int | None = None
    api: Api = CHAT

    @property
    def base(self) -> str:
        """The name without the transport."""
        return self.name.partition("@")[0]


_PLAIN: Final = (
    Row("plain-unary", "unary", PLAIN, "any"),
    Row("plain-stream", "stream", PLAIN, "any"),
)
_TRANSCODER: Final = (
    Row("transcoder-unary", "unary", TRANSCODER, "translated-unary"),
    Row("transcoder-stream", "stream", TRANSCODER, "translated-stream"),
    Row("transcoder-minimal-unary", "unary", TRANSCODER_MINIMAL, "any"),
    Row("transcoder-minimal-stream", "stream", TRANSCODER_MINIMAL, "any"),
)


def gateway_site(transport: str) -> str:
    return f"gateway@{transport}"


def rows(transports: Sequence[str]) -> list[Row]:
    """Every row. The native ones have no ext_proc, so they run once, on the first transport's gateway."""
    native = [
        Row("native-unary", "unary", gateway_site(transports[0]), "native-unary", 1),
        Row("native-stream", "stream", gateway_site(transports[0]), "native-stream", 1),
    ]
    ours = [row for transport in transports for row in _over(transport)]
    return [*_PLAIN, *native, *ours, *_TRANSCODER]


def _over(transport: str) -> list[Row]:
    def row(name: str, kind: Kind, attempts: int, api: Api = CHAT) -> Row:
        return Row(f"{name}@{transport}", kind, gateway_site(transport), name, attempts, api)

    return [
        row("alias-unary", "unary", 1),
        row("failover-stream", "stream", 1),
        row("translated-unary", "unary", 1),
        row("translated-stream", "stream", 1),
        row("gemini-unary", "unary", 1),
        row("gemini-stream", "stream", 1),
        row("bedrock-unary", "unary", 1),
        row("bedrock-stream", "stream", 1),
        row("messages-unary", "unary", 1, MESSAGES),
        row("messages-stream", "stream", 1, MESSAGES),
        row("translated-failover", "unary", 2),
    ]


def select(everything: Sequence[Row], patterns: Sequence[str]) -> list[Row]:
    """The rows that a pattern names, with or without transport, and the reference rows that they need.

    Raises: ValueError: a pattern names no row.
    """
    if not patterns:
        return list(everything)
    for pattern in patterns:
        if not any(_named(row, pattern) for row in everything):
            raise ValueError(
                f"no row is called {pattern!r}; there are {', '.join(r.name for r in everything)}"
            )
    chosen = [row for row in everything if any(_named(row, pattern) for pattern in patterns)]
    needed = {REFERENCE[row.kind] for row in chosen} | {row.name for row in chosen}
    return [row for row in everything if row.name in needed]


def _named(row: Row, pattern: str) -> bool:
    return fnmatch.fnmatchcase(row.name, pattern) or fnmatch.fnmatchcase(row.base, pattern)
