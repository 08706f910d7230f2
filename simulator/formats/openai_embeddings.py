"""``POST /v1/embeddings``: https://platform.openai.com/docs/api-reference/embeddings/create"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from simulator.formats.vendor_openai import OpenAI, from_problem, invalid
from simulator.strict import RequestType
from simulator.tokens import count
from simulator.vectors import vector
from simulator.wire import ApiError, Call, Reply, known_model, read_object, require_json

_DIMENSIONS: Final = 1536
_MOST_INPUTS: Final = 2048


class OpenAIEmbeddings:
    """See the module."""

    vendor = OpenAI()
    methods = ("POST",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path == "/v1/embeddings"

    def warm_up(self) -> None:
        _request_type(lenient=False)

    def reply(self, call: Call) -> Reply:
        require_json(call)
        body = read_object(call.body)
        problem = _request_type(lenient=call.account.allow_unknown_fields).check(body)
        if problem is not None:
            raise from_problem(problem)
        inputs = _inputs(body["input"])
        dimensions = body.get("dimensions", _DIMENSIONS)
        if not 1 <= dimensions <= _DIMENSIONS:
            raise invalid(
                f"Invalid value for 'dimensions' = {dimensions}. At most {_DIMENSIONS}.",
                "dimensions",
            )
        if not known_model(body["model"]):
            raise ApiError(
                404,
                f"The model `{body['model']}` does not exist or you do not have access to it.",
                code="model_not_found",
            )
        vectors = [vector(text, dimensions) for text, _ in inputs]
        packed = body.get("encoding_format") == "base64"
        tokens = sum(size for _, size in inputs)
        told = {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": _packed(each) if packed else each}
                for index, each in enumerate(vectors)
            ],
            "model": body["model"],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        headers = (("content-type", "application/json"), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=msgspec.json.encode(told))


@cache
def _request_type(*, lenient: bool) -> RequestType:
    from openai.types.embedding_create_params import EmbeddingCreateParams  # noqa: PLC0415 - half a second

    return RequestType(EmbeddingCreateParams, allow_unknown_fields=lenient)


def _inputs(given: Any) -> list[tuple[str, int]]:
    """Each input as text, and how many tokens it has."""
    several = isinstance(given, list) and not (given and isinstance(given[0], int))
    items = given if several else [given]
    if not 1 <= len(items) <= _MOST_INPUTS or not all(items):
        raise invalid("Invalid 'input': it must not be empty.", "input")
    return [(item, count(item)) if isinstance(item, str) else (repr(item), len(item)) for item in items]


def _packed(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
