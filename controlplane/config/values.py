"""Durations and sizes: how users write them, and what they become."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from controlplane.config.problems import quote

LONGEST: Final = timedelta(hours=24)

_DURATION_PATTERN = r"(?=.)([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?"
_DURATION = re.compile(_DURATION_PATTERN)
_STEPS: Final = (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))

_DURATION_HINT: Final = "not a duration; write it like 250ms, 30s, 5m or 1m30s"

_SIZE_PATTERN = r"([0-9]{1,12})(B|KB|KiB|MB|MiB|GB|GiB)"
_SIZE = re.compile(_SIZE_PATTERN)
_UNITS: Final = {
    "GiB": 1024**3,
    "MiB": 1024**2,
    "KiB": 1024,
    "GB": 1000**3,
    "MB": 1000**2,
    "KB": 1000,
    "B": 1,
}
_SIZE_HINT: Final = "not a size; write it like 512KiB or 32MiB"


def parse_duration(value: object) -> timedelta:
    """``250ms``, ``30s``, ``5m``, ``1h``, ``1m30s``. Raises: ValueError saying what to write."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f"a duration needs a unit: {quote(value)}s or {quote(value)}ms?" if number else _DURATION_HINT
        raise ValueError(hint)  # noqa: TRY004 - pydantic's way
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(f"{quote(value)} is {_DURATION_HINT}")
    milliseconds = sum(
        int(group.removesuffix(unit)) * step
        for group, (unit, step) in zip(match.groups(default=""), _STEPS, strict=True)
        if group
    )
    if milliseconds == 0:
        raise ValueError("must be longer than 0")
    if milliseconds > LONGEST / timedelta(milliseconds=1):
        raise ValueError(f"must be {format_duration(LONGEST)} at most")
    return timedelta(milliseconds=milliseconds)


def format_duration(value: timedelta) -> str:
    """As a user would write it, e.g. ``1m30s``."""
    rest = value // timedelta(milliseconds=1)
    text = ""
    for unit, step in _STEPS:
        count, rest = divmod(rest, step)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_size(value: object) -> int:
    """Bytes of ``512KiB``, ``32MiB``, ``10MB``. Raises: ValueError saying what to write."""
    if not isinstance(value, str):
        hint = _SIZE_HINT
        if isinstance(value, int) and not isinstance(value, bool):
            guess = format_size(value) if value >= _UNITS["KiB"] else f"{value}KiB or {value}MiB"
            hint = f"a size needs a unit: {guess}?"
        raise ValueError(hint)  # noqa: TRY004 - pydantic's way
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError(f"{quote(value)} is {_SIZE_HINT}")
    return int(match[1]) * _UNITS[match[2]]


def format_size(value: int) -> str:
    """With the largest unit that divides it, e.g. ``32MiB``."""
    for unit, step in _UNITS.items():
        if value and value % step == 0:
            return f"{value // step}{unit}"
    return f"{value}B"


def _between(least: str, most: str) -> Callable[[int], int]:
    low, high = parse_size(least), parse_size(most)

    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"must be from {least} to {most}")
        return value

    return check


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION_PATTERN}$", "kind": "duration"}),
]
"""More than 0, at most 24 h, in whole milliseconds."""

_size_schema = WithJsonSchema({"type": "string", "pattern": f"^{_SIZE_PATTERN}$", "kind": "size"})
_size_text = PlainSerializer(format_size, when_used="json")

SizeText = Annotated[int, BeforeValidator(parse_size), _size_text, _size_schema]
"""Bytes."""
BodySize = Annotated[
    int, AfterValidator(_between("1KiB", "1GiB")), BeforeValidator(parse_size), _size_text, _size_schema
]
"""Bytes that a buffer of Envoy may have to hold (its limits are 32 bits wide)."""
CacheSize = Annotated[
    int, AfterValidator(_between("1MiB", "1024GiB")), BeforeValidator(parse_size), _size_text, _size_schema
]
"""Bytes in memory."""
