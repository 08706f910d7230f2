"""Bodies of generateContent in one spelling, and against the types of the `google-genai` package.

Google takes every field in two spellings, as all JSON that becomes a protobuf message does, and its own
SDK mixes them (``parameters_json_schema``): https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.alias_generators import to_camel

from simulator.strict import Problem

_FREE: Final = frozenset({"args", "labels", "parametersJsonSchema", "response", "responseJsonSchema"})
"""Fields whose keys are not Google's."""

_NAMED: Final = frozenset({"properties", "$defs", "defs"})
"""Fields whose keys are names, and whose values are Google's again."""

Check = Callable[[dict[str, Any]], Problem | None]


@cache
def request_check() -> Check | None:
    """What tells what is wrong with a body; None without the package."""
    try:
        from google.genai import types  # noqa: PLC0415 - optional, and seconds
    except ModuleNotFoundError:
        return None
    config: Any = create_model(
        "Config", __base__=types.GenerationConfig, image_config=(types.ImageConfig | None, None)
    )
    request = create_model(
        "Request",
        __config__=ConfigDict(extra="forbid", alias_generator=to_camel),
        contents=(list[types.Content], Field(min_length=1)),
        system_instruction=(types.Content | None, None),
        tools=(list[types.Tool] | None, None),
        tool_config=(types.ToolConfig | None, None),
        safety_settings=(list[types.SafetySetting] | None, None),
        generation_config=(config | None, None),
        cached_content=(str | None, None),
        labels=(dict[str, str] | None, None),
        service_tier=(types.ServiceTier | None, None),
        model_armor_config=(types.ModelArmorConfig | None, None),
    )
    return lambda body: _check(request, body)


def _check(request: type[BaseModel], body: dict[str, Any]) -> Problem | None:
    try:
        request.model_validate_json(msgspec.json.encode(body))
    except ValidationError as error:
        found = max(error.errors(include_url=False, include_input=False), key=lambda each: len(each["loc"]))
        return Problem(
            kind=found["type"],
            location=found["loc"],
            tags=found["loc"],
            message=found["msg"],
            context=found.get("ctx", {}),
        )
    return None


def in_camel_case(value: Any) -> Any:
    """`value` with Google's own keys in the spelling of its documentation."""
    if isinstance(value, list):
        return [in_camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    written: dict[str, Any] = {}
    for key, item in value.items():
        name = to_camel(key) if "_" in key else key
        if name in _FREE:
            written[name] = item
        elif name in _NAMED and isinstance(item, dict):
            written[name] = {inner: in_camel_case(each) for inner, each in item.items()}
        else:
            written[name] = in_camel_case(item)
    return written
