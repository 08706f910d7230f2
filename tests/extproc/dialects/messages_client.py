"""What an Anthropic client makes of the bytes it gets, by the official SDK's own types and accumulator."""

from __future__ import annotations

import json
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from extproc.chat.events import Event, StreamError
from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS

DIALECT = DIALECTS["anthropic_messages"]
REPLY = ReplyContext(model="asked-for", created=1_700_000_000, request_id="req-1", include_usage=True)
_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def read_unary(body: bytes) -> dict[str, Any]:
    """A message as plain JSON, after the SDK's strict validation."""
    Message.model_validate_json(body, strict=True)
    return json.loads(body)


def write_all(events: list[Event], reply: ReplyContext = REPLY) -> bytes:
    """The client's stream, with the error at its end if there is one."""
    writer = DIALECT.stream_writer(reply)
    written = b"".join(writer.write([event]) for event in events)
    if events and isinstance(events[-1], StreamError):
        written += DIALECT.write_stream_error(events[-1].error)
    return written


def stream_events(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each after the SDK's validation; pings are left out."""
    frames = stream.decode().split("\n\n")
    assert frames.pop() == ""
    found = []
    for frame in frames:
        head, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert head == f"event: {event['type']}"
        if event["type"] not in ("ping", "error"):
            _EVENT.validate_json(data.removeprefix("data: "), strict=True)
        if event["type"] != "ping":
            found.append(event)
    return found


def check_order(events: list[dict[str, Any]]) -> None:
    """The documented order: a start, blocks whose indices count up and that all end, the delta, the stop."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    begun = [event["index"] for event in events if event["type"] == "content_block_start"]
    ended = [event["index"] for event in events if event["type"] == "content_block_stop"]
    assert begun == list(range(len(begun)))
    assert sorted(ended) == begun
    live: set[int] = set()
    for event in events[1:-2]:
        match event["type"]:
            case "content_block_start":
                live.add(event["index"])
            case "content_block_delta":
                assert event["index"] in live
            case "content_block_stop":
                live.remove(event["index"])


def add_up(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that the SDK's own accumulator makes of events."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        snapshot = accumulate_event(
            event=_EVENT.validate_python(event), current_snapshot=snapshot, json_bufs=buffers
        )
    return snapshot.to_dict(mode="json")
