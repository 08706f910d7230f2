"""Gemini's log probabilities in the form of OpenAI's: https://ai.google.dev/api/generate-content#LogprobsResult"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from extproc.providers.google import shapes
from extproc.wire.rawjson import raw


def write_logprobs(result: shapes.Logprobs) -> Raw:
    """The JSON text of OpenAI's ``logprobs`` object."""
    tops = result.top_candidates or []
    content = []
    for n, chosen in enumerate(result.chosen_candidates or ()):
        top = tops[n].candidates or () if n < len(tops) else ()
        content.append({**_token(chosen), "top_logprobs": [_token(other) for other in top]})
    return raw({"content": content, "refusal": None})


def _token(token: shapes.Token) -> dict[str, Any]:
    text = token.token or ""
    return {"token": text, "logprob": token.log_probability or 0.0, "bytes": list(text.encode())}
