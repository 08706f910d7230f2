"""JSON schemas for Claude's structured output and strict tools.

Anthropic enforces a part of JSON schema and refuses the rest:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
What it refuses is moved into the description, where the model still reads it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Raw

from extproc.errors import RequestError
from extproc.wire.rawjson import MalformedJSON, decode, raw

MAX_DEPTH: Final = 64

_KEPT: Final = frozenset(
    {"$ref", "const", "default", "description", "enum", "format", "required", "title", "type"}
)
_SCHEMA: Final = frozenset({"items"})
_SCHEMA_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf"})
_RENAMED: Final = {"oneOf": "anyOf"}
_NAMED_SCHEMAS: Final = frozenset({"properties", "$defs", "definitions"})
_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$comment", "examples", "deprecated", "readOnly", "writeOnly"}
)
"""Keywords that constrain nothing: dropped without a word."""

_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_ENFORCED_MIN_ITEMS: Final = (b"0", b"1")
_CLOSED: Final = Raw(b"false")


class Enforceable(NamedTuple):
    """schema: what Anthropic enforces. dropped: the keywords that it does not."""

    schema: Raw
    dropped: frozenset[str]


def enforceable(schema: Raw, path: str) -> Enforceable:
    """`schema` without what Anthropic refuses; order of keys and properties kept.

    path: the client's field, for the error.

    Raises:
        RequestError: not a schema object, or nested more than `MAX_DEPTH` levels.
    """
    dropped: set[str] = set()
    try:
        return Enforceable(_rewrite(schema, dropped, 0), frozenset(dropped))
    except MalformedJSON as error:
        raise RequestError(f"{path}: not a JSON schema: {error}", param=path) from None


def _rewrite(schema: Raw, dropped: set[str], depth: int) -> Raw:
    if depth > MAX_DEPTH:
        raise MalformedJSON(f"nested more than {MAX_DEPTH} levels")
    if not bytes(schema).startswith(b"{"):
        return schema  # true and false are schemas
    fields = decode(schema, dict[str, Raw])
    written: dict[str, object] = {}
    lost: dict[str, Raw] = {}
    for key, value in fields.items():
        if (inner := _inner(key, value, dropped, depth + 1)) is not None:
            written[_RENAMED.get(key, key)] = inner
        elif _is_enforced(key, value):
            written[key] = value
        elif key not in _ANNOTATIONS:
            lost[key] = value
    if _is_object(fields):
        written.setdefault("additionalProperties", _CLOSED)
    if lost:
        dropped.update(lost)
        written["description"] = _described(fields.get("description"), lost)
    return raw(written)


def _inner(key: str, value: Raw, dropped: set[str], depth: int) -> object:
    """The schemas under `key`, rewritten; None if there are none."""
    if key in _NAMED_SCHEMAS:
        named = decode(value, dict[str, Raw])
        return {name: _rewrite(schema, dropped, depth) for name, schema in named.items()}
    if key in _SCHEMA_LISTS:
        return [_rewrite(schema, dropped, depth) for schema in decode(value, list[Raw])]
    if key in _SCHEMA and bytes(value).startswith(b"{"):
        return _rewrite(value, dropped, depth)
    return None


def _is_enforced(key: str, value: Raw) -> bool:
    if key == "format":
        return bytes(value).startswith(b'"') and decode(value, str) in _FORMATS
    if key == "minItems":
        return bytes(value) in _ENFORCED_MIN_ITEMS
    if key == "additionalProperties":
        return bytes(value) == bytes(_CLOSED)
    return key in _KEPT


def _is_object(fields: dict[str, Raw]) -> bool:
    kind = bytes(fields.get("type", b""))
    return b'"object"' in kind or (not kind and "properties" in fields)


def _described(description: Raw | None, lost: dict[str, Raw]) -> str:
    words = (
        decode(description, str) if description is not None and bytes(description).startswith(b'"') else ""
    )
    rules = ", ".join(f"{key}: {bytes(value).decode()}" for key, value in lost.items())
    return f"{words}\n\n{{{rules}}}".strip()
