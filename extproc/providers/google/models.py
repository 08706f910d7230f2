"""What each generation of Gemini takes.

By generation and not by name, so that a model of tomorrow is treated like its siblings.
Sources: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking and
https://ai.google.dev/gemini-api/docs/thinking (levels, budgets),
https://ai.google.dev/gemini-api/docs/thought-signatures,
https://ai.google.dev/gemini-api/docs/function-calling#multimodal (images in results, validated mode).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple


class Budget(NamedTuple):
    """Tokens of thinking: the least and the most, and whether thinking can be turned off."""

    least: int
    most: int
    off: bool


class Traits(NamedTuple):
    """levels: of ``thinkingLevel``, from little to much; empty for a model that has none.

    budget: of ``thinkingBudget``, for a model that knows only that.
    signs: refuses function calls of the current turn without their signature.
    media_results: takes images and documents in a function's response.
    validates: can hold function calls to their schemas without forcing one.
    mixes: takes its own tools beside the client's functions.
    """

    levels: tuple[str, ...] = ()
    budget: Budget | None = None
    signs: bool = False
    media_results: bool = False
    validates: bool = False
    mixes: bool = False


UNKNOWN: Final = Traits()
"""Gemma, tuned models behind an endpoint's number, and Gemini before 2.5."""

_NAME: Final = re.compile(r"gemini-(?:(?P<version>\d+(?:\.\d+)?)-)?(?P<rest>[a-z0-9.-]+)")
_LATEST: Final = (99, 0)
_THREE_LEVELS: Final = ("LOW", "MEDIUM", "HIGH")


@lru_cache(maxsize=1024)  # asked for every request; the names are few, but a pattern's are the client's
def traits(model: str) -> Traits:
    """What `model` takes, whatever path its name stands in."""
    found = _NAME.search(model.lower())
    if found is None:
        return UNKNOWN
    version, rest = _version(found["version"]), found["rest"]
    if version is None:
        if "latest" not in rest:
            return UNKNOWN
        version = _LATEST
    if version >= (3, 0):
        return Traits(
            levels=_levels(version, rest), signs=True, media_results=True, validates=True, mixes=True
        )
    if version >= (2, 5):
        return Traits(budget=_budget(rest), validates=True)
    return UNKNOWN


def _version(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _levels(version: tuple[int, int], rest: str) -> tuple[str, ...]:
    if "image" in rest:
        return ()
    if "pro" in rest and version == (3, 0):
        return ("LOW", "HIGH")
    if "flash" in rest and version <= (3, 6):
        return ("MINIMAL", *_THREE_LEVELS)
    return _THREE_LEVELS


def _budget(rest: str) -> Budget | None:
    if "image" in rest or "tts" in rest:
        return None
    if "flash-lite" in rest:
        return Budget(512, 24_576, off=True)
    if "flash" in rest:
        return Budget(1, 24_576, off=True)
    return Budget(128, 32_768, off=False)
