"""The JSON of a request for embeddings: https://platform.openai.com/docs/api-reference/embeddings/create"""

from __future__ import annotations

from typing import Literal

import msgspec


class Request(msgspec.Struct, gc=False):
    """input: one text, several, one text as tokens, or several of those. Optional fields may be null."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
