"""What each generation of Claude takes, at Anthropic and in clouds: a 400 answers what a model does not know.

By generation and not by name, so that a model of tomorrow is treated like its siblings.
Sources: https://platform.claude.com/docs/en/models (limits, thinking),
https://platform.claude.com/docs/en/build-with-claude/thinking (types, sampling parameters),
https://platform.claude.com/docs/en/build-with-claude/effort and .../structured-outputs,
https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5 (forced tools).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

Version = tuple[int, int]

Sampling = Literal["free", "one", "none"]
"""free: temperature and top_p. one: only one of the two. none: a 400 for either."""

Off = Literal["omit", "disabled", "between_tools", "never"]
"""How thinking is turned off: by saying nothing, with that ``thinking.type``, or not at all."""


class Traits(NamedTuple):
    """max_tokens: what we ask for when the client names no limit (Anthropic demands one).

    adaptive: thinks by ``effort``, not by a budget of tokens. thinks: knows thinking at all.
    structured: is known to have ``output_config.format``. strict: does not refuse ``strict`` tools.
    named: is a Claude model by name, so that newer fields are known to it.
    forces: can be made to call a tool.
    """

    max_tokens: int
    sampling: Sampling = "free"
    thinks: bool = True
    adaptive: bool = False
    off: Off = "omit"
    efforts: tuple[str, ...] = ()
    structured: bool = True
    strict: bool = True
    named: bool = True
    forces: bool = True


_MIN_TOP_P_THINKING: Final = 0.95
_EFFORTS: Final = ("low", "medium", "high")
_NAME: Final = re.compile(
    r"claude-(?:(?P<old>\d(?:[.-]\d)?)-)?(?P<family>opus|sonnet|haiku|fable|mythos)"
    r"(?:-(?P<new>\d{1,2}(?:[.-]\d{1,2})?)(?!\d))?",
)

UNKNOWN: Final = Traits(max_tokens=8192, structured=False, named=False)
"""Other vendors' models behind Anthropic's format (llama.cpp, vLLM, DeepSeek), and private names.

8192 is what all of them can answer; a longer answer ends with finish_reason ``length``.
"""


@lru_cache(maxsize=1024)  # asked for every request; the names are few, but a pattern's are the client's
def traits(model: str) -> Traits:
    """What `model` takes, in whatever spelling a cloud gives its name."""
    parsed = _parse(model)
    if parsed is None:
        return UNKNOWN
    family, version = parsed
    if version < (3, 5):
        return Traits(max_tokens=4096, thinks=False, structured=False, strict=False)
    if version < (3, 7):
        return Traits(max_tokens=8192, thinks=False, structured=False, strict=False)
    if version < (4, 1):
        return Traits(max_tokens=32_000, structured=False, strict=False)
    if version < (4, 5):
        return Traits(max_tokens=32_000, sampling="one", structured=False, strict=False)
    if version < (4, 6):
        return Traits(max_tokens=64_000, sampling="one", efforts=_EFFORTS if family == "opus" else ())
    if version < (4, 7):
        return Traits(max_tokens=64_000, sampling="one", adaptive=True, efforts=(*_EFFORTS, "max"))
    return Traits(
        max_tokens=64_000,
        sampling="none",
        adaptive=True,
        efforts=(*_EFFORTS, "xhigh", "max"),
        off=_off(family, version),
        forces=version < ((5, 1) if family == "fable" else (5, 5)),
    )


def refused_sampling(wanted: dict[str, Any], known: Traits, *, thinking: bool) -> tuple[str, ...]:
    """Those of temperature, top_p and top_k that this model does not take, or not together.

    wanted: the ones that the client sent, by these names.
    """
    if known.sampling == "none" or (thinking and wanted.get("top_p", 1) < _MIN_TOP_P_THINKING):
        return ("temperature", "top_p", "top_k")
    if thinking:
        return ("temperature", "top_k")
    if known.sampling == "one" and "temperature" in wanted:
        return ("top_p",)
    return ()


def _off(family: str, version: Version) -> Off:
    if family in ("fable", "mythos") or (family == "opus" and version >= (5, 5)):
        return "never"
    if family == "sonnet" and version >= (5, 5):
        return "between_tools"
    return "disabled" if version >= (5, 0) else "omit"


def _parse(model: str) -> tuple[str, Version] | None:
    found = _NAME.search(model.lower())
    if found is None:
        return None
    number = found["old"] or found["new"]
    if number is None:
        # claude-mythos-preview is the only one without a number; it behaves like its generation.
        return (found["family"], (4, 7)) if found["family"] == "mythos" else None
    major, _, minor = number.replace(".", "-").partition("-")
    return found["family"], (int(major), int(minor or 0))
