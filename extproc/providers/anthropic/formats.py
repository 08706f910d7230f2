"""What becomes of ``response_format``: structured output, a tool that the model must call, or words.

Structured output needs a schema and Claude 4.5, and other servers of the format need not know it
(llama.cpp ignores it): https://platform.claude.com/docs/en/build-with-claude/structured-outputs
There, the answer becomes the input of a tool, since older models and grammars hold to an
``input_schema``; ``blocks`` turns the call back into the answer's text.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools#forcing-tool-use
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.chat.model import ChatRequest, ResponseFormat
from extproc.providers.anthropic.blocks import JSON_TOOL
from extproc.providers.anthropic.tools import Tools, input_schema
from extproc.providers.claude import Traits
from extproc.providers.claude_schema import enforceable
from extproc.providers.fields import read_field
from extproc.wire.rawjson import raw

_SCHEMA: Final = "response_format.json_schema.schema"
_ANY_OBJECT: Final = raw({"type": "object", "additionalProperties": True})
_ROOT_VARIANTS: Final = frozenset({"anyOf", "oneOf", "allOf"})
"""Anthropic refuses them at the root of an ``input_schema``."""

_JSON_ONLY: Final = "Reply with one JSON object and nothing else: no other text and no code fence."
_JSON_AFTER: Final = "Reply with JSON and nothing else: no other text and no code fence. Its JSON schema:"
_TOOL_IS: Final = "Gives the user the answer: the input of this tool is the whole answer, key by key."


class Format(msgspec.Struct, gc=False):
    """output: for ``output_config.format``. words: for the system prompt. tools: all, with their choice."""

    tools: Tools
    output: dict[str, Any] | None = None
    words: str | None = None
    unsupported: tuple[str, ...] = ()


def write_format(request: ChatRequest, known: Traits, tools: Tools) -> Format:
    """Raises: RequestError for a schema that is none."""
    wanted = request.response_format
    if wanted is None:
        return Format(tools)
    if known.structured and wanted.schema is not None:
        schema, dropped = enforceable(_described(wanted.schema, wanted.description), _SCHEMA)
        output = {"type": "json_schema", "schema": schema}
        return Format(tools, output=output, unsupported=(_SCHEMA,) if dropped else ())
    if known.structured or not _fits_a_tool(wanted):
        return Format(tools, words=_told(wanted), unsupported=("response_format",))
    if tools.forced:  # the client wants one of its own tools called now, and no answer
        return Format(tools)
    return Format(_with_answer(request, wanted, tools))


def _fits_a_tool(wanted: ResponseFormat) -> bool:
    """Whether the schema describes an object, as the input of every tool is one."""
    if wanted.schema is None:
        return True
    fields = read_field(wanted.schema, dict[str, Raw], _SCHEMA)
    return bytes(fields.get("type", b'"object"')) == b'"object"' and not _ROOT_VARIANTS & fields.keys()


def _with_answer(request: ChatRequest, wanted: ResponseFormat, tools: Tools) -> Tools:
    """The tools and the one that answers, of which the model must call one.

    Where the client's may not be called they are not offered: llama.cpp takes any choice of a tool for
    ``any``.
    """
    answer: dict[str, Any] = {"name": JSON_TOOL, "description": _TOOL_IS}
    if wanted.description:
        answer["description"] += f" {wanted.description}"
    answer["input_schema"] = _ANY_OBJECT if wanted.schema is None else input_schema(wanted.schema, _SCHEMA)
    callable_ = tools.choice is None or tools.choice["type"] != "none"
    if callable_ and (tools.tools or "mcp_servers" in request.extra):
        choice = {**(tools.choice or {}), "type": "any"}
        return Tools([*tools.tools, answer], choice, tools.unsupported)
    # A second call would be a second answer.
    choice = {"type": "tool", "name": JSON_TOOL, "disable_parallel_tool_use": True}
    return Tools([answer], choice, tools.unsupported)


def _described(schema: Raw, description: str | None) -> Raw:
    """`schema` with the client's description of the format, for which Anthropic has no other place."""
    if description is None or not bytes(schema).startswith(b"{"):
        return schema
    fields = read_field(schema, dict[str, Raw], _SCHEMA)
    return raw({"description": description, **fields})


def _told(wanted: ResponseFormat) -> str:
    if wanted.schema is None:
        return _JSON_ONLY
    schema = bytes(_described(wanted.schema, wanted.description)).decode()
    return f"{_JSON_AFTER}\n{schema}"
