"""``POST /model/{model}/invoke`` for Titan's and Cohere's embeddings.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar
from urllib.parse import unquote

import msgspec

from simulator.formats.vendor_bedrock import Bedrock, invalid
from simulator.tokens import count
from simulator.vectors import vector
from simulator.wire import ApiError, Call, Reply, require_json

T = TypeVar("T")
_PATH: Final = re.compile(r"/v1/model/(?P<model>[^/]+)/invoke")
_MOST_TEXTS: Final = 96


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _TitanV1(_Strict):
    inputText: str  # noqa: N815 - Amazon's name


class _TitanV2(_Strict):
    inputText: str  # noqa: N815 - Amazon's name
    dimensions: Literal[256, 512, 1024] = 1024
    normalize: bool = True
    embeddingTypes: tuple[Literal["float", "binary"], ...] = ("float",)  # noqa: N815 - Amazon's name


class _CohereV3(_Strict):
    texts: list[str]
    input_type: Literal["search_document", "search_query", "classification", "clustering"]
    truncate: Literal["NONE", "START", "END"] = "NONE"


class _CohereV4(_Strict):
    texts: list[str]
    input_type: Literal["search_document", "search_query", "classification", "clustering"]
    truncate: Literal["NONE", "LEFT", "RIGHT"] = "NONE"
    output_dimension: Literal[256, 512, 1024, 1536] = 1536
    max_tokens: int = 128_000


def _read(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise invalid(
            f"Malformed input request: {error}, please reformat your input and try again."
        ) from error


def _titan(text: str, dimensions: int) -> tuple[dict[str, Any], int]:
    if not text:
        raise invalid("Malformed input request: expected minLength: 1, actual: 0.")
    tokens = count(text)
    return {"embedding": vector(text, dimensions), "inputTextTokenCount": tokens}, tokens


def _titan_v1(body: bytes) -> tuple[dict[str, Any], int]:
    return _titan(_read(body, _TitanV1).inputText, 1536)


def _titan_v2(body: bytes) -> tuple[dict[str, Any], int]:
    asked = _read(body, _TitanV2)
    told, tokens = _titan(asked.inputText, asked.dimensions)
    return {**told, "embeddingsByType": {"float": told["embedding"]}}, tokens


def _cohere_v3(body: bytes) -> tuple[dict[str, Any], int]:
    asked = _read(body, _CohereV3)
    return _cohere(asked.texts, 1024)


def _cohere_v4(body: bytes) -> tuple[dict[str, Any], int]:
    asked = _read(body, _CohereV4)
    return _cohere(asked.texts, asked.output_dimension)


def _cohere(texts: list[str], dimensions: int) -> tuple[dict[str, Any], int]:
    if not 1 <= len(texts) <= _MOST_TEXTS:
        raise invalid(f"Malformed input request: 1 to {_MOST_TEXTS} texts, not {len(texts)}.")
    told = {
        "id": "00000000-0000-4000-8000-000000000000",
        "response_type": "embeddings_floats",
        "texts": texts,
        "embeddings": [vector(text, dimensions) for text in texts],
    }
    return told, count(texts)


_MODELS: Final[dict[str, Callable[[bytes], tuple[dict[str, Any], int]]]] = {
    "amazon.titan-embed-text-v1": _titan_v1,
    "amazon.titan-embed-text-v2:0": _titan_v2,
    "cohere.embed-english-v3": _cohere_v3,
    "cohere.embed-multilingual-v3": _cohere_v3,
    "cohere.embed-v4:0": _cohere_v4,
}


class BedrockEmbeddings:
    """See the module."""

    vendor = Bedrock()
    methods = ("POST",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return _PATH.fullmatch(path) is not None

    def warm_up(self) -> None:
        """Nothing is slow here."""

    def reply(self, call: Call) -> Reply:
        require_json(call)
        found = _PATH.fullmatch(call.path)
        model = unquote(found["model"]) if found is not None else ""
        answer = next((each for name, each in _MODELS.items() if model.endswith(name)), None)
        if answer is None:
            raise ApiError(400, "The provided model identifier is invalid.")
        told, tokens = answer(call.body)
        headers = (
            ("content-type", "application/json"),
            ("x-amzn-bedrock-input-token-count", str(tokens)),
            *self.vendor.headers(call.serial),
        )
        return Reply(status=200, headers=headers, body=msgspec.json.encode(told))
