"""Streams of the Responses API that pass: where their content begins, and what fails before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.chat import events as ev
from extproc.errors import ProviderFailed, ProviderRateLimited
from extproc.providers import PASSED
from tests.extproc import recordings
from tests.extproc.providers.clients import read_all

FORMAT = PASSED["openai_responses"]


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


BEGIN = stream({"type": "response.created", "response": {}}, {"type": "response.in_progress", "response": {}})
ITEM = stream({"type": "response.output_item.added", "output_index": 0, "item": {}})
END = stream({"type": "response.completed", "response": {}})


def test_content_begins_with_an_item() -> None:
    reader = FORMAT.stream_reader()
    assert reader.feed(BEGIN) == []
    [first] = reader.feed(ITEM)
    assert ev.commits(first)
    assert reader.feed(END)[-1] == ev.End()
    assert reader.finish() == []


@pytest.mark.parametrize(
    ("event", "raised", "message"),
    [
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None},
            ProviderRateLimited,
            "slow",
        ),
        ({"type": "error", "error": {"type": "server_error", "message": "broke"}}, ProviderFailed, "broke"),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "broke"}}},
            ProviderFailed,
            "broke",
        ),
        ({"type": "response.failed", "response": {}}, ProviderFailed, "the provider failed"),
    ],
)
def test_errors_before_content(event: dict[str, Any], raised: type[Exception], message: str) -> None:
    [told] = read_all(FORMAT.stream_reader(), [BEGIN + stream(event)])
    assert isinstance(told, ev.StreamError)
    assert type(told.error) is raised
    assert told.error.message == message


def test_an_error_without_a_type() -> None:
    [told] = read_all(FORMAT.stream_reader(), [BEGIN + b'data: {"error": {"message": "broke"}}\n\n'])
    assert isinstance(told, ev.StreamError)
    assert told.error.message == "broke"


def test_a_stream_that_breaks_off() -> None:
    [told] = read_all(FORMAT.stream_reader(), [BEGIN])
    assert isinstance(told, ev.StreamError)


@recordings.needed
def test_recorded_streams_have_content_and_an_end() -> None:
    found = [
        body
        for path in (recordings.FOLDER / "openai").glob("*.sse")
        if b"event: response.created" in (body := path.read_bytes())
    ]
    assert found
    for body in found:
        events = read_all(FORMAT.stream_reader(), recordings.cuts(body, 1))
        assert any(map(ev.commits, events))
        assert events[-1] == ev.End()
