"""JSON bodies, from clients and from providers: nothing but GatewayError."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from extproc.chat.seams import Dialect, ReplyContext
from extproc.dialects import DIALECTS
from extproc.errors import GatewayError
from extproc.providers import WIRE_FORMATS
from extproc.session import _FORMATS
from tests.extproc.recordings import _all
from tests.extproc.streams import COMPLETION, MESSAGE
from tests.extproc.transcript import CLAUDE, OPENAI, REQUEST, STREAM
from tests.fuzz.mutation import mutate_bytes, mutate_json

REPLY = ReplyContext(model="fast", created=1, request_id="req-1")
RICH = {
    "model": "fast",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True}},
    "temperature": 0.5, "max_completion_tokens": 5, "stop": ["a"], "user": "u", "n": 1, "seed": 1,
    "stream": True, "stream_options": {"include_usage": True}, "reasoning_effort": "low", "parallel_tool_calls": False,
}  # fmt: skip


def seeds() -> list[bytes]:
    recorded = [json.dumps(one.request).encode() for one in _all() if one.request is not None]
    recorded += [one.body for one in _all() if not one.stream]
    small = [body for body in recorded if len(body) < 10_000]
    return [*(json.dumps(value).encode() for value in (RICH, MESSAGE, COMPLETION)), REQUEST, STREAM, *small]


def check(given: bytes) -> None:
    for name, dialect in DIALECTS.items():
        formats = _FORMATS.get(name, WIRE_FORMATS)  # not all dialects are about chats
        _told(dialect, partial(dialect.edit_request, given, model="other"))
        request = _told(dialect, partial(dialect.read_request, given))
        if request is not None:
            for target in (CLAUDE, OPENAI):
                write = partial(formats[target.wire_format].write_request, request, target, "theirs")
                sent = _told(dialect, write)
                assert sent is None or json.loads(sent.body)
        if formats is not WIRE_FORMATS:
            continue
        for wire_format in formats.values():
            dialect.write_error(wire_format.read_error(500, {}, given)).decode()
            response = _told(dialect, partial(wire_format.read_response, given))
            if response is not None:
                written = _told(dialect, partial(dialect.write_response, response, REPLY))
                assert written is None or json.loads(written)


def _told(dialect: Dialect, action: Callable[[], Any]) -> Any:
    """What `action` gives; None where it refuses, in words that a client can be told."""
    try:
        return action()
    except GatewayError as refused:
        json.loads(dialect.write_error(refused))
        return None


def mutate(given: bytes, dice: Random) -> bytes:
    return mutate_bytes(given, dice) if dice.random() < 0.1 else mutate_json(given, dice)
