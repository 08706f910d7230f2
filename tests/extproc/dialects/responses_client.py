"""What a client of OpenAI's Responses API makes of the bytes it gets.

The types are the official SDK's, strictly; the order of events is checked by a machine that knows only the
documentation (https://platform.openai.com/docs/api-reference/responses-streaming), and puts items together itself.
"""

from __future__ import annotations

import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from extproc.chat.events import Event
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_responses import OpenAIResponses

DIALECT = OpenAIResponses()
REPLY = ReplyContext(model="asked-for", created=1_700_000_000, request_id="req-1")
ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}

_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def read_unary(body: bytes) -> dict[str, Any]:
    """A response as plain JSON, after the SDK's strict validation."""
    Response.model_validate_json(body, strict=True)
    return json.loads(body)


def read_stream(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each after the SDK's strict validation and all in a legal order."""
    frames = stream.decode().split("\n\n")
    assert frames.pop() == ""
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        parsed = _EVENT.validate_json(data.removeprefix("data: "), strict=True)
        assert parsed.type == event["type"]
        if "response" in event:
            Response.model_validate(event["response"], strict=True)
        events.append(event)
    machine = Machine()
    for event in events:
        machine.see(event)
    machine.over()
    return events


def follow(events: list[Any]) -> Any:
    """The response of the last event, of the SDK's events in a legal order."""
    machine = Machine()
    for event in events:
        told = event.model_dump(mode="json", exclude_unset=True)
        if told["type"] == "response.output_item.added":
            told["item"].pop("encrypted_content", None)
        machine.see(told)
    machine.over()
    return events[-1].response


def final(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The response that a stream's last event holds."""
    return events[-1]["response"]


def write_all(events: list[Event], reply: ReplyContext = REPLY) -> bytes:
    return DIALECT.stream_writer(reply).write(events)


class Machine:
    """Follows one stream; an assertion fails at the first event that has no place there."""

    def __init__(self) -> None:
        self.number = 0
        self.id = ""
        self.items: list[dict[str, Any]] = []  # as they grow
        self.done: dict[int, dict[str, Any]] = {}
        self.part: dict[int, dict[str, Any]] = {}  # the open part of an item
        self.finished = self.failed = False

    def see(self, event: dict[str, Any]) -> None:
        assert not self.finished
        assert event["sequence_number"] == self.number
        self.number += 1
        kind = event["type"]
        if kind in ("response.created", "response.in_progress"):
            assert self.number == (1 if kind == "response.created" else 2)
            self.id = self.id or event["response"]["id"]
            assert event["response"]["id"] == self.id
            assert event["response"]["status"] == "in_progress"
            assert event["response"]["output"] == []
            return
        assert self.number > 2
        if kind in ENDS:
            self._end(event["response"], ENDS[kind])
        elif kind == "error":
            self.failed = True
        elif kind == "response.output_item.added":
            self._added(event)
        elif kind == "response.output_item.done":
            self._item_done(event)
        else:
            self._inside(kind, event)

    def over(self) -> None:
        assert self.finished

    def _added(self, event: dict[str, Any]) -> None:
        item = event["item"]
        assert event["output_index"] == len(self.items)
        assert item["id"] not in {known["id"] for known in self.items}
        assert item.get("status", "in_progress") == "in_progress"
        for index, known in enumerate(self.items):  # only calls may be open side by side
            assert index in self.done or known["type"].endswith("_call")
        empty = {"message": ["content"], "reasoning": ["summary"]}
        assert all(item[field] == [] for field in empty.get(item["type"], ()))
        assert item.get("arguments", "") == item.get("input", "") == ""
        self.items.append(json.loads(json.dumps(item)))

    def _item_done(self, event: dict[str, Any]) -> None:
        index, item = event["output_index"], event["item"]
        assert index < len(self.items)
        assert index not in self.done
        assert index not in self.part
        grown = self.items[index]
        assert item["id"] == grown["id"]
        for field in ("content", "summary", "arguments", "input", "call_id", "name", "type"):
            assert item.get(field) == grown.get(field), field
        assert item.get("status", "completed") in ("completed", "incomplete")
        self.done[index] = item

    def _inside(self, kind: str, event: dict[str, Any]) -> None:
        index = event["output_index"]
        item = self.items[index]
        assert index not in self.done
        assert event["item_id"] == item["id"]
        family, _, what = kind.removeprefix("response.").rpartition(".")
        match family:
            case "content_part" | "reasoning_summary_part":
                self._part(item, index, what, event)
            case "output_text" | "refusal" | "reasoning_summary_text":
                self._grow(index, family, what, event)
            case "output_text.annotation":
                assert what == "added"
                annotations = self.part[index]["annotations"]
                assert event["annotation_index"] == len(annotations)
                annotations.append(event["annotation"])
            case "function_call_arguments" | "custom_tool_call_input":
                field = "arguments" if family == "function_call_arguments" else "input"
                if what == "delta":
                    item[field] += event["delta"]
                else:
                    assert event[field] == item[field]
            case _:
                raise AssertionError(kind)

    def _part(self, item: dict[str, Any], index: int, what: str, event: dict[str, Any]) -> None:
        parts = item["content"] if item["type"] == "message" else item["summary"]
        at = event["content_index"] if item["type"] == "message" else event["summary_index"]
        assert at == len(parts)
        if what == "added":
            assert index not in self.part
            assert event["part"].get("text", "") == event["part"].get("refusal", "") == ""
            self.part[index] = json.loads(json.dumps(event["part"]))
        else:
            part = self.part.pop(index)
            assert event["part"] == part
            parts.append(part)

    def _grow(self, index: int, family: str, what: str, event: dict[str, Any]) -> None:
        part = self.part[index]
        kinds = {"output_text": "output_text", "refusal": "refusal", "reasoning_summary_text": "summary_text"}
        assert part["type"] == kinds[family]
        field = "refusal" if family == "refusal" else "text"
        if what == "done":
            assert event[field] == part[field]
            assert event.get("logprobs", []) == part.get("logprobs", [])
            return
        part[field] += event["delta"]
        if family == "output_text":
            part["logprobs"] += event["logprobs"]

    def _end(self, response: dict[str, Any], status: str) -> None:
        assert response["id"] == self.id
        assert response["status"] == status
        assert (status == "failed") is self.failed
        assert (response["error"] is not None) is self.failed
        if not self.failed:
            assert [self.done[index] for index in range(len(self.items))] == response["output"]
            assert not self.part
        else:
            assert [item["id"] for item in self.items] == [item["id"] for item in response["output"]]
        self.finished = True
