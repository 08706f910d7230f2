"""Embeddings of Amazon Bedrock's models, each with a body of its own, by ``InvokeModel``.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.embeddings.formats.unary import HEADERS, UnaryFormat
from extproc.embeddings.model import EmbeddingsRequest
from extproc.errors import RequestError
from extproc.wire.rawjson import decoder, encode


class _Model(NamedTuple):
    """name: a part of the model's id, whatever region or version stands around it.

    write: the body without the client's own fields. own: the model's fields that a client may send along.
    fixed: the length of its vectors, where no other can be asked for. batches: takes several texts.
    """

    name: str
    write: Callable[[EmbeddingsRequest], dict[str, Any]]
    own: tuple[str, ...] = ()
    fixed: int | None = None
    batches: bool = False


def _titan_v1(request: EmbeddingsRequest) -> dict[str, Any]:
    return {"inputText": request.inputs[0]}


def _titan_v2(request: EmbeddingsRequest) -> dict[str, Any]:
    return _titan_v1(request) | _given(dimensions=request.dimensions)


def _titan_image(request: EmbeddingsRequest) -> dict[str, Any]:
    if request.dimensions is None:
        return _titan_v1(request)
    return _titan_v1(request) | {"embeddingConfig": {"outputEmbeddingLength": request.dimensions}}


def _cohere(request: EmbeddingsRequest) -> dict[str, Any]:
    """``input_type`` is required; without a word from the client texts are for a search to find."""
    return {"texts": request.inputs, "input_type": "search_document"}


def _cohere_v4(request: EmbeddingsRequest) -> dict[str, Any]:
    return _cohere(request) | _given(output_dimension=request.dimensions)


def _given(**fields: int | None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


_OF_COHERE: Final = ("input_type", "truncate")
_MODELS: Final = (
    _Model("amazon.titan-embed-text-v2", _titan_v2, own=("normalize",)),
    _Model("amazon.titan-embed-image-v1", _titan_image),
    _Model("amazon.titan-embed-text-v1", _titan_v1, fixed=1536),
    _Model("amazon.titan-embed-g1-text-02", _titan_v1, fixed=1536),
    _Model("cohere.embed-v4", _cohere_v4, own=(*_OF_COHERE, "max_tokens"), batches=True),
    _Model("cohere.embed-english-v3", _cohere, own=_OF_COHERE, fixed=1024, batches=True),
    _Model("cohere.embed-multilingual-v3", _cohere, own=_OF_COHERE, fixed=1024, batches=True),
)


class _ByType(msgspec.Struct, gc=False):
    floats: list[list[float]] = msgspec.field(default_factory=list, name="float")


class _Answer(msgspec.Struct, gc=False):
    """embedding: Titan's. embeddings: Cohere's, which v4 may sort by type."""

    embedding: list[float] | None = None
    embeddings: list[list[float]] | _ByType | None = None
    inputTextTokenCount: int | None = None  # noqa: N815 - Amazon's name


_read: Final = decoder(_Answer)
_TOKENS: Final = "x-amzn-bedrock-input-token-count"
_NUMBER: Final = re.compile(r"[0-9]{1,15}")


class BedrockEmbeddings(UnaryFormat):
    """See ``extproc.chat.seams.Format``."""

    def write_request(self, request: EmbeddingsRequest, target: Target, model: str) -> ProviderRequest:
        """Raises: RequestError for a model that is not known, or for several texts where it takes one."""
        known = next((each for each in _MODELS if each.name in model), None)
        if known is None:
            raise RequestError(
                f"model: {model} is none of Titan's or Cohere's models of embeddings", param="model"
            )
        if not known.batches and len(request.inputs) > 1:
            raise RequestError(
                f"input: {model} takes one text in a request, not {len(request.inputs)}", param="input"
            )
        own = {name: value for name, value in request.extra.items() if name in known.own}
        return ProviderRequest(
            path=f"{target.base_path}/model/{quote(model, safe='')}/invoke",
            headers=HEADERS,
            body=encode(known.write(request) | own),
            unsupported=_unsupported(request, known),
        )

    def vectors(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[list[float]], int | None]:
        """Bodies of Cohere's models tell no tokens, but Bedrock counts those of every invocation in a header.

        https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
        """
        answer = _read(body)
        if answer.embedding is not None:
            return [answer.embedding], answer.inputTextTokenCount
        told = answer.embeddings
        return (told.floats if isinstance(told, _ByType) else told or []), _count(headers)


def _count(headers: Mapping[str, str]) -> int | None:
    told = headers.get(_TOKENS, "")
    return int(told) if _NUMBER.fullmatch(told) else None


def _unsupported(request: EmbeddingsRequest, known: _Model) -> tuple[str, ...]:
    names = [name for name in request.extra if name not in known.own]
    if known.fixed is not None and request.dimensions not in (None, known.fixed):
        names.append("dimensions")
    if request.user is not None:
        names.append("user")
    return tuple(names)
