"""Tools and the choice among them: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from extproc.chat.model import ChatRequest, CustomTool, FunctionTool, NativeTool, Tool, ToolChoice
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.anthropic.blocks import JSON_TOOL
from extproc.providers.claude import Traits
from extproc.providers.claude_schema import enforceable
from extproc.providers.fields import read_field
from extproc.wire.rawjson import ABSENT, MalformedJSON, decoder, raw

_NO_PARAMETERS: Final = raw({"type": "object", "properties": {}})
_NATIVE_TYPE: Final = re.compile(r"[a-z_]+_20\d{6}|mcp_toolset|custom")
"""Anthropic's own tools carry the date of their version (``web_search_20250305``)."""

_WEB_SEARCH: Final = {"type": "web_search_20250305", "name": "web_search"}


class Tools(msgspec.Struct, gc=False):
    tools: list[Any]
    choice: dict[str, Any] | None
    unsupported: list[str]

    @property
    def forced(self) -> bool:
        """Whether the model must call a tool, which excludes thinking."""
        return self.choice is not None and self.choice["type"] in ("any", "tool")


class _Named(msgspec.Struct, gc=False):
    name: str | None = None


class _Typed(msgspec.Struct, gc=False):
    type: Raw = ABSENT


_read_typed: Final = decoder(_Typed)


class _Place(NamedTuple):
    """Where the client wrote a tool, for errors."""

    number: int
    legacy: bool

    @property
    def tool(self) -> str:
        return f"functions[{self.number}]" if self.legacy else f"tools[{self.number}]"

    @property
    def function(self) -> str:
        return self.tool if self.legacy else f"{self.tool}.function"

    @property
    def parameters(self) -> str:
        return f"{self.function}.parameters"


class _Location(msgspec.Struct, gc=False):
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class _UserLocation(msgspec.Struct, gc=False):
    approximate: _Location | None = None


class _WebSearch(msgspec.Struct, gc=False):
    search_context_size: str | None = None
    user_location: _UserLocation | None = None


def write_tools(request: ChatRequest, traits: Traits) -> Tools:
    """Raises: RequestError for a tool that Anthropic cannot offer, or a choice without tools."""
    unsupported: list[str] = []
    tools = _offered(request, traits, unsupported) if request.tools else []
    if "web_search_options" in request.plain:
        tools.append(_web_search(request.plain["web_search_options"], unsupported))
    param = request.tool_choice.field if request.tool_choice is not None else "tool_choice"
    if not tools:
        if request.tool_choice is not None and request.tool_choice.mode == "required":
            raise _no_such_tool(param)
        return Tools(tools, None, unsupported)
    written = Tools(tools, _choice(request.tool_choice, request.parallel_tool_calls), unsupported)
    if written.forced and not traits.forces:
        unsupported.append(param)
        return _unforced(written, param)
    return written


def _offered(request: ChatRequest, traits: Traits, unsupported: list[str]) -> list[Any]:
    """allowed_tools has no counterpart: the others are not offered."""
    allowed = request.tool_choice.allowed if request.tool_choice is not None else None
    return [
        _tool(tool, _Place(n, request.legacy_functions), traits, unsupported)
        for n, tool in enumerate(request.tools)
        if allowed is None or (not isinstance(tool, NativeTool) and tool.name in allowed)
    ]


def _no_such_tool(param: str) -> RequestError:
    return RequestError(f"{param}: there is no such tool to choose", param=param)


def _unforced(tools: Tools, param: str) -> Tools:
    """The nearest to a forced tool where there is none: the model may call it, and no other."""
    choice = tools.choice or {}
    name = choice.get("name")
    kept = [
        tool for tool in tools.tools if name is None or not isinstance(tool, dict) or tool["name"] == name
    ]
    if not kept:
        raise _no_such_tool(param)
    rest = {key: value for key, value in choice.items() if key not in ("type", "name")}
    return Tools(kept, {"type": "auto", **rest}, tools.unsupported)


def _tool(tool: Tool, place: _Place, traits: Traits, unsupported: list[str]) -> Any:
    name = _read_named(tool.raw, place) if isinstance(tool, NativeTool) else tool.name
    if name == JSON_TOOL:
        path = place.tool
        raise RequestError(f"{path}: the name {JSON_TOOL!r} is the gateway's own", param=path)
    match tool:
        case FunctionTool():
            return _function(tool, place, traits, unsupported)
        case CustomTool():
            # A JSON tool in its place would come back as another kind of call than the client asked for.
            path = place.tool
            raise UnsupportedFieldError(f"{path}: the provider has no custom tools", param=path)
        case NativeTool():
            if _NATIVE_TYPE.fullmatch(tool.type) is None:
                path = place.tool
                raise UnsupportedFieldError(
                    f"{path}: the provider has no tool of type {tool.type!r}", param=path
                )
            return tool.raw


def _read_named(tool: Raw, place: _Place) -> str | None:
    return read_field(tool, _Named, place.tool).name


def _function(tool: FunctionTool, place: _Place, traits: Traits, unsupported: list[str]) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    schema = tool.parameters
    if schema is None or not _is_input_schema(schema):
        schema = input_schema(schema, place.parameters)
    if tool.strict and traits.strict:
        schema, dropped = enforceable(schema, place.parameters)
        written["strict"] = True
        if dropped:
            unsupported.append(place.parameters)
    elif tool.strict:
        unsupported.append(f"{place.function}.strict")
    written["input_schema"] = schema
    if tool.cache is not None:
        written["cache_control"] = tool.cache
    return written


def _is_input_schema(parameters: Raw) -> bool:
    """Whether Anthropic takes `parameters` as they are: true of nearly all, and quickly seen."""
    try:
        return bytes(_read_typed(parameters).type) == b'"object"'
    except MalformedJSON:
        return False


def input_schema(parameters: Raw | None, path: str) -> Raw:
    """Anthropic wants ``type: object`` said; OpenAI takes an empty schema for no parameters."""
    if parameters is None:
        return _NO_PARAMETERS
    fields = read_field(parameters, dict[str, Raw], path)
    if bytes(fields.get("type", ABSENT)) == b'"object"':
        return parameters
    return raw({"type": "object", **{key: value for key, value in fields.items() if key != "type"}})


def _web_search(options: Raw, unsupported: list[str]) -> dict[str, Any]:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool"""
    asked = read_field(options, _WebSearch, "web_search_options")
    if asked.search_context_size not in (None, "medium"):
        unsupported.append("web_search_options.search_context_size")
    tool: dict[str, Any] = dict(_WEB_SEARCH)
    if asked.user_location is not None and asked.user_location.approximate is not None:
        known = msgspec.structs.asdict(asked.user_location.approximate)
        place = {name: value for name, value in known.items() if value is not None}
        tool["user_location"] = {"type": "approximate", **place}
    return tool


def _choice(choice: ToolChoice | None, parallel: bool | None) -> dict[str, Any] | None:  # noqa: FBT001 - three values
    written: dict[str, Any]
    if choice is None:
        if parallel is not False:
            return None
        written = {"type": "auto"}
    elif choice.mode == "none":
        return {"type": "none"}
    elif choice.name is not None:
        written = {"type": "tool", "name": choice.name}
    else:
        written = {"type": "any" if choice.mode == "required" else "auto"}
    if parallel is False:
        written["disable_parallel_tool_use"] = True
    return written
