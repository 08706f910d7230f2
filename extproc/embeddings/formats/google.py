"""Gemini's embeddings, and those of Vertex AI.

Gemini: https://ai.google.dev/api/embeddings. On Vertex AI Gemini's models take one text by
``embedContent`` and several by ``batchEmbedContents``, options in ``embedContentConfig``; partners' models
(``maas``) take one; all others are asked by ``predict``:
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.embeddings.formats.unary import HEADERS, UnaryFormat
from extproc.embeddings.model import EmbeddingsRequest
from extproc.errors import RequestError
from extproc.providers.google.paths import is_vertex, request_path
from extproc.wire.rawjson import decoder, encode

_OF_GEMINI: Final = ("taskType", "title")
"""Google's own fields, which a client may send along. ``title`` is a document's."""
_OF_VERTEX: Final = (*_OF_GEMINI, "autoTruncate")
_ONE_TEXT: Final = "maas"


class _Statistics(msgspec.Struct, gc=False):
    token_count: float | None = None


class _Embedding(msgspec.Struct, gc=False):
    values: list[float] = []
    statistics: _Statistics | None = None


class _Prediction(msgspec.Struct, gc=False):
    embeddings: _Embedding


class _Usage(msgspec.Struct, gc=False):
    promptTokenCount: int | None = None  # noqa: N815 - Google's name


class _Answer(msgspec.Struct, gc=False):
    """embeddings: of a batch; embedding: of one; predictions: of ``predict``."""

    embeddings: list[_Embedding] | None = None
    embedding: _Embedding | None = None
    predictions: list[_Prediction] | None = None
    usageMetadata: _Usage | None = None  # noqa: N815 - Google's name


_read: Final = decoder(_Answer)


class GoogleEmbeddings(UnaryFormat):
    """See ``extproc.chat.seams.Format``."""

    def write_request(self, request: EmbeddingsRequest, target: Target, model: str) -> ProviderRequest:
        """Raises: RequestError for several texts where the model takes one."""
        vertex = is_vertex(target)
        if not vertex:
            method, body = "batchEmbedContents", _batch(request, model)
        elif "gemini" in model or _ONE_TEXT in model:
            method, body = _embed_content(request, model)
        else:
            method, body = "predict", _predict(request)
        known = _OF_VERTEX if vertex else _OF_GEMINI
        unsupported = [name for name in request.extra if name not in known]
        if request.user is not None:
            unsupported.append("user")
        return ProviderRequest(
            path=_path(target, model, method),
            headers=HEADERS,
            body=encode(body),
            unsupported=tuple(unsupported),
        )

    def vectors(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[list[float]], int | None]:  # noqa: ARG002
        answer = _read(body)
        if answer.predictions is not None:
            embeddings = [prediction.embeddings for prediction in answer.predictions]
        else:
            embeddings = [answer.embedding] if answer.embedding is not None else answer.embeddings or []
        return [embedding.values for embedding in embeddings], _tokens(answer, embeddings)


def _path(target: Target, model: str, method: str) -> str:
    return f"{request_path(target, model, stream=False).rpartition(':')[0]}:{method}"


def _tokens(answer: _Answer, embeddings: list[_Embedding]) -> int | None:
    if answer.usageMetadata is not None and answer.usageMetadata.promptTokenCount is not None:
        return answer.usageMetadata.promptTokenCount
    counts = [one.statistics.token_count for one in embeddings if one.statistics is not None]
    known = [count for count in counts if count is not None]
    return int(sum(known)) if known else None


def _content(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}]}


def _options(request: EmbeddingsRequest, known: tuple[str, ...]) -> dict[str, Any]:
    options: dict[str, Any] = {name: request.extra[name] for name in known if name in request.extra}
    if request.dimensions is not None:
        options["outputDimensionality"] = request.dimensions
    return options


def _batch(request: EmbeddingsRequest, model: str) -> dict[str, Any]:
    shared = {"model": model if "/" in model else f"models/{model}", **_options(request, _OF_GEMINI)}
    return {"requests": [{"content": _content(text), **shared} for text in request.inputs]}


def _embed_content(request: EmbeddingsRequest, model: str) -> tuple[str, dict[str, Any]]:
    options = _options(request, _OF_VERTEX)
    shared = {"embedContentConfig": options} if options else {}
    wanted = [{"content": _content(text), **shared} for text in request.inputs]
    if len(wanted) == 1:
        return "embedContent", wanted[0]
    if _ONE_TEXT in model:
        raise RequestError(f"input: {model} takes one text in a request, not {len(wanted)}", param="input")
    return "batchEmbedContents", {"requests": wanted}


def _predict(request: EmbeddingsRequest) -> dict[str, Any]:
    given = _options(request, _OF_VERTEX)
    names = {"taskType": "task_type", "title": "title"}
    shared = {told: given[name] for name, told in names.items() if name in given}
    parameters = {name: value for name, value in given.items() if name not in names}
    body: dict[str, Any] = {"instances": [{"content": text, **shared} for text in request.inputs]}
    return body | {"parameters": parameters} if parameters else body
