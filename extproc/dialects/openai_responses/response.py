"""A whole answer in the words of OpenAI: https://platform.openai.com/docs/api-reference/responses/object

It repeats what the request said, with OpenAI's defaults for the rest. ``store`` is false: nothing was kept.
``reasoning`` items always carry ``encrypted_content`` where the provider gave something to send back, asked
for or not: without state there is no other way to it.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.model import ChatResponse, FinishReason, Usage
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_responses.output import JSON, Output, custom_names
from extproc.errors import GatewayError
from extproc.wire.rawjson import decode, encode, present

Outcome = Literal["in_progress", "completed", "incomplete", "failed"]

SERVICE_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
"""What OpenAI's clients know; they refuse others."""

_PREFIX: Final = re.compile(r"^(chatcmpl|cmpl|msg|gen|resp)[-_]")
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]")
_INCOMPLETE: Final[dict[FinishReason, JSON]] = {
    "length": {"reason": "max_output_tokens"},
    "content_filter": {"reason": "content_filter"},
    "refusal": {"reason": "content_filter"},
    "pause": {"reason": None},  # the provider wants the turn back; OpenAI has no word for it
}
"""Ends before the end; a refusal in words is an answer of its own."""


def outcome(reason: FinishReason, *, refused: bool) -> tuple[Outcome, JSON | None]:
    """Status and ``incomplete_details``. refused: the client reads why the model declined."""
    if reason not in _INCOMPLETE or (reason == "refusal" and refused):
        return "completed", None
    return "incomplete", _INCOMPLETE[reason]


class Answer:
    """What all tellings of one answer share: its id, and what the request said."""

    def __init__(self, reply: ReplyContext, start: ev.Start) -> None:
        given = _FOREIGN.sub("_", _PREFIX.sub("", start.id or ""))
        self.base = given or _FOREIGN.sub("_", reply.request_id)
        self.custom = custom_names(reply.echo)
        self._created = reply.created if start.created is None else start.created
        self._model = reply.model
        self._told = _told(reply.echo or {})
        self._tier = start.service_tier if start.service_tier in SERVICE_TIERS else None

    def write(
        self,
        status: Outcome,
        output: list[JSON],
        *,
        usage: Usage | None = None,
        incomplete: JSON | None = None,
        error: JSON | None = None,
    ) -> JSON:
        """The response object."""
        written: JSON = {
            "id": f"resp_{self.base}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": error,
            "incomplete_details": incomplete,
            "model": self._model,
            "output": output,
            "previous_response_id": None,
            "store": False,
            "truncation": "disabled",
            **self._told,
        }
        if self._tier is not None:
            written["service_tier"] = self._tier
        written["usage"] = None if usage is None else write_usage(usage)
        return written


def write_response(response: ChatResponse, reply: ReplyContext) -> bytes:
    """`response` as the body of a 200. More than one choice has no place here, and was not asked for."""
    start = ev.Start(id=response.id, created=response.created, service_tier=response.service_tier)
    answer = Answer(reply, start)
    output = Output(answer.base, answer.custom)
    if not response.choices:
        return encode(answer.write("completed", [], usage=response.usage))
    choice = response.choices[0]
    output.add(choice.message, choice.logprobs)
    status, details = outcome(choice.finish_reason, refused=bool(choice.message.refusal))
    if status == "incomplete":
        output.break_off()
    return encode(answer.write(status, output.items, usage=response.usage, incomplete=details))


def write_usage(usage: Usage) -> JSON:
    """Details that the provider did not give are 0: OpenAI's clients demand them."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cached or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": usage.prompt + usage.completion,
    }


def write_error(error: GatewayError) -> bytes:
    """The error object of https://platform.openai.com/docs/guides/error-codes"""
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return encode({"error": told})


def _told(echo: dict[str, Raw]) -> dict[str, Any]:
    """The request's own words, or what OpenAI takes for granted."""
    told: dict[str, Any] = {
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "prompt_cache_key": None,
        "safety_identifier": None,
        "service_tier": "auto",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "user": None,
        **echo,
        "reasoning": {"effort": None, "summary": None, **_fields(echo.get("reasoning"))},
        "text": {"format": {"type": "text"}, "verbosity": "medium", **_fields(echo.get("text"))},
    }
    return told


def _fields(given: Raw | None) -> dict[str, Raw]:
    if given is None:
        return {}
    fields = decode(given, dict[str, Raw])
    return {name: value for name, value in fields.items() if present(value) is not None}
