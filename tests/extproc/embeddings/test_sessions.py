"""Requests for embeddings through a session."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from extproc.contract.target import Target
from extproc.messages import ResponseHeaders
from extproc.replies import AttemptFailed, ContinueResponseHeaders, ReplaceRequestBody, UnsupportedFields
from tests.extproc.transcript import (
    CLAUDE,
    CLOSE,
    JSON,
    JSON_TYPE,
    OPENAI,
    POLICY,
    SSE_TYPE,
    Transcript,
    asked,
    body,
    error,
    failed,
)

GEMINI = Target(leaf="gemini", provider="gemini", type="google_ai", wire_format="google", base_path="/v1beta")
SPEAKING = msgspec.structs.replace(OPENAI, speaks=("openai_embeddings",))
REQUEST = b'{"model": "fast", "input": ["a", "b"]}'
ANSWER = b'{"embeddings":[{"values":[0.5,1]},{"values":[2,3]}],"usageMetadata":{"promptTokenCount":4}}'


def embed(target: Target = GEMINI, request: bytes = REQUEST, **changes: Any) -> Transcript:
    models = {**POLICY.models, "gemini": "gemini-embedding-001"}
    return asked(target, request, dialect="openai_embeddings", models=models, **changes)


def last(transcript: Transcript) -> Any:
    [message] = transcript.replies[-1].messages
    return message


def answered(transcript: Transcript, answer: bytes) -> Any:
    transcript.__rshift__(ResponseHeaders(200, JSON_TYPE))
    transcript._unread.clear()
    transcript.__rshift__(body(answer, end=True))
    transcript._unread.clear()
    return json.loads(transcript.replies[-1].messages[1].body)  # type: ignore[union-attr]


def test_translated() -> None:
    transcript = embed()
    sent = last(transcript)
    assert sent.headers[":path"] == "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    assert len(json.loads(sent.body)["requests"]) == 2
    told = answered(transcript, ANSWER)
    assert [each["embedding"] for each in told["data"]] == [[0.5, 1.0], [2.0, 3.0]]
    assert (told["model"], told["usage"]) == ("fast", {"prompt_tokens": 4, "total_tokens": 4})


def test_packed_where_the_client_asks_for_it() -> None:
    told = answered(embed(request=REQUEST[:-1] + b', "encoding_format": "base64"}'), ANSWER)
    assert [each["embedding"] for each in told["data"]] == ["AAAAPwAAgD8=", "AAAAQAAAQEA="]


def test_the_same_format_passes() -> None:
    tokens = b'{"input": [[1,  2]], "model": "fast", "encoding_format": "base64"}'
    transcript = embed(SPEAKING, tokens)
    sent = last(transcript)
    assert isinstance(sent, ReplaceRequestBody)
    assert sent.headers[":path"] == "/v1/embeddings"
    assert sent.body == tokens.replace(b'"fast"', b'"gpt-x"')
    assert transcript >> ResponseHeaders(200, JSON_TYPE) << ContinueResponseHeaders() << CLOSE


@pytest.mark.parametrize("target", [CLAUDE, OPENAI], ids=["claude", "openai"])
def test_providers_without_embeddings_are_named(target: Target) -> None:
    answer = last(embed(target))
    message = f"model: {target.provider} ({target.type}) has no embeddings"
    assert (answer.status, answer.details) == (400, "llm_validation_error")
    assert answer.body == error("invalid_request_error", param="model", message=message)


def test_tokens_where_they_mean_nothing() -> None:
    assert last(embed(request=b'{"model": "fast", "input": [1, 2]}')).body == error(
        "invalid_request_error", param="input"
    )


def test_the_policy_decides_about_fields_that_the_provider_lacks() -> None:
    request = REQUEST[:-1] + b', "user": "u", "mine": 1}'
    warned = embed(request=request)
    assert warned.replies[-1].notes == (UnsupportedFields("gemini", ("other", "user")),)
    answer = last(embed(request=request, unsupported_fields="reject"))
    assert answer.body == error("invalid_request_error", code="unsupported_field", param="mine")


@pytest.mark.parametrize("target", [GEMINI, SPEAKING], ids=["gemini", "openai"])
def test_errors_of_the_provider(target: Target) -> None:
    transcript = embed(target) >> ResponseHeaders(503, JSON_TYPE)
    assert (
        transcript
        >> body(b'{"error": {"message": "busy"}}', end=True)
        << failed(502)
        << _replaced(error("api_error", code="provider_error"))
        << AttemptFailed(target.provider, 502, "its status was 503", committed=False)
    )


@pytest.mark.parametrize("target", [GEMINI, SPEAKING], ids=["gemini", "openai"])
def test_a_stream_instead_of_vectors(target: Target) -> None:
    transcript = embed(target) >> ResponseHeaders(200, SSE_TYPE)
    transcript.__rshift__(body(b"data: {}\n\n", end=True))
    transcript._unread.clear()
    assert transcript.replies[-1].messages[0] == failed(502)


def _replaced(matcher: JSON) -> Any:
    class Replaced:
        def __eq__(self, other: object) -> bool:
            return matcher == getattr(other, "body", None)

        __hash__ = None  # type: ignore[assignment]

    return Replaced()
