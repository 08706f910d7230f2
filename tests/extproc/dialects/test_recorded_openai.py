"""Recorded completions and embeddings of OpenAI: read, packed and passed as OpenAI has them."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import msgspec
import pytest

from extproc.chat import events as ev
from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS
from extproc.embeddings.model import EmbeddingsResponse
from extproc.errors import RequestError
from extproc.messages import ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import ContinueResponseHeaders, ReplaceRequestBody, ReplaceResponseBody
from tests.extproc.providers.clients import read_all
from tests.extproc.recordings import FOLDER, cuts, needed
from tests.extproc.transcript import JSON_TYPE, OPENAI, SSE_TYPE, asked

SPEAKING = msgspec.structs.replace(OPENAI, speaks=("openai_completions", "openai_embeddings"))


def recorded(end: str, *, stream: bool = False) -> list[Any]:
    if not (FOLDER / "manifest.json").is_file():
        return [pytest.param(None, marks=needed)]
    entries = json.loads((FOLDER / "manifest.json").read_text())
    return [
        pytest.param(entry, id=entry["id"])
        for entry in entries
        if (entry.get("path") or "").endswith(end)
        and "chat" not in entry["path"]
        and entry["status"] == 200
        and entry["stream"] is stream
    ]


def body(entry: dict[str, Any], name: str) -> bytes:
    return (FOLDER / entry[name]).read_bytes()


@pytest.mark.parametrize("entry", recorded("/completions", stream=True))
def test_streams_of_completions_are_read_however_they_are_cut(entry: dict[str, Any]) -> None:
    source = body(entry, "response")
    lines = [line.removeprefix(b"data: ") for line in source.splitlines() if line.startswith(b"data: {")]
    text = "".join(choice["text"] for line in lines for choice in json.loads(line)["choices"])
    whole = read_all(WIRE_FORMATS["openai"].stream_reader(), [source])
    assert "".join(event.text for event in whole if isinstance(event, ev.TextDelta)) == text
    assert isinstance(whole[-1], ev.End)
    for pieces in (
        [source[n : n + 1] for n in range(len(source))],
        *(cuts(source, seed) for seed in range(5)),
    ):
        assert read_all(WIRE_FORMATS["openai"].stream_reader(), pieces) == whole


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("entry", recorded("/completions", stream=True))
def test_streams_of_completions_pass_from_their_first_text_on(entry: dict[str, Any], seed: int) -> None:
    transcript = asked(SPEAKING, body(entry, "request"), dialect="openai_completions")
    assert transcript.__rshift__(ResponseHeaders(200, SSE_TYPE)).replies[-1].messages == ()
    for piece in cuts(body(entry, "response"), seed):
        transcript.__rshift__(ResponseBody(piece))
        transcript._unread.clear()
        if transcript.replies[-1].close:
            break
    told = transcript.replies[-1]
    assert told.messages[0] == ContinueResponseHeaders()
    assert not any(isinstance(message, ReplaceResponseBody) for message in told.messages)


@pytest.mark.parametrize("entry", [*recorded("/completions"), *recorded("/embeddings")])
def test_requests_and_answers_pass(entry: dict[str, Any]) -> None:
    """But for the model's name, which the requests of tokens and of several prompts keep, too."""
    dialect: Any = "openai_embeddings" if entry["path"].endswith("embeddings") else "openai_completions"
    source = body(entry, "request")
    transcript = asked(SPEAKING, source, dialect=dialect)
    [sent] = transcript.replies[-1].messages
    assert isinstance(sent, ReplaceRequestBody)
    assert json.loads(sent.body) == json.loads(source) | {"model": "gpt-x"}
    transcript.__rshift__(ResponseHeaders(200, JSON_TYPE))
    assert transcript.replies[-1].messages == (ContinueResponseHeaders(),)
    transcript._unread.clear()


@pytest.mark.parametrize("entry", recorded("/completions"))
def test_several_prompts_are_no_chat(entry: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        DIALECTS["openai_completions"].read_request(body(entry, "request"))
    assert caught.value.param == "prompt"


@pytest.mark.parametrize("entry", recorded("/embeddings"))
def test_vectors_are_packed_as_by_openai(entry: dict[str, Any]) -> None:
    asked_for = json.loads(body(entry, "request"))
    request = DIALECTS["openai_embeddings"].read_request(body(entry, "request"))
    assert list(request.inputs) in (asked_for["input"], [asked_for["input"]])
    source = json.loads(body(entry, "response"))
    given = [each["embedding"] for each in source["data"]]
    vectors = [vector if isinstance(vector, list) else unpacked(vector) for vector in given]
    answer = EmbeddingsResponse(vectors=tuple(vectors), tokens=source["usage"]["prompt_tokens"])
    reply = ReplyContext(model=source["model"], created=1, request_id="r", echo=request.echo)
    told = json.loads(DIALECTS["openai_embeddings"].write_response(answer, reply))
    assert [each["embedding"] for each in told["data"]] == given
    assert told["usage"]["total_tokens"] == source["usage"]["total_tokens"]


def unpacked(text: str) -> list[float]:
    packed = base64.b64decode(text)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
