"""Tools and the choice among them: https://platform.openai.com/docs/guides/tools

Hosted tools run on OpenAI's servers. Web search is the one that others have too; the rest is refused
by whoever does not know it, and named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Raw

from extproc.chat.model import FunctionTool, NativeTool, Tool, ToolChoice
from extproc.dialects.openai_responses import shapes
from extproc.dialects.openai_responses.custom import PARAMETERS
from extproc.dialects.openai_responses.parts import need
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.wire.rawjson import present, raw

_WEB_SEARCH: Final = frozenset(
    {"web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"}
)
_HOSTED: Final = frozenset(
    {
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "namespace",
        "programmatic_tool_calling",
        "shell",
        "apply_patch",
        "tool_search",
    }
)
"""Tools of OpenAI's without which the client would get another kind of answer than it asked for."""


class Tools:
    """tools: the neutral ones. web_search: OpenAI's ``web_search_options``. The rest: see ``ChatRequest``."""

    def __init__(self) -> None:
        self.tools: list[Tool] = []
        self.web_search: Raw | None = None
        self.places: dict[str, str] = {}
        self.unsupported: list[str] = []

    def read(self, tools: list[shapes.Tool], raw_tool: Callable[[int], Raw]) -> None:
        """raw_tool: the text of tool n.

        Raises:
            RequestError: a tool without a name, or one that only OpenAI has.
        """
        for n, tool in enumerate(tools):
            path = f"tools[{n}]"
            match tool.type:
                case "function":
                    self._function(tool, path)
                case "custom":
                    self._custom(tool, path)
                case kind if kind in _WEB_SEARCH:
                    self._search(tool, path)
                case kind if kind in _HOSTED:
                    raise UnsupportedFieldError(
                        f"{path}: this model's provider has no tool of type {kind!r}", param=path
                    )
                case kind:
                    self._add(NativeTool(type=kind, raw=raw_tool(n)), path)

    def _add(self, tool: Tool, path: str) -> None:
        neutral = f"tools[{len(self.tools)}]"
        self.places[neutral] = path
        self.places[f"{neutral}.function"] = path
        self.tools.append(tool)

    def _name_lost(self, tool: shapes.Tool, path: str) -> None:
        """What functions and custom tools may say, and nobody else's can."""
        lost = {
            "allowed_callers": tool.allowed_callers not in (None, ["direct"]),
            "async": tool.asynchronous,
            "defer_loading": tool.defer_loading,
            "output_schema": present(tool.output_schema) is not None,
        }
        self.unsupported += [f"{path}.{name}" for name, said in lost.items() if said]

    def _function(self, tool: shapes.Tool, path: str) -> None:
        self._name_lost(tool, path)
        function = FunctionTool(
            name=need(tool.name, f"{path}.name"),
            description=tool.description,
            parameters=present(tool.parameters),
            strict=tool.strict,
        )
        self._add(function, path)

    def _custom(self, tool: shapes.Tool, path: str) -> None:
        self._name_lost(tool, path)
        description = tool.description or ""
        grammar = tool.format
        if grammar is not None and grammar.type == "grammar":
            self.unsupported.append(f"{path}.format")
            description += f"\n\nThe input follows this {grammar.syntax} grammar:\n{grammar.definition}"
        function = FunctionTool(
            name=need(tool.name, f"{path}.name"),
            description=description.strip() or None,
            parameters=PARAMETERS,
        )
        self._add(function, path)

    def _search(self, tool: shapes.Tool, path: str) -> None:
        if present(tool.filters) is not None:
            self.unsupported.append(f"{path}.filters")
        if tool.search_content_types not in (None, ["text"]):
            self.unsupported.append(f"{path}.search_content_types")
        if tool.external_web_access is False:
            raise UnsupportedFieldError(
                f"{path}.external_web_access: this model's provider can only search the live web",
                param=f"{path}.external_web_access",
            )
        options: dict[str, Any] = {}
        if tool.search_context_size is not None:
            options["search_context_size"] = tool.search_context_size
        if tool.user_location is not None:
            known = {
                "city": tool.user_location.city,
                "country": tool.user_location.country,
                "region": tool.user_location.region,
                "timezone": tool.user_location.timezone,
            }
            place = {name: value for name, value in known.items() if value is not None}
            options["user_location"] = {"type": "approximate", "approximate": place}
        self.places["web_search_options"] = path
        self.web_search = raw(options)


def read_choice(choice: str | shapes.ToolChoice | None, unsupported: list[str]) -> ToolChoice | None:
    """Raises: RequestError for a form or mode that OpenAI does not know."""
    match choice:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=choice)
        case str():
            raise RequestError(f"tool_choice: unknown mode {choice!r}", param="tool_choice")
    match choice.type:
        case "function" | "custom":
            return ToolChoice(mode="required", name=need(choice.name, "tool_choice.name"))
        case "allowed_tools":
            return _allowed(choice, unsupported)
        case _:  # a hosted tool: there is no way to force one elsewhere
            unsupported.append("tool_choice")
            return None


def _allowed(choice: shapes.ToolChoice, unsupported: list[str]) -> ToolChoice:
    if choice.mode not in ("auto", "required"):
        raise RequestError(f"tool_choice.mode: unknown mode {choice.mode!r}", param="tool_choice.mode")
    names: list[str] = []
    for n, tool in enumerate(need(choice.tools, "tool_choice.tools")):
        if tool.type in ("function", "custom"):
            names.append(need(tool.name, f"tool_choice.tools[{n}].name"))
        else:
            unsupported.append(f"tool_choice.tools[{n}]")
    return ToolChoice(mode="required" if choice.mode == "required" else "auto", allowed=tuple(names))
