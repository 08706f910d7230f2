"""One answer of the Responses API, rendered whole or as events.

https://platform.openai.com/docs/api-reference/responses/object
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from simulator.answer import Answer, Finish, ToolCall
from simulator.tokens import count
from simulator.wire import Call, Event

_INCOMPLETE: Final = {Finish.LENGTH: "max_output_tokens", Finish.CONTENT_FILTER: "content_filter"}
_ARGUMENT_PIECE: Final = 8
"""Characters of a call's arguments in one event."""
_ENCRYPTED: Final = "gAAAAABsimulated"
_DEFAULTS: Final[dict[str, Any]] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request."""


class Turn:
    """said: the answer to `items`, those of earlier turns included."""

    def __init__(
        self, call: Call, body: dict[str, Any], said: Answer, delay: float, items: list[dict[str, Any]]
    ) -> None:
        self.id = f"resp_sim{call.serial:020d}"
        self._body = body
        self._said = said
        self._delay = delay
        self._now = call.now
        self._serial = call.serial
        self._number = -1
        told = count([*items, body.get("instructions")]) + count(body.get("tools"))
        self._usage = {
            "input_tokens": told,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said.output_tokens,
            "output_tokens_details": {"reasoning_tokens": said.thinking_tokens},
            "total_tokens": told + said.output_tokens,
        }

    def response(self) -> dict[str, Any]:
        reason = _INCOMPLETE.get(self._said.finish)
        status = "incomplete" if reason else "completed"
        details = {"reason": reason} if reason else None
        return self._response(status, self.output(), details=details, usage=self._usage)

    def _response(self, status: str, output: list[Any], **more: Any) -> dict[str, Any]:
        repeated = {name: self._body.get(name) or usual for name, usual in _DEFAULTS.items()}
        for name in ("store", "parallel_tool_calls"):
            if self._body.get(name) is False:
                repeated[name] = False
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._now,
            "status": status,
            "error": None,
            "incomplete_details": more.get("details"),
            "model": self._body["model"],
            "output": output,
            **repeated,
            "usage": more.get("usage"),
        }

    def output(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        if self._said.thinking:
            items.append(self._reasoning())
        if self._said.pieces or not self._said.calls:
            items.append(self._message([self._part(self._said.text)], _done(self._said)))
        items += [
            self._call(at, call, _arguments(call), "completed") for at, call in enumerate(self._said.calls)
        ]
        return items

    def _reasoning(self) -> dict[str, Any]:
        item: dict[str, Any] = {"id": f"rs_sim{self._serial}", "type": "reasoning", "summary": []}
        if (self._body.get("reasoning") or {}).get("summary"):
            item["summary"] = [{"type": "summary_text", "text": self._said.thinking}]
        if "reasoning.encrypted_content" in (self._body.get("include") or ()):
            item["encrypted_content"] = _ENCRYPTED
        return item

    def _part(self, text: str) -> dict[str, Any]:
        if self._said.finish is Finish.REFUSAL:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    def _message(self, content: list[Any], status: str) -> dict[str, Any]:
        return {
            "id": f"msg_sim{self._serial}",
            "type": "message",
            "status": status,
            "content": content,
            "role": "assistant",
        }

    def _call(self, at: int, call: ToolCall, arguments: str, status: str) -> dict[str, Any]:
        return {
            "id": f"fc_sim{self._serial}x{at}",
            "type": "function_call",
            "status": status,
            "arguments": arguments,
            "call_id": f"call_sim{self._serial:016d}x{at}",
            "name": call.name,
        }

    def events(self) -> Iterator[Event]:
        yield self._event("response.created", response=self._response("in_progress", []))
        yield self._event("response.in_progress", response=self._response("in_progress", []))
        for index, item in enumerate(self.output()):
            match item["type"]:
                case "reasoning":
                    yield from self._reasoning_events(index, item)
                case "message":
                    yield from self._message_events(index, item)
                case _:
                    yield from self._call_events(index, item)
            yield self._event("response.output_item.done", output_index=index, item=item)
        response = self.response()
        yield self._event(f"response.{response['status']}", response=response)

    def _reasoning_events(self, index: int, item: dict[str, Any]) -> Iterator[Event]:
        yield self._event("response.output_item.added", output_index=index, item={**item, "summary": []})
        for at, part in enumerate(item["summary"]):
            place: dict[str, Any] = {"item_id": item["id"], "output_index": index, "summary_index": at}
            yield self._event("response.reasoning_summary_part.added", **place, part={**part, "text": ""})
            yield self._event("response.reasoning_summary_text.delta", **place, delta=part["text"])
            yield self._event("response.reasoning_summary_text.done", **place, text=part["text"])
            yield self._event("response.reasoning_summary_part.done", **place, part=part)

    def _message_events(self, index: int, item: dict[str, Any]) -> Iterator[Event]:
        yield self._event(
            "response.output_item.added", output_index=index, item=self._message([], "in_progress")
        )
        place: dict[str, Any] = {"item_id": item["id"], "output_index": index, "content_index": 0}
        yield self._event("response.content_part.added", **place, part=self._part(""))
        refused = self._said.finish is Finish.REFUSAL
        family, field = ("refusal", "refusal") if refused else ("output_text", "text")
        more: dict[str, Any] = {} if refused else {"logprobs": []}
        for at, piece in enumerate(self._said.pieces):
            pause = self._delay if at else 0.0
            yield self._event(f"response.{family}.delta", pause=pause, **place, delta=piece, **more)
        more[field] = self._said.text
        yield self._event(f"response.{family}.done", **place, **more)
        yield self._event("response.content_part.done", **place, part=item["content"][0])

    def _call_events(self, index: int, item: dict[str, Any]) -> Iterator[Event]:
        begun = {**item, "arguments": "", "status": "in_progress"}
        yield self._event("response.output_item.added", output_index=index, item=begun)
        place, arguments = {"item_id": item["id"], "output_index": index}, item["arguments"]
        for start in range(0, len(arguments), _ARGUMENT_PIECE):
            piece = arguments[start : start + _ARGUMENT_PIECE]
            yield self._event("response.function_call_arguments.delta", **place, delta=piece)
        yield self._event("response.function_call_arguments.done", **place, arguments=arguments)

    def _event(self, kind: str, *, pause: float = 0.0, **fields: Any) -> Event:
        self._number += 1
        data = msgspec.json.encode({"type": kind, "sequence_number": self._number, **fields})
        return Event(b"event: %s\ndata: %s\n\n" % (kind.encode(), data), pause)


def _done(said: Answer) -> str:
    return "incomplete" if said.finish in _INCOMPLETE else "completed"


def _arguments(call: ToolCall) -> str:
    return msgspec.json.encode(call.arguments).decode()
