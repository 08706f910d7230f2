"""Embeddings of Titan and Cohere on Bedrock."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from extproc.contract.target import Target
from extproc.embeddings.formats import EMBEDDINGS
from extproc.embeddings.formats.bedrock import BedrockEmbeddings
from extproc.embeddings.model import EmbeddingsRequest, EmbeddingsResponse
from extproc.errors import ProviderFailed, RequestError
from extproc.providers import WIRE_FORMATS

FORMAT = BedrockEmbeddings(WIRE_FORMATS["bedrock"])
TARGET = Target(leaf="l", provider="aws", type="aws_bedrock", wire_format="bedrock", base_path="")
V1, V2 = "amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"
IMAGE = "amazon.titan-embed-image-v1"
COHERE_V3, COHERE_V4 = "cohere.embed-english-v3", "us.cohere.embed-v4:0"


def send(model: str, *inputs: str, **fields: Any) -> Any:
    request = EmbeddingsRequest(model="m", inputs=inputs or ("text",), **fields)
    return FORMAT.write_request(request, TARGET, model)


@pytest.mark.parametrize(
    ("model", "fields", "body"),
    [
        (V1, {}, {"inputText": "text"}),
        (V1, {"dimensions": 1536}, {"inputText": "text"}),
        (V2, {}, {"inputText": "text"}),
        (V2, {"dimensions": 256}, {"inputText": "text", "dimensions": 256}),
        (V2, {"extra": {"normalize": Raw(b"false")}}, {"inputText": "text", "normalize": False}),
        (IMAGE, {"dimensions": 384}, {"inputText": "text", "embeddingConfig": {"outputEmbeddingLength": 384}}),
        (COHERE_V3, {}, {"texts": ["text"], "input_type": "search_document"}),
        (COHERE_V3, {"extra": {"input_type": Raw(b'"clustering"')}}, {"texts": ["text"], "input_type": "clustering"}),
        (
            COHERE_V4,
            {"dimensions": 512, "extra": {"truncate": Raw(b'"LEFT"'), "max_tokens": Raw(b"9")}},
            {"texts": ["text"], "input_type": "search_document", "output_dimension": 512, "truncate": "LEFT", "max_tokens": 9},
        ),
    ],
)  # fmt: skip
def test_bodies(model: str, fields: dict[str, Any], body: dict[str, Any]) -> None:
    sent = send(model, **fields)
    assert json.loads(sent.body) == body
    assert sent.unsupported == ()


def test_ids_are_escaped_in_the_path() -> None:
    assert send(V2).path == "/model/amazon.titan-embed-text-v2%3A0/invoke"
    arn = "arn:aws:bedrock:eu-west-1::foundation-model/cohere.embed-multilingual-v3"
    assert send(arn).path == (
        "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Afoundation-model%2Fcohere.embed-multilingual-v3/invoke"
    )


def test_several_texts() -> None:
    assert json.loads(send(COHERE_V3, "a", "b").body)["texts"] == ["a", "b"]
    with pytest.raises(RequestError) as caught:
        send(V2, "a", "b")
    assert (caught.value.param, caught.value.message) == (
        "input",
        "input: amazon.titan-embed-text-v2:0 takes one text in a request, not 2",
    )


def test_other_models() -> None:
    with pytest.raises(RequestError) as caught:
        send("amazon.nova-lite-v1:0")
    assert (caught.value.param, caught.value.message) == (
        "model",
        "model: amazon.nova-lite-v1:0 is none of Titan's or Cohere's models of embeddings",
    )


@pytest.mark.parametrize(
    ("model", "fields", "unsupported"),
    [
        (V1, {"dimensions": 256}, ("dimensions",)),
        (COHERE_V3, {"dimensions": 256, "user": "u"}, ("dimensions", "user")),
        (V2, {"extra": {"taskType": Raw(b"1")}}, ("taskType",)),
        (IMAGE, {"extra": {"normalize": Raw(b"true")}}, ("normalize",)),
    ],
)
def test_what_a_model_lacks(model: str, fields: dict[str, Any], unsupported: tuple[str, ...]) -> None:
    assert send(model, **fields).unsupported == unsupported


@pytest.mark.parametrize(
    ("body", "vectors", "tokens"),
    [
        (b'{"embedding":[0.5,1],"inputTextTokenCount":3}', ([0.5, 1.0],), 3),
        (b'{"embedding":[0.5],"embeddingsByType":{"float":[0.5]},"inputTextTokenCount":3}', ([0.5],), 3),
        (
            b'{"embeddings":[[1],[2]],"id":"i","response_type":"embeddings_floats","texts":["a","b"]}',
            ([1.0], [2.0]),
            None,
        ),
        (b'{"embeddings":{"float":[[1],[2]]},"response_type":"embeddings_by_type"}', ([1.0], [2.0]), None),
    ],
)
def test_answers(body: bytes, vectors: tuple[list[float], ...], tokens: int | None) -> None:
    assert FORMAT.read_response(body) == EmbeddingsResponse(vectors=vectors, tokens=tokens)


@pytest.mark.parametrize(
    ("count", "tokens"), [("7", 7), ("0", 0), ("", None), ("-1", None), ("many", None), ("9" * 5000, None)]
)
def test_tokens_that_only_a_header_tells(count: str, tokens: int | None) -> None:
    headers = {"x-amzn-bedrock-input-token-count": count}
    assert FORMAT.read_response(b'{"embeddings":[[1]]}', headers).tokens == tokens
    assert FORMAT.read_response(b'{"embedding":[1],"inputTextTokenCount":3}', headers).tokens == 3


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"embedding":[]}', b'{"embeddings":[[1],[]]}', b'{"message":"no"}', b"[1]", b'{"embedding":1}']
)  # fmt: skip
def test_broken_answers(body: bytes) -> None:
    with pytest.raises(ProviderFailed):
        FORMAT.read_response(body)


def test_there_are_no_streams() -> None:
    with pytest.raises(ProviderFailed):
        FORMAT.stream_reader()


def test_every_wire_format_says_something_about_embeddings() -> None:
    assert EMBEDDINGS.keys() == WIRE_FORMATS.keys()
