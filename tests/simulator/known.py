"""Checks that a response holds nothing that the official SDK does not know."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def unknown_fields(value: Any, place: str = "") -> list[str]:
    """Places of fields that the SDK's model of the response lacks."""
    if isinstance(value, list):
        return [found for at, item in enumerate(value) for found in unknown_fields(item, f"{place}[{at}]")]
    if not isinstance(value, BaseModel):
        return []
    found = [f"{place}.{name}" for name in value.model_extra or ()]
    for name in type(value).model_fields:
        found += unknown_fields(getattr(value, name), f"{place}.{name}")
    return found
