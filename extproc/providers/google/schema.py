"""JSON schemas as Gemini takes them, in ``responseJsonSchema`` and ``parametersJsonSchema``.

Gemini enforces a part of JSON schema and refuses, or passes over, the rest:
https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
What it does not know is moved into the description, where the model still reads it.

On its way the schema becomes a protobuf map, which has no order; ``propertyOrdering`` keeps it:
https://ai.google.dev/gemini-api/docs/structured-output#property-ordering
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Raw

from extproc.errors import RequestError
from extproc.wire.rawjson import ABSENT, MalformedJSON, decode, raw

MAX_DEPTH: Final = 64

_KEPT: Final = frozenset(
    {
        "$anchor",
        "$id",
        "additionalProperties",
        "description",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "propertyOrdering",
        "required",
        "title",
        "type",
    }
)
_SCHEMAS: Final = frozenset({"additionalProperties", "items"})
_SCHEMA_LISTS: Final = frozenset({"anyOf", "oneOf", "prefixItems"})
_NAMED_SCHEMAS: Final = frozenset({"properties", "$defs", "definitions"})
_RENAMED: Final = {"definitions": "$defs"}
_REF: Final = "#/definitions/"
_ANNOTATIONS: Final = frozenset({"$schema", "$comment", "examples", "deprecated", "readOnly", "writeOnly"})
"""Keywords that constrain nothing: dropped without a word."""
_NO_RULES: Final = frozenset({"default"})
"""Keywords that the model should read, though they constrain nothing."""

_FORMATS: Final = frozenset({"date-time", "date", "time", "float", "double", "int32", "int64"})
_SCALARS: Final = b'"-0123456789'
"""How strings and numbers begin; of others Gemini takes no ``enum``."""


class Cleaned(NamedTuple):
    """schema: what Gemini takes. dropped: the keywords that it does not enforce."""

    schema: Raw
    dropped: frozenset[str]


def cleaned(schema: Raw, path: str) -> Cleaned:
    """`schema` without what Gemini does not know; order of keys and properties kept.

    path: the client's field, for the error.

    Raises:
        RequestError: not a schema object, or nested more than `MAX_DEPTH` levels.
    """
    dropped: set[str] = set()
    try:
        return Cleaned(_rewrite(schema, dropped, 0), frozenset(dropped))
    except MalformedJSON as error:
        raise RequestError(f"{path}: not a JSON schema: {error}", param=path) from None


def _rewrite(schema: Raw, dropped: set[str], depth: int) -> Raw:
    if depth > MAX_DEPTH:
        raise MalformedJSON(f"nested more than {MAX_DEPTH} levels")
    if bytes(schema) in (b"true", b"false"):
        return schema
    fields = _merged(decode(schema, dict[str, Raw]))
    return _reference(fields, dropped, depth) if "$ref" in fields else _plain(fields, dropped, depth)


def _plain(fields: dict[str, Raw], dropped: set[str], depth: int) -> Raw:
    written: dict[str, object] = {}
    lost: dict[str, Raw] = {}
    for key, value in fields.items():
        if (inner := _inner(key, value, dropped, depth + 1)) is not None:
            written[_new(key, inner)] = inner
        elif (scalars := _enum(key, value, fields)) is not None:
            written["enum"] = scalars
        elif key in _KEPT or (key == "format" and _is_known_format(value)):
            written[key] = value
        elif key not in _ANNOTATIONS:
            lost[key] = value
    _keep_order(written)
    if lost:
        dropped.update(lost.keys() - _NO_RULES)
        written["description"] = _described(fields.get("description"), lost)
    return raw(written)


def _keep_order(written: dict[str, object]) -> None:
    properties = written.get("properties")
    if isinstance(properties, dict) and len(properties) > 1:
        written.setdefault("propertyOrdering", list(properties))


def _new(key: str, value: object) -> str:
    """Today's name of `key`: ``definitions``, and ``items`` of a tuple, are those of older drafts."""
    return "prefixItems" if key == "items" and isinstance(value, list) else _RENAMED.get(key, key)


def _merged(fields: dict[str, Raw]) -> dict[str, Raw]:
    """An ``allOf`` of one schema says the same within its parent (older pydantic writes it round a $ref)."""
    if "allOf" not in fields:
        return fields
    listed = decode(fields["allOf"], list[Raw])
    if len(listed) != 1 or not bytes(listed[0]).startswith(b"{"):
        return fields
    rest = {key: value for key, value in fields.items() if key != "allOf"}
    return decode(listed[0], dict[str, Raw]) | rest


def _reference(fields: dict[str, Raw], dropped: set[str], depth: int) -> Raw:
    """Beside a ``$ref`` Gemini takes only keywords with a dollar."""
    target = decode(fields["$ref"], str)
    if target.startswith(_REF):
        target = f"#/$defs/{target[len(_REF) :]}"
    written: dict[str, object] = {"$ref": target}
    for key, value in fields.items():
        if key in ("$defs", "definitions"):
            written["$defs"] = _inner(key, value, dropped, depth + 1)
        elif key in _KEPT and key.startswith("$"):
            written[key] = value
    return raw(written)


def _inner(key: str, value: Raw, dropped: set[str], depth: int) -> object:
    """The schemas under `key`, rewritten; None if there are none."""
    if key in _NAMED_SCHEMAS:
        named = decode(value, dict[str, Raw])
        return {name: _rewrite(schema, dropped, depth) for name, schema in named.items()}
    text = bytes(value)
    if key in _SCHEMA_LISTS or (key == "items" and text.startswith(b"[")):
        return [_rewrite(schema, dropped, depth) for schema in decode(value, list[Raw])]
    if key in _SCHEMAS and text.startswith(b"{"):
        return _rewrite(value, dropped, depth)
    return None


def _enum(key: str, value: Raw, fields: dict[str, Raw]) -> list[Raw] | None:
    """``enum`` and ``const`` as an enum of strings and numbers; None for others, and for other keywords.

    A null among them says what the type says too.
    """
    if key == "const":
        return [value] if bytes(value)[:1] in _SCALARS else None
    if key != "enum":
        return None
    values = decode(value, list[Raw])
    if b'"null"' in bytes(fields.get("type", ABSENT)):
        values = [one for one in values if bytes(one) != b"null"]
    return values if values and all(bytes(one)[:1] in _SCALARS for one in values) else None


def _is_known_format(value: Raw) -> bool:
    return bytes(value).startswith(b'"') and decode(value, str) in _FORMATS


def _described(description: Raw | None, lost: dict[str, Raw]) -> str:
    words = (
        decode(description, str) if description is not None and bytes(description).startswith(b'"') else ""
    )
    rules = ", ".join(f"{key}: {bytes(value).decode()}" for key, value in lost.items())
    return f"{words}\n\n{{{rules}}}".strip()
