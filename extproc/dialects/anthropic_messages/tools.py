"""Tools of a Messages request, and the choice among them."""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.chat.model import FunctionTool, NativeTool, Tool, ToolChoice
from extproc.dialects.anthropic_messages import shapes
from extproc.errors import RequestError
from extproc.wire.rawjson import decode_field, present

_OWN: Final = (None, "custom")
"""Types of a tool that the client defines itself."""


def read_tools(tools: list[Raw], lost: list[str]) -> tuple[Tool, ...]:
    """lost: gets the fields that only Claude could honour."""
    return tuple(_tool(raw, n, lost) for n, raw in enumerate(tools))


def _tool(raw: Raw, n: int, lost: list[str]) -> Tool:
    place = f"tools[{n}]"
    tool = decode_field(raw, shapes.Tool, place)
    if tool.type not in _OWN:
        return NativeTool(type=tool.type or "", raw=raw)
    for name, asks in (
        ("input_examples", present(tool.input_examples) is not None),
        ("defer_loading", bool(tool.defer_loading)),
        ("allowed_callers", tool.allowed_callers not in (None, ["direct"])),
    ):
        if asks:
            lost.append(f"{place}.{name}")
    schema = present(tool.input_schema)
    if tool.name is None or schema is None:
        path = f"{place}.{'name' if tool.name is None else 'input_schema'}"
        raise RequestError(f"{path}: required field is missing", param=path)
    return FunctionTool(
        name=tool.name,
        description=tool.description,
        parameters=schema,
        strict=tool.strict,
        cache=present(tool.cache_control),
    )


def tool_places(count: int) -> dict[str, str]:
    """Where a Messages request has what a chat completion has in a tool's ``function``."""
    places: dict[str, str] = {}
    for n in range(count):
        places[f"tools[{n}].function"] = f"tools[{n}]"
        places[f"tools[{n}].function.parameters"] = f"tools[{n}].input_schema"
    return places


def read_tool_choice(choice: shapes.ToolChoice) -> ToolChoice:
    match choice.type:
        case "auto":
            return ToolChoice(mode="auto")
        case "none":
            return ToolChoice(mode="none")
        case "any":
            return ToolChoice(mode="required")
        case "tool":
            if choice.name is None:
                raise RequestError("tool_choice.name: required field is missing", param="tool_choice.name")
            return ToolChoice(mode="required", name=choice.name)
