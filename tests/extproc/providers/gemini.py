"""Short words for tests about requests to Gemini."""

from __future__ import annotations

import base64
import json
from typing import Any

from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.providers.google import Google
from tests.extproc.providers.google_types import check

GOOGLE = Google()
TARGET = Target(
    leaf="l",
    provider="gemini",
    type="google_ai",
    wire_format="google",
    base_path="/v1beta",
)
VERTEX = Target(
    leaf="l",
    provider="vertex",
    type="vertex_ai",
    wire_format="google",
    base_path="/v1/projects/p/locations/global",
)
FLASH = "gemini-3.6-flash"
OLD = "gemini-2.5-flash"
USER = {"role": "user", "content": "hi"}
B64 = base64.b64encode(b"x").decode()
SIGNATURE = base64.b64encode(b"proof").decode()


def send(model: str = FLASH, /, target: Target = TARGET, **fields: Any) -> ProviderRequest:
    """The request that a client's `fields` become; valid by the SDK's types."""
    asked = {"model": "asked", "messages": [USER]} | fields
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    sent = GOOGLE.write_request(request, target, model)
    check(json.loads(sent.body))
    return sent


def body(model: str = FLASH, /, **fields: Any) -> dict[str, Any]:
    return json.loads(send(model, **fields).body)


def config(model: str = FLASH, /, **fields: Any) -> dict[str, Any]:
    return body(model, **fields).get("generationConfig", {})


def turns(*messages: dict[str, Any], model: str = FLASH) -> list[dict[str, Any]]:
    return body(model, messages=list(messages))["contents"]


def says(role: str, *parts: Any) -> dict[str, Any]:
    """A turn; a string is a part with that text."""
    return {"role": role, "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def calls(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    """The client's message that calls a function."""
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    } | more


def tool(call_id: str, content: Any = "r", **more: Any) -> dict[str, Any]:
    """The client's message with a result."""
    return {"role": "tool", "tool_call_id": call_id, "content": content} | more


def function(name: str = "f", parameters: Any = None, **more: Any) -> dict[str, Any]:
    fields = {"name": name} | ({} if parameters is None else {"parameters": parameters}) | more
    return {"type": "function", "function": fields}
