"""How much the model thinks, and whether it tells: https://ai.google.dev/gemini-api/docs/thinking

Gemini 3 and later have levels, 2.5 has a budget of tokens; a request has one of the two.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from extproc.chat.model import ChatRequest
from extproc.errors import RequestError
from extproc.providers.fields import read_field
from extproc.providers.google.models import Budget, Traits

_BUDGETS: Final = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Google's own table for the same words: https://ai.google.dev/gemini-api/docs/openai#thinking"""

_ORDER: Final = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_LEVELS: Final = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}


class Plan(msgspec.Struct, gc=False):
    """config: the ``thinkingConfig`` object, if any."""

    config: dict[str, Any] | None = None
    unsupported: tuple[str, ...] = ()


class _Thinking(msgspec.Struct, gc=False):
    """Anthropic's ``thinking``, which its clients send to every model."""

    type: str = ""
    budget_tokens: int | None = None


def plan(request: ChatRequest, known: Traits) -> Plan:
    """``reasoning_effort`` goes first, then Anthropic's ``thinking``; the client's own
    ``thinkingConfig`` takes the place of both, see ``native``.

    Raises:
        RequestError: an unknown effort, or a ``thinking`` that is no object.
    """
    effort = request.reasoning_effort
    if effort is not None:
        if effort == "none":
            return _off(known, "reasoning_effort")
        if effort not in _BUDGETS:
            raise RequestError(f"reasoning_effort: unknown level {effort!r}", param="reasoning_effort")
        return _at(known, request.max_tokens, effort, _BUDGETS[effort], "reasoning_effort")
    if "thinking" not in request.extra:
        return Plan()
    asked = read_field(request.extra["thinking"], _Thinking, "thinking")
    if asked.type == "disabled":
        return _off(known, "thinking")
    if asked.type == "adaptive" or asked.budget_tokens is None:
        return Plan({"includeThoughts": True}) if _thinks(known) else Plan(unsupported=("thinking",))
    return _at(known, request.max_tokens, _word(asked.budget_tokens), asked.budget_tokens, "thinking")


def _thinks(known: Traits) -> bool:
    return bool(known.levels) or known.budget is not None


def _word(budget: int) -> str:
    """The effort that is nearest to a budget of tokens."""
    return "low" if budget <= _BUDGETS["low"] * 2 else "medium" if budget <= _BUDGETS["medium"] else "high"


def _at(known: Traits, max_tokens: int | None, effort: str, tokens: int, field: str) -> Plan:
    if known.levels:
        wanted = _LEVELS[effort]
        level = _nearest(known.levels, wanted)
        honoured = level == wanted and effort not in ("xhigh", "max")
        config = {"thinkingLevel": level, "includeThoughts": True}
        return Plan(config, () if honoured else (field,))
    if known.budget is None:
        return Plan(unsupported=(field,))
    budget = _within(known.budget, tokens, max_tokens)
    return Plan({"thinkingBudget": budget, "includeThoughts": True})


def _nearest(levels: tuple[str, ...], wanted: str) -> str:
    """The level itself, or else the next one up, so that nobody gets less thought than asked for."""
    above = [level for level in levels if _ORDER.index(level) >= _ORDER.index(wanted)]
    return above[0] if above else levels[-1]


def _within(budget: Budget, tokens: int, max_tokens: int | None) -> int:
    """Thoughts count as output: some of `max_tokens` is left for the answer."""
    if max_tokens is not None:
        tokens = min(tokens, max_tokens * 3 // 4)
    return max(budget.least, min(budget.most, tokens))


def _off(known: Traits, field: str) -> Plan:
    """Only 2.5's smaller models can be made not to think; the others think as little as they can."""
    if known.levels:
        return Plan({"thinkingLevel": known.levels[0]}, (field,))
    if known.budget is None:
        return Plan()
    if known.budget.off:
        return Plan({"thinkingBudget": 0})
    return Plan({"thinkingBudget": known.budget.least}, (field,))
