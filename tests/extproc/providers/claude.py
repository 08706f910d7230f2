"""Short words for tests about requests to Anthropic."""

from __future__ import annotations

import base64
import json
from typing import Any

from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS
from tests.extproc.providers.anthropic_types import check

TARGET = Target(leaf="l", provider="claude", type="anthropic", wire_format="anthropic", base_path="/v1")
HAIKU = "claude-haiku-4-5"
USER = {"role": "user", "content": "hi"}
B64 = base64.b64encode(b"x").decode()
EPHEMERAL = {"type": "ephemeral"}


def send(model: str = HAIKU, /, **fields: Any) -> ProviderRequest:
    """The request that a client's `fields` become; valid by the SDK's types."""
    asked = {"model": "asked", "messages": [USER]} | fields
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    sent = WIRE_FORMATS["anthropic"].write_request(request, TARGET, model)
    check(json.loads(sent.body))
    return sent


def body(model: str = HAIKU, /, **fields: Any) -> dict[str, Any]:
    return json.loads(send(model, **fields).body)


def turns(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return body(messages=list(messages))["messages"]


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words} | more


def says(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def calls(call_id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    """The client's message that calls a function."""
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]}


def tool(call_id: str, content: Any = "r", **more: Any) -> dict[str, Any]:
    """The client's message with a result."""
    return {"role": "tool", "tool_call_id": call_id, "content": content} | more


def tool_use(call_id: str, given: Any = None) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": given or {}}


def result(call_id: str, content: Any = "r") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}
