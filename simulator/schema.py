"""A value that fits a JSON Schema: always the same one for the same schema.

Covers what language models are given as tool parameters and output formats: types, enum, const,
$ref, anyOf/oneOf/allOf, lengths and ranges. Patterns are not honoured.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

_STRINGS: Final = {
    "city": "Paris",
    "location": "Paris",
    "country": "France",
    "unit": "celsius",
    "name": "Ada",
    "query": "weather in Paris",
}
_FORMATS: Final = {
    "date": "2025-01-31",
    "time": "12:00:00Z",
    "date-time": "2025-01-31T12:00:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_MAX_DEPTH: Final = 8
"""Beyond it arrays are empty and nullable values null, so that recursive schemas end."""


def example(schema: Schema) -> Any:
    """A value that `schema` accepts; required properties only where it says which are required."""
    return _value(schema, schema, "", 0)


def _value(schema: Any, root: Schema, name: str, depth: int) -> Any:
    if not isinstance(schema, dict):
        return name or "text"
    if "$ref" in schema:
        return _value(_resolve(str(schema["$ref"]), root), root, name, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _value(_choose(schema[key], depth), root, name, depth)
    if schema.get("allOf"):
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            merged |= _resolve(str(part["$ref"]), root) if "$ref" in part else part
        return _value(merged, root, name, depth)
    return _of_type(_type(schema, depth), schema, root, name, depth)


def _of_type(kind: str, schema: Schema, root: Schema, name: str, depth: int) -> Any:
    match kind:
        case "object":
            properties: Schema = schema.get("properties") or {}
            wanted = schema.get("required")
            names = list(properties) if wanted is None else wanted
            return {key: _value(properties.get(key), root, key, depth + 1) for key in names}
        case "array":
            size = schema.get("minItems", 1 if depth < _MAX_DEPTH else 0)
            items = schema.get("items")
            return [_value(items, root, name, depth + 1) for _ in range(size)]
        case "integer":
            return int(_number(schema, 1))
        case "number":
            return _number(schema, 1.5)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, name)


def _type(schema: Schema, depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(_choose(kind, depth))
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "string"


def _choose(options: list[Any], depth: int) -> Any:
    """The first option that is not null; null where a recursion must end."""
    nulls = [option for option in options if option in ("null", {"type": "null"})]
    others = [option for option in options if option not in ("null", {"type": "null"})]
    return nulls[0] if nulls and (depth >= _MAX_DEPTH or not others) else others[0]


def _resolve(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if part:
            found = found.get(part, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _number(schema: Schema, usual: float) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and usual <= low:
        usual = low + (0 if "minimum" in schema else 1)
    if high is not None and usual >= high:
        usual = high - (0 if "maximum" in schema else 1)
    return usual


def _string(schema: Schema, name: str) -> str:
    text = _FORMATS.get(schema.get("format", "")) or _STRINGS.get(name.lower()) or name or "text"
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def subschemas(schema: Schema) -> list[Schema]:
    """The schemas directly inside `schema`."""
    found: list[Any] = [schema.get("items")]
    for key in ("properties", "$defs", "definitions"):
        found += (schema.get(key) or {}).values()
    for key in ("anyOf", "oneOf", "allOf"):
        found += schema.get(key) or []
    return [each for each in found if isinstance(each, dict)]
