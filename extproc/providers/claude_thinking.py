"""How much Claude thinks, and what that forbids it.

https://platform.claude.com/docs/en/build-with-claude/thinking: manual thinking has a budget of at
least 1,024 tokens that is smaller than max_tokens; adaptive thinking has an effort. With either,
temperature must be 1, top_k absent, top_p at least 0.95, and no tool may be forced.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from extproc.chat.model import (
    AssistantMessage,
    ChatRequest,
    Message,
    SystemMessage,
    Thinking,
    ToolMessage,
    UserMessage,
)
from extproc.errors import RequestError
from extproc.providers.claude import Traits
from extproc.providers.fields import read_field
from extproc.providers.signatures import is_claudes

MIN_BUDGET: Final = 1024
ANSWER_ROOM: Final = 8192
"""Tokens that max_tokens leaves for the answer where the client named no limit."""

_LEVELS: Final = ("low", "medium", "high", "xhigh", "max")
_BUDGETS: Final = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 32_768,
}


class Plan(msgspec.Struct, gc=False):
    """What the request says about thinking.

    thinking: the ``thinking`` object, if any. effort: for ``output_config``.
    max_tokens: limit of the whole answer, thinking included.
    on: whether the rules for thinking requests hold.
    """

    max_tokens: int
    thinking: Any = None
    effort: str | None = None
    on: bool = False
    unsupported: tuple[str, ...] = ()


class _Config(msgspec.Struct, gc=False):
    type: str = ""
    budget_tokens: int | None = None


def plan(request: ChatRequest, traits: Traits, *, forced_tool: bool, unsigned_turn: bool) -> Plan:
    """The client's own ``thinking`` goes first; ``reasoning_effort`` says it in OpenAI's words.

    forced_tool: a tool must be called. unsigned_turn: see `has_unsigned_tool_turn`.

    Raises:
        RequestError: an unknown effort, or a ``thinking`` that is no object.
    """
    effort = request.reasoning_effort
    if effort is not None and effort != "none" and effort not in _BUDGETS:
        raise RequestError(f"reasoning_effort: unknown level {effort!r}", param="reasoning_effort")
    limit = request.max_tokens or traits.max_tokens
    if "thinking" in request.extra:
        return _native(request, traits, limit, forced_tool=forced_tool)
    if effort is None:
        return Plan(max_tokens=limit)
    if effort == "none":
        return _off(traits, limit)
    if not traits.thinks:
        return Plan(max_tokens=limit, unsupported=("reasoning_effort",))
    level, honoured = _level(effort, traits)
    if traits.adaptive:
        thinking = None if forced_tool else {"type": "adaptive", "display": "summarized"}
        return Plan(
            max_tokens=limit,
            thinking=thinking,
            effort=level,
            on=not forced_tool,
            unsupported=() if honoured else ("reasoning_effort",),
        )
    return _budgeted(request, traits, effort, level, excluded=forced_tool or unsigned_turn)


def has_unsigned_tool_turn(messages: tuple[Message, ...]) -> bool:
    """Whether the turn that tool results continue lacks the thinking that it began with.

    With manual thinking on, Claude refuses such a turn; clients that do not know
    ``thinking_blocks`` send it.
    """
    continued = False
    for message in reversed(messages):
        match message:
            case UserMessage():
                return False
            case AssistantMessage():
                return continued and message.native is None and not any(map(is_provable, message.thinking))
            case ToolMessage():
                continued = True
            case SystemMessage():
                pass
    return False


def is_provable(block: Thinking) -> bool:
    """Reasoning without Claude's signature is another provider's, and refused."""
    return block.redacted is not None or is_claudes(block.signature)


def _native(request: ChatRequest, traits: Traits, limit: int, *, forced_tool: bool) -> Plan:
    given = request.extra["thinking"]
    config = read_field(given, _Config, "thinking")
    on = config.type in ("enabled", "adaptive")
    if on and forced_tool:
        return Plan(max_tokens=limit, effort=_asked_level(request, traits), unsupported=("thinking",))
    if request.max_tokens is None and config.budget_tokens is not None:
        limit = max(limit, config.budget_tokens + ANSWER_ROOM)
    return Plan(max_tokens=limit, thinking=given, effort=_asked_level(request, traits), on=on)


def _asked_level(request: ChatRequest, traits: Traits) -> str | None:
    effort = request.reasoning_effort
    return _level(effort, traits)[0] if effort is not None and effort != "none" else None


def _off(traits: Traits, limit: int) -> Plan:
    match traits.off:
        case "omit":
            return Plan(max_tokens=limit)
        case "never":
            return Plan(max_tokens=limit, effort="low", unsupported=("reasoning_effort",))
        case kind:
            return Plan(max_tokens=limit, thinking={"type": kind})


def _level(effort: str, traits: Traits) -> tuple[str | None, bool]:
    """The nearest effort that the model has, and whether it is what was asked for."""
    if not traits.efforts:
        return None, True
    wanted = "low" if effort == "minimal" else effort
    below = [level for level in traits.efforts if _LEVELS.index(level) <= _LEVELS.index(wanted)]
    return below[-1], below[-1] == wanted


def _budgeted(
    request: ChatRequest, traits: Traits, effort: str, level: str | None, *, excluded: bool
) -> Plan:
    budget = _BUDGETS[effort]
    limit = request.max_tokens
    if limit is None:
        # What a model of Claude's can answer at most is known; others are given room for the answer.
        limit = traits.max_tokens if traits.named else max(traits.max_tokens, budget + ANSWER_ROOM)
        budget = min(budget, limit - ANSWER_ROOM)
    elif limit > MIN_BUDGET:
        budget = min(budget, max(MIN_BUDGET, limit * 3 // 4))
    if excluded or limit <= MIN_BUDGET:
        return Plan(max_tokens=limit, effort=level, unsupported=("reasoning_effort",))
    thinking: dict[str, Any] = {"type": "enabled", "budget_tokens": budget}
    if traits.named:
        thinking["display"] = "summarized"
    return Plan(max_tokens=limit, thinking=thinking, effort=level, on=True)
