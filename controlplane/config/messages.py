"""pydantic's errors in this product's words. Values are never repeated where they could be a secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pydantic_core import ErrorDetails

from controlplane.config.problems import quote, suggestion


def message(error: ErrorDetails) -> str:
    """What to tell the user about any error but an unknown key."""
    say = _MESSAGES.get(error["type"])
    return error["msg"] if say is None else say(error.get("ctx") or {}, error["input"])


def kind(value: object) -> str:
    """What a YAML value is, in a word."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case tuple() | list():
            return "a list"
        case _:
            return "a mapping"


def _not_among(choices: list[str], given: object) -> str:
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}" if len(choices) > 1 else choices[0]
    if not isinstance(given, str):
        hint = "; put it in quotes" if str(given) in choices else ""
        return f"expected {listed}, got {kind(given)}{hint}"
    guess = suggestion(given, choices)
    return f"expected {listed}, got {quote(given)}{guess if 'did you mean' in guess else ''}"


def _text(_: dict[str, Any], given: object) -> str:
    hint = "; put it in quotes" if isinstance(given, bool | int | float) else ""
    return f"expected text, got {kind(given)}{hint}"


_MESSAGES: Final[dict[str, Callable[[dict[str, Any], object], str]]] = {
    "missing": lambda _, __: "required",
    "value_error": lambda context, _: str(context["error"]),
    "literal_error": lambda context, given: _not_among(re.findall(r"'([^']*)'", context["expected"]), given),
    "string_type": _text,
    "int_type": lambda _, given: (
        f"expected a whole number, got {given if isinstance(given, float) else kind(given)}"
    ),
    "bool_type": lambda _, given: f"expected true or false, got {kind(given)}",
    "tuple_type": lambda _, given: f"expected a list, got {kind(given)}",
    "model_type": lambda _, given: f"expected a mapping, got {kind(given)}",
    "dict_type": lambda _, given: f"expected a mapping, got {kind(given)}",
    "greater_than_equal": lambda context, _: f"must be {context['ge']} or more",
    "less_than_equal": lambda context, _: f"must be {context['le']} or less",
    "too_short": lambda _, __: "must not be empty",
    "string_too_short": lambda _, __: "must not be empty",
}
"""By pydantic's error type; those that the supported part of the schema can give."""
