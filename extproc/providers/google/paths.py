"""Where a model answers.

AI Studio: ``/v1beta/models/M:generateContent``. Vertex AI, below ``/v1/projects/P/locations/L``:
``/publishers/google/models/M:generateContent``, or ``/endpoints/N:generateContent`` for a tuned model.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from extproc.contract.target import Target
from extproc.errors import RequestError

VERTEX: Final = "vertex_ai"
_SAFE: Final = "/@-._~"


def is_vertex(target: Target) -> bool:
    return target.type == VERTEX or "/projects/" in target.base_path


def request_path(target: Target, model: str, *, stream: bool) -> str:
    """A model's name with a slash is the name of a resource already.

    Raises:
        RequestError: a name that would lead elsewhere.
    """
    if not model or any(step in ("", ".", "..") for step in model.split("/")):
        raise RequestError(f"model: {model!r} is no name of a model", param="model")
    if "/" not in model:
        model = f"publishers/google/models/{model}" if is_vertex(target) else f"models/{model}"
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"{target.base_path}/{quote(model, safe=_SAFE)}:{method}"
