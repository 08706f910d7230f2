"""The JSON of a legacy completion request: https://platform.openai.com/docs/api-reference/completions/create

Optional fields may be null.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from extproc.wire.rawjson import ABSENT


class StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class Request(msgspec.Struct, gc=False):
    """prompt: one text, several, one prompt as tokens, or several of those. The last fields stay text."""

    model: str
    prompt: str | list[str | int | list[int]]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    user: str | None = None
    suffix: str | None = None
    echo: bool | None = None
    logprobs: int | None = None
    n: int | None = None
    best_of: int | None = None
    seed: Raw = ABSENT
    presence_penalty: Raw = ABSENT
    frequency_penalty: Raw = ABSENT
    logit_bias: Raw = ABSENT


class TopLogprob(msgspec.Struct, gc=False):
    """One of the likeliest tokens at a place of a chat completion's ``logprobs``."""

    token: str
    logprob: float


class TokenLogprob(msgspec.Struct, gc=False):
    """One token of a chat completion's ``logprobs``."""

    token: str
    logprob: float
    top_logprobs: list[TopLogprob] | None = None


class ChatLogprobs(msgspec.Struct, gc=False):
    content: list[TokenLogprob] | None = None
