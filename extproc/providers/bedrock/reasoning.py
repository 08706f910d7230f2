"""How much the model thinks: Claude's plan, Nova's, or a bare effort.

https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from extproc.chat.model import ChatRequest
from extproc.errors import RequestError
from extproc.providers.bedrock.models import Traits
from extproc.providers.claude import Traits as ClaudeTraits
from extproc.providers.claude_thinking import has_unsigned_tool_turn, plan

_LEVELS: Final = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


class Reasoning(msgspec.Struct, gc=False):
    """additional: for ``additionalModelRequestFields``. effort: for ``outputConfig``.

    max_tokens: limit of the whole answer, if there must be one.
    on: whether Claude's rules for thinking requests hold.
    bare: neither sampling parameters nor a limit are taken.
    """

    additional: dict[str, Any]
    max_tokens: int | None = None
    effort: str | None = None
    on: bool = False
    bare: bool = False
    unsupported: tuple[str, ...] = ()


def write_reasoning(request: ChatRequest, traits: Traits, *, forced_tool: bool) -> Reasoning:
    """Raises: RequestError for an unknown effort, or a ``thinking`` that is no object."""
    if traits.claude is not None:
        return _claude(request, traits.claude, forced_tool=forced_tool)
    effort, limit = request.reasoning_effort, request.max_tokens
    if effort is None:
        return Reasoning({}, limit)
    if effort != "none" and effort not in _LEVELS:
        raise RequestError(f"reasoning_effort: unknown level {effort!r}", param="reasoning_effort")
    refused = ("reasoning_effort",)
    if effort == "none":
        return Reasoning({}, limit, unsupported=refused if traits.reasoning == "effort" else ())
    if traits.reasoning == "no":
        return Reasoning({}, limit, unsupported=refused)
    level = _LEVELS[effort]
    unsupported = () if level == effort else refused
    if traits.reasoning == "effort":
        return Reasoning({"reasoning_effort": level}, limit, unsupported=unsupported)
    config = {"type": "enabled", "maxReasoningEffort": level}
    return Reasoning({"reasoningConfig": config}, limit, bare=level == "high", unsupported=unsupported)


def _claude(request: ChatRequest, known: ClaudeTraits, *, forced_tool: bool) -> Reasoning:
    unsigned = has_unsigned_tool_turn(request.messages)
    planned = plan(request, known, forced_tool=forced_tool, unsigned_turn=unsigned)
    thinking = planned.thinking
    if isinstance(thinking, dict) and known.sampling != "none":
        # Before Claude 4.7 a summary is what one gets, and there is no word to ask for it.
        thinking = {key: value for key, value in thinking.items() if key != "display"}
    # Where the client names no limit, Bedrock's is the model's own; a budget must stay below ours.
    limited = request.max_tokens is not None or planned.on
    return Reasoning(
        {} if thinking is None else {"thinking": thinking},
        planned.max_tokens if limited else None,
        planned.effort,
        on=planned.on,
        unsupported=planned.unsupported,
    )
