"""Tools and the choice among them: https://ai.google.dev/gemini-api/docs/function-calling"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from extproc.chat.model import ChatRequest, CustomTool, FunctionTool, NativeTool, ToolChoice
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.fields import read_field
from extproc.providers.google.fields import camel
from extproc.providers.google.models import Traits
from extproc.providers.google.schema import cleaned
from extproc.wire.rawjson import present

_NATIVE: Final = frozenset(
    {
        "codeExecution",
        "computerUse",
        "enterpriseWebSearch",
        "exaAiSearch",
        "fileSearch",
        "googleMaps",
        "googleSearch",
        "googleSearchRetrieval",
        "mcpServers",
        "parallelAiSearch",
        "retrieval",
        "urlContext",
    }
)
"""Google's own tools. A client asks for one as ``{"type": "google_search", "google_search": {...}}``."""


class Tools(msgspec.Struct, gc=False):
    """tools, config: for ``tools`` and ``toolConfig``."""

    tools: list[dict[str, Any]]
    config: dict[str, Any]
    unsupported: list[str]


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


class _WebSearch(msgspec.Struct, gc=False):
    search_context_size: str | None = None
    user_location: Any = None


def write_tools(request: ChatRequest, known: Traits, *, vertex: bool) -> Tools:
    """Raises: RequestError for a tool that Gemini cannot offer, or a choice without tools."""
    unsupported: list[str] = []
    functions, own = _offered(request, unsupported)
    calling = _calling(request.tool_choice, {function["name"] for function in functions})
    strict = _strict(request) if calling.get("mode", "AUTO") == "AUTO" else []
    if strict and known.validates:
        calling["mode"] = "VALIDATED"
    elif strict:
        unsupported += strict
    if request.parallel_tool_calls is False and functions and not request.legacy_functions:
        unsupported.append("parallel_tool_calls")
    config: dict[str, Any] = {"functionCallingConfig": calling} if calling and functions else {}
    if functions and own and known.mixes and not vertex:
        # AI Studio wants it said; Vertex does not know the field.
        config["includeServerSideToolInvocations"] = True
    tools = own + ([{"functionDeclarations": functions}] if functions else [])
    return Tools(tools, config, unsupported)


def _offered(
    request: ChatRequest, unsupported: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The client's functions, and Google's own tools."""
    functions: list[dict[str, Any]] = []
    own: list[dict[str, Any]] = []
    for n, tool in enumerate(request.tools):
        place = _Place(n, request.legacy_functions)
        match tool:
            case FunctionTool():
                if not _hidden(tool.name, request.tool_choice):
                    functions.append(_function(tool, place, unsupported))
            case CustomTool():
                # A JSON tool in its place would come back as another kind of call than was asked for.
                raise UnsupportedFieldError(
                    f"{place.tool}: the provider has no custom tools", param=place.tool
                )
            case NativeTool():
                own.append(_native(tool, place))
    if "web_search_options" in request.plain:
        own.append(_web_search(request.plain["web_search_options"], unsupported))
    return functions, own


def _strict(request: ChatRequest) -> list[str]:
    """The fields that ask for calls that hold to the schema; a call that is forced always does."""
    return [
        f"{_Place(n, request.legacy_functions).function}.strict"
        for n, tool in enumerate(request.tools)
        if isinstance(tool, FunctionTool) and tool.strict and not _hidden(tool.name, request.tool_choice)
    ]


def _hidden(name: str, choice: ToolChoice | None) -> bool:
    """Which functions may be called can be said only where one must be; else the others are not offered."""
    return (
        choice is not None
        and choice.allowed is not None
        and choice.mode == "auto"
        and name not in choice.allowed
    )


def _function(tool: FunctionTool, place: _Place, unsupported: list[str]) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.parameters is not None:
        schema = cleaned(_object(tool.parameters, place.parameters), place.parameters)
        written["parametersJsonSchema"] = schema.schema
        if tool.strict and schema.dropped:
            unsupported.append(place.parameters)
    return written


def _object(parameters: Raw, path: str) -> Raw:
    """Gemini wants ``type: object`` said; OpenAI takes an empty schema for no parameters."""
    fields = read_field(parameters, dict[str, Raw], path)
    if "type" in fields:
        return parameters
    return Raw(msgspec.json.encode({"type": "object", **fields}))


def _native(tool: NativeTool, place: _Place) -> dict[str, Any]:
    name = camel(tool.type)
    if name not in _NATIVE:
        raise UnsupportedFieldError(
            f"{place.tool}: the provider has no tool of type {tool.type!r}", param=place.tool
        )
    fields = read_field(tool.raw, dict[str, Raw], place.tool)
    for key in (tool.type, name):
        if (given := present(fields.get(key, Raw()))) is not None:
            return {name: given}
    return {name: {key: value for key, value in fields.items() if key != "type"}}


def _web_search(options: Raw, unsupported: list[str]) -> dict[str, Any]:
    """https://ai.google.dev/gemini-api/docs/google-search"""
    asked = read_field(options, _WebSearch, "web_search_options")
    if asked.search_context_size not in (None, "medium"):
        unsupported.append("web_search_options.search_context_size")
    if asked.user_location is not None:
        unsupported.append("web_search_options.user_location")
    return {"googleSearch": {}}


def _calling(choice: ToolChoice | None, names: set[str]) -> dict[str, Any]:
    """https://ai.google.dev/api/caching#FunctionCallingConfig"""
    if choice is None:
        return {}
    if choice.mode == "none":
        return {"mode": "NONE"}
    if choice.mode == "auto":
        return {"mode": "AUTO"}
    wanted = choice.allowed if choice.name is None else (choice.name,)
    allowed = None if wanted is None else [name for name in dict.fromkeys(wanted) if name in names]
    if not names or allowed == []:
        raise RequestError(f"{choice.field}: there is no such tool to choose", param=choice.field)
    return {"mode": "ANY"} if allowed is None else {"mode": "ANY", "allowedFunctionNames": allowed}
