"""Any bytes from a provider give vectors that OpenAI's client reads, or one clean error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from openai.types import CreateEmbeddingResponse

from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS
from extproc.embeddings.formats import EMBEDDINGS
from extproc.errors import ProviderError

DIALECT = DIALECTS["openai_embeddings"]
FORMATS: list[Any] = ["google", "bedrock"]
REPLY = ReplyContext(model="m", created=1, request_id="r")
PACKED = ReplyContext(model="m", created=1, request_id="r", echo={"encoding_format": Raw(b'"base64"')})

KEYS = st.sampled_from(
    [
        "embedding", "embeddings", "values", "predictions", "statistics", "token_count", "usageMetadata",
        "promptTokenCount", "inputTextTokenCount", "float", "error", "message", "code", "status",
    ]
)  # fmt: skip
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS | st.lists(NUMBERS, max_size=3) | st.lists(st.lists(NUMBERS, max_size=3), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.binary(max_size=30) | st.dictionaries(KEYS, VALUES, max_size=4).map(
    lambda value: json.dumps(value).encode()
)


def check(name: Any, body: bytes) -> None:
    try:
        answer = EMBEDDINGS[name].read_response(body)
    except ProviderError:
        return
    CreateEmbeddingResponse.model_validate_json(DIALECT.write_response(answer, REPLY))
    assert all(each["embedding"] for each in json.loads(DIALECT.write_response(answer, PACKED))["data"])


@pytest.mark.parametrize("name", FORMATS)
@given(body=BODIES)
def test_any_body(name: Any, body: bytes) -> None:
    check(name, body)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"NaN", b"1" * 400, b"1e39"])
def test_numbers_beyond_all_bounds(name: Any, number: bytes) -> None:
    check(name, b'{"embedding":{"values":[' + number + b"]}}")
    check(name, b'{"embedding":[' + number + b"]}")


@given(status=st.integers(400, 599), body=BODIES)
@pytest.mark.parametrize("name", sorted(EMBEDDINGS))
def test_any_error(name: Any, status: int, body: bytes) -> None:
    error = EMBEDDINGS[name].read_error(status, {}, body)
    assert json.loads(DIALECT.write_error(error))["error"]["message"]
