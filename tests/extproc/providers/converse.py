"""Requests to Bedrock's Converse: short words for tests, and AWS's own opinion of what is sent."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

from extproc.chat.seams import ProviderRequest
from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.providers import WIRE_FORMATS

TARGET = Target(leaf="l", provider="aws", type="aws_bedrock", wire_format="bedrock", base_path="")
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OLD = "anthropic.claude-3-5-sonnet-20241022-v2:0"
NOVA = "amazon.nova-lite-v1:0"
USER = {"role": "user", "content": "hi"}
B64 = base64.b64encode(b"x").decode()
EPHEMERAL = {"type": "ephemeral"}


@cache
def _input(operation: str) -> Shape:
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    return model.operation_model(operation).input_shape


def check(body: dict[str, Any], *, stream: bool = False) -> None:
    """That AWS's own model of the service allows `body`: ranges, alphabets, words and unions included."""
    shape = _input("ConverseStream" if stream else "Converse")
    given = {"modelId": "m", **_with_bytes(body, shape)}
    report = ParamValidator().validate(given, shape)
    assert not report.has_errors(), report.generate_report()
    problems = list(_beyond(given, shape, ""))
    assert not problems, problems


def _with_bytes(value: Any, shape: Shape) -> Any:
    """`value` as boto3's callers have it: bytes where JSON has base64."""
    if shape.type_name == "structure" and isinstance(value, dict) and not shape.is_document_type:
        known = shape.members
        return {
            key: _with_bytes(inner, known[key]) if key in known else inner for key, inner in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_with_bytes(inner, shape.member) for inner in value]
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            return value.encode()
    return value


def _beyond(value: Any, shape: Shape, path: str) -> Iterator[str]:  # noqa: C901 - a case a type
    """What the validator leaves to the service: unknown fields, alphabets, words and upper limits."""
    most = shape.metadata.get("max")
    if most is not None and most < (len(value) if hasattr(value, "__len__") else value):
        yield f"{path}: more than {most}"
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            for key, inner in value.items():
                if key in shape.members:
                    yield from _beyond(inner, shape.members[key], f"{path}.{key}")
                elif not (path + "." + key).endswith(_MORE):
                    yield f"{path}.{key}: unknown"
        case "list":
            for n, inner in enumerate(value):
                yield from _beyond(inner, shape.member, f"{path}[{n}]")
        case "map":
            for key, inner in value.items():
                yield from _beyond(key, shape.key, f"{path}.{key}")
                yield from _beyond(inner, shape.value, f"{path}.{key}")
        case "string" if path != ".modelId":
            yield from _misspelt(value, shape, path)


def _misspelt(value: str, shape: Shape, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        yield f"{path}: {value!r} does not match {pattern}"
    if shape.enum and value not in shape.enum and not path.endswith(_MORE):
        yield f"{path}: {value!r} is none of {shape.enum}"


_MORE = (".toolUse.type", ".toolResult.type")
"""Nova says more there than the model of the service knows."""


def pure(block: dict[str, Any]) -> dict[str, Any]:
    """`block` without what only answers have, and cited text in the shape of requests."""
    if "citations" in block:
        return {"citationsContent": {"content": [{"text": block["text"]}], "citations": block["citations"]}}
    if "toolUse" in block:
        kept = {"type": "server_tool_use"} if block["toolUse"].get("type") == "server_tool_use" else {}
        return {"toolUse": {key: block["toolUse"][key] for key in ("toolUseId", "name", "input")} | kept}
    return {key: value for key, value in block.items() if key != "type"}


def send(model: str = SONNET, /, **fields: Any) -> ProviderRequest:
    """The request that a client's `fields` become; valid by AWS's own model."""
    asked = {"model": "asked", "messages": [USER]} | fields
    request = DIALECTS["openai_chat"].read_request(json.dumps(asked).encode())
    sent = WIRE_FORMATS["bedrock"].write_request(request, TARGET, model)
    check(json.loads(sent.body), stream=request.stream)
    return sent


def body(model: str = SONNET, /, **fields: Any) -> dict[str, Any]:
    return json.loads(send(model, **fields).body)


def turns(*messages: dict[str, Any], model: str = SONNET) -> list[dict[str, Any]]:
    return body(model, messages=list(messages))["messages"]


def calls(call_id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def tool(name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name} | more}
