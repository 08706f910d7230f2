"""The Anthropic SDK's request types as a validator that looks into everything.

pydantic checks an ``Iterable`` only when somebody iterates, ignores unknown keys of a TypedDict,
and takes a dict for a response model that the SDK also allows; all three would let errors pass.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_message_create_params
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

SAMPLING = ("temperature", "top_p", "top_k")
"""Gone from the SDK's types with API version 2026-10-21; the version that we send still has them."""

BETA_FIELDS = frozenset({"context_management", "mcp_servers", "fallbacks"})


def _hardened(schema: Any) -> Any:
    if isinstance(schema, list | tuple):
        return (
            [_hardened(inner) for inner in schema]
            if isinstance(schema, list)
            else tuple(map(_hardened, schema))
        )
    if not isinstance(schema, dict):
        return schema
    hard = {key: value if key == "metadata" else _hardened(value) for key, value in schema.items()}
    match hard.get("type"):
        case "generator":
            return {"type": "list", "items_schema": hard["items_schema"]}
        case "typed-dict" if not hard.get("extras_schema") and not _is_open(hard):
            hard["extra_behavior"] = "forbid"
        case "model":
            named = {"ref": hard["ref"]} if "ref" in hard else {}
            return {"type": "is-instance", "cls": hard["cls"], **named}
    return hard


def _is_open(schema: dict[str, Any]) -> bool:
    return (schema.get("config") or {}).get("extra_fields_behavior") == "allow"


@cache
def _validator(beta: bool) -> SchemaValidator:
    params = beta_message_create_params if beta else message_create_params
    return SchemaValidator(_hardened(TypeAdapter(params.MessageCreateParams).core_schema))


def check(body: dict[str, Any]) -> None:
    """Raises: pydantic_core.ValidationError, AssertionError."""
    body = dict(body)
    sampling = {name: body.pop(name) for name in SAMPLING if name in body}
    for name, value in sampling.items():
        assert isinstance(value, int | float), (name, value)
        assert name == "top_k" or 0 <= value <= 1, (name, value)
    _validator(bool(BETA_FIELDS & body.keys())).validate_python(body, strict=True)
