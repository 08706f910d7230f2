"""The schema as JSON Schema (draft 2020-12), for editors and for the reference page."""

from __future__ import annotations

from typing import Any, Final, get_args

from controlplane.config.base import Section
from controlplane.config.schema import Config
from controlplane.config.sections import NOT_SUPPORTED

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Accepts whatever the loader accepts; what only the loader can check (names, files) it leaves open."""
    schema: dict[str, Any] = _without_marks(annotated_schema())
    return {"$schema": DRAFT, **schema}


def annotated_schema() -> dict[str, Any]:
    """Like `json_schema`, with two marks of our own on properties: `kind` of a text, and `later`."""
    schema = Config.model_json_schema()
    sections = {section.__name__: section for section in _sections(Config)}
    _tidy(schema, Config)
    for name, definition in schema["$defs"].items():
        _tidy(definition, sections[name])
    return schema


def _sections(annotation: Any) -> set[type[Section]]:
    """All sections inside a type, itself included."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        found = {annotation}
        for field in annotation.model_fields.values():
            found |= _sections(field.annotation)
        return found
    return {section for part in get_args(annotation) for section in _sections(part)}


def _tidy(definition: dict[str, Any], section: type[Section]) -> None:
    """Says defaults as users write them, and that a key without a value is left out, never null."""
    defaults = section.model_construct().model_dump(mode="json", exclude_none=True)
    for name, field in definition["properties"].items():
        given = [choice for choice in field.pop("anyOf", ()) if choice != {"type": "null"}]
        choices = [inner for choice in given for inner in choice.get("oneOf", (choice,))]
        field.update(choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})
        field.pop("title", None)
        field.pop("default", None)
        info = section.model_fields[name]
        field["description"] = info.description  # pydantic leaves some out
        if info.examples:
            field["examples"] = info.examples  # pydantic sorts their keys
        if "$ref" not in field and name in defaults:
            field["default"] = defaults[name]


def _without_marks(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_marks(item) for item in node]
    if not isinstance(node, dict):
        return node
    fresh = {key: _without_marks(value) for key, value in node.items()}
    if isinstance(node.get("kind"), str):
        del fresh["kind"]
    if node.get("later") is True:
        del fresh["later"]
        fresh["description"] += f" {NOT_SUPPORTED.capitalize()}."
    return fresh
