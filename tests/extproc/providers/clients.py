"""What an OpenAI client makes of the bytes it gets, by the official SDK's own types and helpers."""

from __future__ import annotations

import json
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from extproc.chat.events import Event, StreamError
from extproc.chat.seams import ReplyContext, StreamReader
from extproc.dialects import DIALECTS

DIALECT = DIALECTS["openai_chat"]
REPLY = ReplyContext(model="asked-for", created=1_700_000_000, request_id="req-1", include_usage=True)


def read_unary(body: bytes) -> dict[str, Any]:
    """A response as plain JSON, after the SDK's strict validation."""
    ChatCompletion.model_validate_json(body, strict=True)
    return json.loads(body)


def chunks(stream: bytes, *, done: bool = True) -> list[dict[str, Any]]:
    """The chunks of a stream, each after the SDK's strict validation.

    done: it ends as it should; otherwise with an error, which comes last in the list.
    """
    frames = stream.decode().split("\n\n")
    assert frames.pop() == ""
    assert all(frame.startswith("data: ") for frame in frames)
    payloads = [frame.removeprefix("data: ") for frame in frames]
    if done:
        assert payloads.pop() == "[DONE]"
    for payload in payloads if done else payloads[:-1]:
        ChatCompletionChunk.model_validate_json(payload, strict=True)
    return [json.loads(payload) for payload in payloads]


def add_up(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The completion that the SDK's own accumulator makes of chunks."""
    state = ChatCompletionStreamState()
    for part in parts:
        state.handle_chunk(ChatCompletionChunk.model_validate(part))
    return state.current_completion_snapshot.model_dump(mode="json")


def read_all(reader: StreamReader, pieces: list[bytes]) -> list[Event]:
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    return events + reader.finish()


def write_all(events: list[Event], reply: ReplyContext = REPLY) -> bytes:
    """The client's stream, with the error at its end if there is one."""
    writer = DIALECT.stream_writer(reply)
    written = writer.write(events)
    if events and isinstance(events[-1], StreamError):
        written += DIALECT.write_stream_error(events[-1].error)
    return written
