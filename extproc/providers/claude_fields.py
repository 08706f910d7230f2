"""What clients of Anthropic's API ask for beyond the neutral model, at each provider.

A provider of Claude gets the fields as they are. Others get those that they have a word for; the
rest is named as not honoured, but for what the neutral request says too.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Raw
from msgspec.structs import replace

from extproc.chat.model import ChatRequest, NativeTool
from extproc.contract.target import Target
from extproc.errors import UnsupportedFieldError
from extproc.providers.claude import traits

_CLAUDES_TOOL: Final = re.compile(r"[a-z_]+_20\d{6}|mcp_toolset")
"""Tools that Anthropic defines carry the date of their version."""
_OF_GEMINI: Final = frozenset({"thinking", "top_k"})
_TOP_K: Final = frozenset({"fireworks", "openrouter", "together", "vllm"})
"""Vendors of OpenAI's format that know ``top_k``."""

_EFFORT: Final = frozenset({"thinking", "output_config"})
_SAID_TWICE: Final = frozenset({"cache_control", "output_config", "thinking"})
"""The neutral request has these too (effort, format), or they change no answer (where a cache begins)."""


def for_provider(request: ChatRequest, target: Target, model: str) -> ChatRequest:
    """`request` with its fields of Claude where `target` looks for them. model: the provider's name for it.

    Raises:
        UnsupportedFieldError: a tool that only Claude has.
    """
    if request.places is None:  # a chat completion, which has Claude's fields in `extra` if at all
        return request
    if target.wire_format == "anthropic" or (target.wire_format == "bedrock" and traits(model).named):
        return _moved(request, request.claude)
    for n, tool in enumerate(request.tools):
        if isinstance(tool, NativeTool) and _CLAUDES_TOOL.fullmatch(tool.type):
            raise UnsupportedFieldError(
                f"tools[{n}]: the provider has no tool of type {tool.type!r}", param=f"tools[{n}]"
            )
    if target.wire_format == "google":
        known = _OF_GEMINI
    else:
        known = frozenset({"top_k"}) if target.type in _TOP_K else frozenset()
    return _moved(request, {name: value for name, value in request.claude.items() if name in known})


def _moved(request: ChatRequest, taken: dict[str, Raw]) -> ChatRequest:
    if not request.claude:
        return request
    lost = tuple(sorted(name for name in request.claude if name not in taken and name not in _SAID_TWICE))
    return replace(
        request,
        claude={},
        extra=taken | request.extra,
        unsupported=request.unsupported + lost,
        # The same in other words.
        reasoning_effort=None if taken.keys() & _EFFORT else request.reasoning_effort,
    )
