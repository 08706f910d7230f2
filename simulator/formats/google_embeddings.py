"""Gemini's embeddings, and Vertex AI's: https://ai.google.dev/api/embeddings

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import msgspec

from simulator.formats.vendor_google import Google, invalid
from simulator.tokens import count
from simulator.vectors import vector
from simulator.wire import ApiError, Call, Reply, known_model, require_json

T = TypeVar("T")
_PATH: Final = re.compile(
    r"/v1(?:beta1?)?(?P<project>/projects/[^/]+/locations/[^/]+)?(?:/publishers/google)?/models/"
    r"(?P<model>[^/:]+):(?P<method>embedContent|batchEmbedContents|predict)"
)
_DIMENSIONS: Final = 3072
_MOST: Final = 100
_TaskType = Literal[
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    pass


class _Part(_Strict):
    text: str


class _Content(_Strict):
    parts: list[_Part]
    role: str | None = None


class _Options(_Strict):
    task_type: _TaskType | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class _Wanted(_Strict):
    """One text: AI Studio has the options beside it, Vertex AI within ``embedContentConfig``."""

    content: _Content
    model: str | None = None
    embed_content_config: _Options | None = None
    task_type: _TaskType | None = None
    title: str | None = None
    output_dimensionality: int | None = None

    @property
    def text(self) -> str:
        return " ".join(part.text for part in self.content.parts)


class _Batch(_Strict):
    requests: list[_Wanted]


class _Instance(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    task_type: _TaskType | None = None
    title: str | None = None


class _Parameters(_Strict):
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class _Predict(_Strict):
    instances: list[_Instance]
    parameters: _Parameters | None = None


class _Vendor(Google):
    def authenticate(self, call: Call) -> None:
        if "/projects/" not in call.path:
            super().authenticate(call)
            return
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or call.account.api_key not in (None, token.strip()):
            raise ApiError(401, "")


class GoogleEmbeddings:
    """See the module."""

    vendor = _Vendor()
    methods = ("POST",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return _PATH.fullmatch(path) is not None

    def warm_up(self) -> None:
        """Nothing is slow here."""

    def reply(self, call: Call) -> Reply:
        require_json(call)
        found = _PATH.fullmatch(call.path)
        if found is None or (found["project"] is None and found["method"] == "predict"):
            raise ApiError(404, "")
        if not known_model(found["model"]):
            raise ApiError(404, f"models/{found['model']} is not found for API version v1beta")
        if found["method"] == "predict":
            told = _predicted(call.body)
        else:
            told = _embedded(call.body, found["model"], found["method"], vertex=found["project"] is not None)
        headers = (("content-type", "application/json; charset=UTF-8"), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=msgspec.json.encode(told))


def _read(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error


def _embedded(body: bytes, model: str, method: str, *, vertex: bool) -> dict[str, Any]:
    batch = method == "batchEmbedContents"
    wanted = _read(body, _Batch).requests if batch else [_read(body, _Wanted)]
    if not 1 <= len(wanted) <= _MOST:
        raise invalid(f"BatchEmbedContentsRequest.requests: 1 to {_MOST} requests, not {len(wanted)}.")
    for each in wanted:
        beside = (each.task_type, each.title, each.output_dimensionality)
        if vertex and (beside != (None, None, None) or each.model is not None):
            raise invalid("Invalid JSON payload received. Options belong into embedContentConfig.")
        if not vertex and each.embed_content_config is not None:
            raise invalid('Invalid JSON payload received. Unknown name "embedContentConfig".')
        if not vertex and batch and each.model != f"models/{model}":
            raise invalid("BatchEmbedContentsRequest.requests[].model: it must be the model of the path.")
    vectors = [{"values": vector(each.text, _dimensions(_asked(each)))} for each in wanted]
    usage = {"promptTokenCount": sum(count(each.text) for each in wanted)}
    told = {"embeddings": vectors} if batch else {"embedding": vectors[0]}
    return {**told, "usageMetadata": usage}


def _asked(wanted: _Wanted) -> int | None:
    if wanted.embed_content_config is not None:
        return wanted.embed_content_config.output_dimensionality
    return wanted.output_dimensionality


def _predicted(body: bytes) -> dict[str, Any]:
    wanted = _read(body, _Predict)
    size = _dimensions(wanted.parameters.output_dimensionality if wanted.parameters else None)
    return {
        "predictions": [
            {
                "embeddings": {
                    "values": vector(each.content, size),
                    "statistics": {"token_count": count(each.content), "truncated": False},
                }
            }
            for each in wanted.instances
        ],
        "metadata": {"billableCharacterCount": sum(len(each.content) for each in wanted.instances)},
    }


def _dimensions(asked: int | None) -> int:
    if asked is not None and not 1 <= asked <= _DIMENSIONS:
        raise invalid(f"output_dimensionality: 1 to {_DIMENSIONS}, not {asked}.")
    return asked or _DIMENSIONS
