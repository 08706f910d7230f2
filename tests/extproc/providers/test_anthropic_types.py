"""The validator that other tests rely on refuses what it should."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import ValidationError

from tests.extproc.providers.anthropic_types import check

GOOD: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "r"}]}
            ],
        },
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "stop_sequences": ["x"],
}


def test_a_good_request_passes() -> None:
    check(GOOD)
    check(GOOD | {"stream": True, "temperature": 0.5})


@pytest.mark.parametrize(
    "bad",
    [
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "colour": "red"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "nonsense", "text": "x"}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": 5}]}
                    ],
                }
            ]
        },
        {"messages": [{"role": "tool", "content": "x"}]},
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}],
                }
            ]
        },
        {"system": [{"type": "text", "text": "s", "cache_control": {"type": "forever"}}]},
        {"tools": [{"name": "f"}]},
        {"tool_choice": {"type": "required"}},
        {"max_tokens": "5"},
        {"seed": 1},
        {"temperature": 1.5},
        {"output_config": {"effort": "enormous"}},
    ],
)
def test_a_bad_one_does_not(bad: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, AssertionError)):
        check(GOOD | bad)
