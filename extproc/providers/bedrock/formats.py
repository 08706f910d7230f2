"""What becomes of ``response_format``: structured output, a tool that the model must call, or words.

https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html. A model without it that can be
made to call a tool gives the answer as a tool's input, which ``blocks`` turns back into text.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.chat.model import ChatRequest, ResponseFormat
from extproc.providers.bedrock.blocks import JSON_TOOL
from extproc.providers.bedrock.models import Traits
from extproc.providers.bedrock.tools import Tools, input_schema, json_tool
from extproc.providers.claude_schema import enforceable
from extproc.providers.fields import read_field
from extproc.wire.rawjson import raw

_SCHEMA: Final = "response_format.json_schema.schema"
_ANY_ANSWER: Final = raw({"type": "object", "additionalProperties": True})
_ROOT_VARIANTS: Final = frozenset({"anyOf", "oneOf", "allOf"})
_JSON_ONLY: Final = "Answer with a single JSON object: no other text around it, no code fence."
_JSON_AFTER: Final = "Answer with JSON alone: no other text around it, no code fence. Its JSON schema:"
_TOOL_IS: Final = "Takes the answer to the user: its input, key by key, is all of the answer."


class Format(msgspec.Struct, gc=False):
    """output: for ``outputConfig.textFormat``. words: for the system prompt. tools: with their choice."""

    tools: Tools
    output: dict[str, Any] | None = None
    words: str | None = None
    unsupported: tuple[str, ...] = ()


def write_format(request: ChatRequest, traits: Traits, tools: Tools) -> Format:
    """Raises: RequestError for a schema that is none."""
    wanted = request.response_format
    if wanted is None:
        return Format(tools)
    if traits.structured and wanted.schema is not None:
        return _structured(wanted, wanted.schema, traits, tools)
    if traits.structured or not traits.choices or not _fits_a_tool(wanted):
        return Format(tools, words=_told(wanted), unsupported=("response_format",))
    if tools.forced:  # the client wants one of its own tools called now, and no answer
        return Format(tools)
    return Format(_with_answer(wanted, traits, tools))


def _structured(wanted: ResponseFormat, schema: Raw, traits: Traits, tools: Tools) -> Format:
    dropped: frozenset[str] = frozenset()
    if traits.claude is not None:
        schema, dropped = enforceable(schema, _SCHEMA)
    else:
        read_field(schema, dict[str, Raw], _SCHEMA)
    definition = {"schema": bytes(schema).decode()}
    if wanted.name:
        definition["name"] = wanted.name
    if wanted.description:
        definition["description"] = wanted.description
    output = {"type": "json_schema", "structure": {"jsonSchema": definition}}
    return Format(tools, output=output, unsupported=(_SCHEMA,) if dropped else ())


def _fits_a_tool(wanted: ResponseFormat) -> bool:
    """Whether the schema describes an object, as the input of every tool is one."""
    if wanted.schema is None:
        return True
    fields = read_field(wanted.schema, dict[str, Raw], _SCHEMA)
    return bytes(fields.get("type", b'"object"')) == b'"object"' and not _ROOT_VARIANTS & fields.keys()


def _with_answer(wanted: ResponseFormat, traits: Traits, tools: Tools) -> Tools:
    """The tools and the one that answers, of which the model must call one."""
    words = f"{_TOOL_IS} {wanted.description}" if wanted.description else _TOOL_IS
    schema = _ANY_ANSWER if wanted.schema is None else input_schema(wanted.schema, _SCHEMA)
    answer = json_tool(words, schema)
    alone = not tools.tools and "tool" in traits.choices
    choice: dict[str, Any] = {"tool": {"name": JSON_TOOL}} if alone else {"any": {}}
    return Tools([*tools.tools, answer], choice, tools.unsupported)


def _told(wanted: ResponseFormat) -> str:
    if wanted.schema is None:
        return _JSON_ONLY
    about = f"{wanted.description}\n" if wanted.description else ""
    return f"{_JSON_AFTER}\n{about}{bytes(wanted.schema).decode()}"
