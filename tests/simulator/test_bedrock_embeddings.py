"""Embeddings of the simulator's Bedrock, which wants a body of its own for each model."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from simulator import Simulator
from simulator.vectors import vector

TITAN, COHERE = "amazon.titan-embed-text-v2:0", "cohere.embed-english-v3"


def invoke(simulator: Simulator, account: str, model: str, body: Any, key: str = "key") -> Any:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    url = f"{simulator.url}/{account}/v1/model/{quote(model, safe='')}/invoke"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response) | {"counted": response.headers["x-amzn-bedrock-input-token-count"]}


def test_titan(simulator: Simulator, account: str) -> None:
    told = invoke(simulator, account, TITAN, {"inputText": "one two", "dimensions": 256})
    assert told["embedding"] == told["embeddingsByType"]["float"] == vector("one two", 256)
    assert (told["inputTextTokenCount"], told["counted"]) == (2, "2")
    assert (
        len(invoke(simulator, account, "amazon.titan-embed-text-v1", {"inputText": "x"})["embedding"]) == 1536
    )


def test_cohere(simulator: Simulator, account: str) -> None:
    told = invoke(simulator, account, COHERE, {"texts": ["a", "b c"], "input_type": "clustering"})
    assert told["embeddings"] == [vector("a", 1024), vector("b c", 1024)]
    assert told["counted"] == "3"
    asked = {"texts": ["a"], "input_type": "clustering", "output_dimension": 512}
    assert len(invoke(simulator, account, "eu.cohere.embed-v4:0", asked)["embeddings"][0]) == 512


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TITAN, {"inputText": "x", "dimensions": 7}),
        (TITAN, {"inputText": ""}),
        (TITAN, {"inputText": ["x"]}),
        ("amazon.titan-embed-text-v1", {"inputText": "x", "dimensions": 256}),
        (COHERE, {"texts": ["x"]}),
        (COHERE, {"texts": [], "input_type": "clustering"}),
        (COHERE, {"texts": ["x"], "input_type": "clustering", "output_dimension": 256}),
        ("amazon.other", {}),
    ],
)
def test_what_bedrock_would_refuse(simulator: Simulator, account: str, model: str, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        invoke(simulator, account, model, body)
    assert caught.value.code == 400
    assert caught.value.headers["x-amzn-errortype"].startswith("ValidationException")
    caught.value.close()
