"""A request for embeddings becoming neutral: https://platform.openai.com/docs/api-reference/embeddings/create"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.dialects.openai_embeddings import shapes
from extproc.embeddings.model import EmbeddingsRequest
from extproc.errors import RequestError
from extproc.wire.rawjson import MalformedJSON, decoder, present, raw, replace_string

BASE64: Final = raw("base64")

_KNOWN: Final = frozenset(shapes.Request.__struct_fields__)
_read_request: Final = decoder(shapes.Request)
_read_fields: Final = decoder(dict[str, Raw])


def read_request(body: bytes) -> EmbeddingsRequest:
    """The request in `body`.

    Raises:
        RequestError: not a request for embeddings, or one of tokens; ``param`` names the field.
    """
    try:
        request = _read_request(body)
        fields = _read_fields(body)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None
    if request.dimensions is not None and request.dimensions < 1:
        raise RequestError("dimensions: must be at least 1", param="dimensions")
    return EmbeddingsRequest(
        model=request.model,
        inputs=_inputs(request.input),
        dimensions=request.dimensions,
        user=request.user,
        extra={
            name: value for name, value in fields.items() if name not in _KNOWN and present(value) is not None
        },
        echo={"encoding_format": BASE64} if request.encoding_format == "base64" else None,
    )


def edit_request(body: bytes, *, model: str) -> bytes:
    """`body` under another model name; see ``rawjson.replace_string``.

    Raises:
        RequestError: not a JSON object with a string ``model``.
    """
    try:
        return replace_string(body, "model", model)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _inputs(given: str | list[str | int | list[int]]) -> tuple[str, ...]:
    items = [given] if isinstance(given, str) else given
    texts = tuple(item for item in items if isinstance(item, str))
    if len(texts) < len(items):
        raise RequestError(
            "input: this model takes text, not tokens, whose numbers mean other words to it", param="input"
        )
    if not texts or not all(texts):
        raise RequestError("input: must not be empty", param="input")
    return texts
