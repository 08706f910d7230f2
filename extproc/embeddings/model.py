"""The neutral model of embeddings."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import Raw


class EmbeddingsRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One request. None means that the client did not say.

    inputs: texts, of which each becomes a vector; at least one.
    dimensions: how long the vectors are to be.
    user: who the client asks for.
    extra: fields that the dialect does not define, for the vendor that does.
    echo: what the answer depends on; see ``ReplyContext``.

    The constants are what a session asks any request for, and what embeddings do not have.
    """

    model: str
    inputs: tuple[str, ...]
    dimensions: int | None = None
    user: str | None = None
    extra: dict[str, Raw] = {}
    echo: dict[str, Raw] | None = None

    stream: ClassVar[bool] = False
    include_usage: ClassVar[bool] = False
    legacy_functions: ClassVar[bool] = False
    unsupported: ClassVar[tuple[str, ...]] = ()
    places: ClassVar[dict[str, str] | None] = None


class EmbeddingsResponse(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """vectors: in the order of the inputs. tokens: of all inputs; None: the provider does not say."""

    vectors: tuple[list[float], ...]
    tokens: int | None = None
