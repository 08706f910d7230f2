"""The providers' side: where a request ends, and what they answer."""

from __future__ import annotations

import json

import pytest
from botocore.eventstream import EventStreamBuffer

from tests.bench import bodies
from tests.bench.upstream import chunk, chunks_wanted, request_end, whole

SIZED = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("request_", [SIZED, CHUNKED])
def test_a_request_ends_where_it_ends(request_: bytes) -> None:
    assert request_end(request_) == len(request_)
    assert not any(request_end(request_[:size]) for size in range(len(request_)))


def test_what_follows_is_another_request() -> None:
    assert request_end(SIZED + SIZED) == len(SIZED)


@pytest.mark.parametrize("name", [b"max_tokens", b"max_completion_tokens", b"maxOutputTokens", b"maxTokens"])
def test_chunks_are_as_many_as_tokens(name: bytes) -> None:
    assert chunks_wanted(b'{"%b": 17}' % name) == 17
    assert chunks_wanted(bodies.request("m", stream=True, chunks=5)) == 5


def test_one_chunk_by_default() -> None:
    assert chunks_wanted(b"{}") == 1


def test_framing() -> None:
    assert chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"
    assert whole(b"200 OK", b"{}").endswith(b"content-length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    "answer",
    [bodies.openai_answer(), bodies.anthropic_answer(), bodies.gemini_answer(), bodies.bedrock_answer()],
)
def test_answers_have_a_realistic_size(answer: bytes) -> None:
    assert 500 < len(answer) < 1000
    assert bodies.ANSWER in json.dumps(json.loads(answer))


@pytest.mark.parametrize(
    "stream", [bodies.openai_stream(), bodies.anthropic_stream(), bodies.gemini_stream()]
)
def test_only_chunks_have_the_mark(stream: tuple[bytes, bytes, bytes]) -> None:
    begin, delta, end = stream
    assert [part.count(bodies.MARK) for part in (begin, delta, end)] == [0, 1, 0]
    assert all(part.endswith((b"\n\n", b"\r\n\r\n")) for part in stream)


def test_messages_of_bedrock_are_whole_and_aws_reads_them() -> None:
    begin, delta, end = bodies.bedrock_stream()
    assert [part.count(bodies.MARK) for part in (begin, delta, end)] == [0, 1, 0]
    kinds = [
        ["messageStart"],
        ["contentBlockDelta"],
        ["contentBlockStop", "messageStop", "metadata"],
    ]
    for part, expected in zip((begin, delta, end), kinds, strict=True):
        buffer = EventStreamBuffer()
        buffer.add_data(part)
        assert [message.headers[":event-type"] for message in buffer] == expected
