"""A message that is only text is read on a shorter way; it must come to the same as the long one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.providers.anthropic.response import FINISH_REASONS, folded, only_text, plain
from extproc.providers.anthropic.shapes import Message

NOT_GIVEN = object()


def members(**values: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects whose members may each be left out."""
    given = st.fixed_dictionaries({name: st.just(NOT_GIVEN) | value for name, value in values.items()})
    return given.map(lambda found: {name: value for name, value in found.items() if value is not NOT_GIVEN})


COUNT = st.none() | st.integers(0, 10)
WORDS = st.text(max_size=5) | st.sampled_from(["", " ", "ü", "{}"])
TEXT_BLOCK = members(text=st.none() | WORDS, citations=st.none(), unknown=st.integers()).map(
    lambda block: {"type": "text", **block}
)
USAGE = members(
    input_tokens=COUNT,
    output_tokens=COUNT,
    cache_read_input_tokens=COUNT,
    cache_creation_input_tokens=COUNT,
    output_tokens_details=st.none() | members(thinking_tokens=COUNT),
    service_tier=st.sampled_from([None, "standard", "priority", "batch"]),
)
MESSAGE = members(
    id=st.none() | WORDS,
    model=st.none() | WORDS,
    stop_reason=st.sampled_from([None, "", "new", *FINISH_REASONS]),
    stop_sequence=st.none() | WORDS,
    stop_details=st.none() | members(explanation=st.none() | WORDS),
    usage=st.none() | USAGE,
)


@given(MESSAGE, st.lists(TEXT_BLOCK, max_size=3))
def test_both_ways_are_one(fields: dict[str, Any], content: list[dict[str, Any]]) -> None:
    message = msgspec.json.decode(msgspec.json.encode({**fields, "content": content}), type=Message)
    assert message.content is not None
    text = only_text(message.content)
    assert text is not None
    assert plain(message, text) == folded(message, message.content)


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"text": "x"},
        {"type": "thinking", "thinking": "x"},
        {"type": "tool_use", "id": "i", "name": "f", "input": {}},
        {"type": "text", "text": "x", "citations": []},
        {"type": ["text"], "text": "x"},
    ],
)
@pytest.mark.parametrize("before", [[], [{"type": "text", "text": "x"}]])
def test_other_blocks_take_the_long_way(before: list[Any], block: dict[str, Any]) -> None:
    content = msgspec.json.encode({"content": [*before, block]})
    message = msgspec.json.decode(content, type=Message)
    assert message.content is not None
    assert only_text(message.content) is None
