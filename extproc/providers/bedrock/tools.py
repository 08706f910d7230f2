"""Tools and the choice among them: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html

There is no ``none``, and a conversation that tells of calls must offer tools.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.chat.model import ChatRequest, CustomTool, FunctionTool, NativeTool
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.bedrock.blocks import JSON_TOOL
from extproc.providers.bedrock.content import Block
from extproc.providers.bedrock.messages import Conversation
from extproc.providers.bedrock.models import Traits
from extproc.providers.claude_schema import enforceable
from extproc.providers.fields import read_field
from extproc.wire.rawjson import ABSENT, raw

_NO_PARAMETERS: Final = raw({"type": "object", "properties": {}})
_SYSTEM_TOOL: Final = "systemTool"
"""Tools that AWS runs itself (``nova_code_interpreter``, ``nova_grounding``)."""


class Tools(msgspec.Struct, gc=False):
    """tools: for ``toolConfig``. choice: beside auto. unsupported: as in the request.

    additional: what only Claude's own ``tool_choice`` can say.
    """

    tools: list[Block]
    choice: dict[str, Any] | None = None
    unsupported: tuple[str, ...] = ()
    additional: dict[str, Any] | None = None

    @property
    def forced(self) -> bool:
        return self.choice is not None

    def config(self) -> dict[str, Any] | None:
        if not self.tools:
            return None
        return {"tools": self.tools} | ({} if self.choice is None else {"toolChoice": self.choice})


class _SystemTool(msgspec.Struct, gc=False):
    name: str


def write_tools(request: ChatRequest, traits: Traits, conversation: Conversation) -> Tools:
    """Raises: RequestError for a tool that Converse cannot offer, or a choice without tools."""
    unsupported: list[str] = []
    choice = request.tool_choice
    param = choice.field if choice is not None else "tool_choice"
    tools = _offered(request, traits, conversation, unsupported)
    if choice is not None and choice.mode == "required":
        if not tools:
            raise _no_such_tool(param)
        wanted = {"any": {}} if choice.name is None else {"tool": {"name": choice.name}}
        if "any" in traits.choices and choice.name is not None and "tool" not in traits.choices:
            tools, wanted = _only(tools, choice.name, param), {"any": {}}
        elif wanted.keys() - traits.choices:
            unsupported.append(param)
            kept = tools if choice.name is None else _only(tools, choice.name, param)
            return _told(request, Tools(kept, None, tuple(unsupported)), traits)
        return _told(request, Tools(tools, wanted, tuple(unsupported)), traits)
    if choice is not None and choice.mode == "none":
        if not conversation.called:
            return Tools([], None, tuple(unsupported))
        unsupported.append(param)
    if not tools and conversation.called:
        # Converse refuses calls in the history without a toolConfig; the model is told what it had.
        unsupported.append("tools")
        tools = [_spec(name) for name in dict.fromkeys(conversation.called)]
    return _told(request, Tools(tools, None, tuple(unsupported)), traits)


def _told(request: ChatRequest, tools: Tools, traits: Traits) -> Tools:
    """`tools`, and that one call is all that the client wants at once.

    Of Converse's models only Claude since 4.5 can be told, in its own words beside Converse's ``auto``:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/parallel-tool-use
    """
    if request.parallel_tool_calls is not False or not tools.tools:
        return tools
    if traits.claude is not None and traits.claude.structured and not tools.forced:
        only_one = {"type": "auto", "disable_parallel_tool_use": True}
        return Tools(tools.tools, None, tools.unsupported, {"tool_choice": only_one})
    field = "functions" if request.legacy_functions else "parallel_tool_calls"
    return Tools(tools.tools, tools.choice, (*tools.unsupported, field))


def _offered(
    request: ChatRequest, traits: Traits, conversation: Conversation, unsupported: list[str]
) -> list[Block]:
    """allowed_tools has no counterpart: the others are not offered."""
    allowed = request.tool_choice.allowed if request.tool_choice is not None else None
    tools: list[Block] = []
    for n, tool in enumerate(request.tools):
        if allowed is not None and (isinstance(tool, NativeTool) or tool.name not in allowed):
            continue
        path = f"functions[{n}]" if request.legacy_functions else f"tools[{n}]"
        match tool:
            case FunctionTool():
                function = path if request.legacy_functions else f"{path}.function"
                tools.append(_function(tool, path, function, traits, unsupported))
                tools += conversation.cache(
                    tool.cache, "tools", f"{path}.cache_control", "tools.cache_control"
                )
            case CustomTool():
                # A JSON tool in its place would come back as another kind of call than the client asked for.
                raise UnsupportedFieldError(f"{path}: the provider has no custom tools", param=path)
            case NativeTool():
                tools.append(_native(tool, path))
    return tools


def _native(tool: NativeTool, path: str) -> Block:
    if tool.type != _SYSTEM_TOOL:
        raise UnsupportedFieldError(f"{path}: the provider has no tool of type {tool.type!r}", param=path)
    given = read_field(tool.raw, dict[str, Raw], path).get(_SYSTEM_TOOL, ABSENT)
    if given is ABSENT:
        missing = f"{path}.{_SYSTEM_TOOL}"
        raise RequestError(f"{missing}: required field is missing", param=missing)
    return {_SYSTEM_TOOL: {"name": read_field(given, _SystemTool, f"{path}.{_SYSTEM_TOOL}").name}}


def _function(tool: FunctionTool, path: str, function: str, traits: Traits, unsupported: list[str]) -> Block:
    if tool.name == JSON_TOOL:
        raise RequestError(f"{path}: the name {JSON_TOOL!r} is the gateway's own", param=path)
    parameters = f"{function}.parameters"
    schema = input_schema(tool.parameters, parameters)
    strict: bool | None = None
    if tool.strict and traits.strict:
        strict = True
        if traits.claude is not None:
            schema, dropped = enforceable(schema, parameters)
            if dropped:
                unsupported.append(parameters)
    elif tool.strict:
        unsupported.append(f"{function}.strict")
    return _spec(tool.name, tool.description, schema, strict=strict)


def _spec(
    name: str, description: str | None = None, schema: Raw = _NO_PARAMETERS, *, strict: bool | None = None
) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": name}
    if description:  # an empty one is refused
        spec["description"] = description
    spec["inputSchema"] = {"json": schema}
    if strict is not None:
        spec["strict"] = strict
    return {"toolSpec": spec}


def json_tool(description: str, schema: Raw) -> Block:
    """The tool whose input is the answer."""
    return _spec(JSON_TOOL, description, schema)


def input_schema(parameters: Raw | None, path: str) -> Raw:
    """Converse wants ``type: object`` said; OpenAI takes an empty schema for no parameters."""
    if parameters is None:
        return _NO_PARAMETERS
    fields = read_field(parameters, dict[str, Raw], path)
    if bytes(fields.get("type", ABSENT)) == b'"object"':
        return parameters
    return raw({"type": "object", **{key: value for key, value in fields.items() if key != "type"}})


def _only(tools: list[Block], name: str, param: str) -> list[Block]:
    """The nearest to a named choice: no other tool is offered."""
    kept: list[Block] = [
        tool for tool in tools if isinstance(tool, dict) and tool.get("toolSpec", {}).get("name") == name
    ]
    if not kept:
        raise _no_such_tool(param)
    return kept


def _no_such_tool(param: str) -> RequestError:
    return RequestError(f"{param}: there is no such tool to choose", param=param)
