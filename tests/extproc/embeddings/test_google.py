"""Embeddings of Gemini and Vertex AI, against what Google's own SDK sends."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from google import genai
from google.genai import types
from msgspec import Raw

from extproc.contract.target import Target
from extproc.embeddings.formats.google import GoogleEmbeddings
from extproc.embeddings.model import EmbeddingsRequest, EmbeddingsResponse
from extproc.errors import ProviderFailed, RequestError
from extproc.providers import WIRE_FORMATS
from tests.extproc.recordings import FOLDER, needed

FORMAT = GoogleEmbeddings(WIRE_FORMATS["google"])
STUDIO = Target(leaf="l", provider="g", type="google_ai", wire_format="google", base_path="/v1beta")
VERTEX = Target(
    leaf="l", provider="g", type="vertex_ai", wire_format="google", base_path="/v1/projects/p/locations/l"
)
PLACES = {"studio": STUDIO, "vertex": VERTEX}


class _Sent(Exception):  # noqa: N818
    pass


def by_sdk(vertex: bool, model: str, inputs: tuple[str, ...], **config: Any) -> tuple[str, Any]:
    """The path (below the version) and the body that Google's SDK would send."""
    client = genai.Client(
        **({"vertexai": True, "project": "p", "location": "l", "credentials": mock.Mock()} if vertex else {"api_key": "k"})
    )  # fmt: skip
    request = mock.Mock(side_effect=_Sent)
    # Of plain strings the SDK would make parts of one content for the newer models.
    contents: Any = [types.Content(parts=[types.Part(text=text)]) for text in inputs]
    with mock.patch.object(client._api_client, "request", request), pytest.raises(_Sent):
        client.models.embed_content(model=model, contents=contents, config=types.EmbedContentConfig(**config))
    _, path, body, *_ = request.call_args.args
    body = {name: value for name, value in body.items() if name != "_url"}
    for one in [body, *body.get("requests", ())]:
        one.get("content", {}).pop("role", None)  # "user", which it is anyway
    return path, body


def send(target: Target, model: str, *inputs: str, **fields: Any) -> Any:
    return FORMAT.write_request(EmbeddingsRequest(model="m", inputs=inputs, **fields), target, model)


@pytest.mark.parametrize("inputs", [("a",), ("a", "b")], ids=["one", "two"])
@pytest.mark.parametrize("options", [False, True], ids=["plain", "options"])
@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2", "text-embedding-005"])
@pytest.mark.parametrize("place", PLACES)
def test_requests(place: str, model: str, options: bool, inputs: tuple[str, ...]) -> None:
    config: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    if options:
        config = {"task_type": "RETRIEVAL_DOCUMENT", "title": "t", "output_dimensionality": 5}
        fields = {"dimensions": 5, "extra": {"taskType": Raw(b'"RETRIEVAL_DOCUMENT"'), "title": Raw(b'"t"')}}
    sent = send(PLACES[place], model, *inputs, **fields)
    path, body = by_sdk(place == "vertex", model, inputs, **config)
    assert sent.path == f"{PLACES[place].base_path}/{path}"
    assert json.loads(sent.body) == body
    assert sent.unsupported == ()


@pytest.mark.parametrize("model", ["gemini-embedding-2", "text-embedding-005"])
def test_truncation_on_vertex(model: str) -> None:
    sent = send(VERTEX, model, "a", extra={"autoTruncate": Raw(b"false")})
    assert json.loads(sent.body) == by_sdk(True, model, ("a",), auto_truncate=False)[1]


def test_what_google_lacks() -> None:
    assert send(STUDIO, "m", "a", user="u", extra={"x": Raw(b"1")}).unsupported == ("x", "user")
    assert send(STUDIO, "m", "a", extra={"autoTruncate": Raw(b"true")}).unsupported == ("autoTruncate",)


def test_several_texts_for_a_partners_model() -> None:
    with pytest.raises(RequestError) as caught:
        send(VERTEX, "e5-maas", "a", "b")
    assert (caught.value.param, caught.value.message) == (
        "input",
        "input: e5-maas takes one text in a request, not 2",
    )


def test_answers_of_embed_content() -> None:
    body = b'{"embedding":{"values":[1,2]},"usageMetadata":{"promptTokenCount":4},"truncated":false}'
    assert FORMAT.read_response(body) == EmbeddingsResponse(vectors=([1.0, 2.0],), tokens=4)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"embeddings":[]}', b'{"embeddings":[{}]}', b'{"predictions":[{}]}']
)
def test_broken_answers(body: bytes) -> None:
    with pytest.raises(ProviderFailed):
        FORMAT.read_response(body)


def _recorded() -> list[Any]:
    if not (FOLDER / "manifest.json").is_file():
        return [pytest.param(None, marks=needed)]
    entries = json.loads((FOLDER / "manifest.json").read_text())
    found = [
        entry
        for entry in entries
        if entry["provider"] in ("gemini", "vertex")
        and ("EmbedContent" in (entry.get("path") or "") or entry["id"].endswith("_embedding"))
    ]
    return [pytest.param(entry, id=entry["id"]) for entry in found]


@pytest.mark.parametrize("entry", _recorded())
def test_recorded_answers(entry: dict[str, Any]) -> None:
    body = (FOLDER / entry["response"]).read_bytes()
    source = json.loads(body)
    vectors = source.get("embeddings") or [each["embeddings"] for each in source["predictions"]]
    tokens = source.get("usageMetadata", {}).get("promptTokenCount") or sum(
        each.get("statistics", {}).get("token_count", 0) for each in vectors
    )
    assert FORMAT.read_response(body) == EmbeddingsResponse(
        vectors=tuple(each["values"] for each in vectors), tokens=tokens or None
    )
