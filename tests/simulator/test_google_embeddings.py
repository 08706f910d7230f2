"""Google's embeddings of the simulator, by its official client."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from simulator import Simulator
from simulator.vectors import vector


@pytest.fixture
def client(simulator: Simulator, account: str) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=f"{simulator.url}/{account}")
    with genai.Client(api_key="key", http_options=options) as client:
        yield client


def test_answer(client: genai.Client) -> None:
    told: Any = client.models.embed_content(
        model="gemini-embedding-001",
        contents=["one", "two"],
        config=types.EmbedContentConfig(task_type="CLUSTERING", output_dimensionality=8),
    )
    assert [each.values for each in told.embeddings] == [vector("one", 8), vector("two", 8)]


@pytest.mark.parametrize("options", [{"task_type": "NOTHING"}, {"output_dimensionality": 5000}])
def test_refused(client: genai.Client, options: dict[str, Any]) -> None:
    with pytest.raises(errors.ClientError) as caught:
        client.models.embed_content(
            model="gemini-embedding-001", contents="x", config=types.EmbedContentConfig(**options)
        )
    assert caught.value.code == 400


def test_unknown_model(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as caught:
        client.models.embed_content(model="missing-x", contents="x")
    assert caught.value.code == 404


CONTENT = {"content": {"parts": [{"text": "one two"}]}}
VERTEX = "v1/projects/p/locations/l/publishers/google/models"


def post(url: str, body: Any, **headers: str) -> Any:
    headers = {"content-type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_on_vertex(simulator: Simulator, account: str) -> None:
    base = f"{simulator.url}/{account}/{VERTEX}"
    token = {"authorization": "Bearer key"}
    asked = {**CONTENT, "embedContentConfig": {"outputDimensionality": 4}}
    one = post(f"{base}/gemini-embedding-2:embedContent", asked, **token)
    assert one == {"embedding": {"values": vector("one two", 4)}, "usageMetadata": {"promptTokenCount": 2}}
    two = post(f"{base}/gemini-embedding-2:batchEmbedContents", {"requests": [asked, CONTENT]}, **token)
    assert [len(each["values"]) for each in two["embeddings"]] == [4, 3072]
    asked = {
        "instances": [{"content": "one two", "task_type": "CLUSTERING"}],
        "parameters": {"outputDimensionality": 4},
    }
    [told] = post(f"{base}/text-embedding-005:predict", asked, **token)["predictions"]
    assert told["embeddings"]["values"] == vector("one two", 4)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{VERTEX}/m:embedContent", {**CONTENT, "outputDimensionality": 4}, 400),
        (f"{VERTEX}/m:predict", {"instances": [{"text": "x"}]}, 400),
        ("v1beta/models/m:embedContent", {**CONTENT, "embedContentConfig": {}}, 400),
        ("v1beta/models/m:batchEmbedContents", {"requests": [{"model": "models/other", **CONTENT}]}, 400),
        ("v1beta/models/m:batchEmbedContents", {"requests": []}, 400),
        ("v1beta/models/m:predict", {"instances": []}, 404),
    ],
)
def test_what_google_would_refuse(
    simulator: Simulator, account: str, path: str, body: Any, status: int
) -> None:
    keys = {"authorization": "Bearer key", "x-goog-api-key": "key"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(f"{simulator.url}/{account}/{path}", body, **keys)
    assert caught.value.code == status
    caught.value.close()


def test_vertex_wants_a_token(simulator: Simulator, account: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(f"{simulator.url}/{account}/{VERTEX}/m:embedContent", CONTENT)
    assert caught.value.code == 401
    caught.value.close()
