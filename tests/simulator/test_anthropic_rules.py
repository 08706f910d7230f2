"""What the simulator refuses as Anthropic does, by the words of its message."""

from __future__ import annotations

import re
import sys
from typing import Any

import msgspec
import pytest

from simulator.formats import anthropic_messages
from simulator.formats.anthropic_messages import AnthropicMessages
from simulator.wire import Account, ApiError, Call

QUESTION = {"role": "user", "content": "a"}
BODY: dict[str, Any] = {"model": "claude-x", "max_tokens": 2000, "messages": [QUESTION]}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "r"}
TEXT = {"type": "text", "text": "x"}
MARKED = {**TEXT, "cache_control": {"type": "ephemeral"}}
THINKING = {"type": "enabled", "budget_tokens": 1024}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
FORMAT = AnthropicMessages()


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def asking(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def reply(body: dict[str, Any], version: str = "2023-06-01") -> int:
    headers = {"content-type": "application/json", "anthropic-version": version}
    encoded = msgspec.json.encode(body)
    call = Call(
        account=Account(name=""),
        method="POST",
        path="/v1/messages",
        headers=headers,
        body=encoded,
        serial=1,
        now=0,
    )
    return FORMAT.reply(call).status


def refusal(body: dict[str, Any], version: str = "2023-06-01") -> str:
    with pytest.raises(ApiError) as caught:
        reply(body, version)
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"foo": 1}, "foo: Extra inputs are not permitted"),
        ({"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "messages.0: Input tag 'bot' found using 'role'"),
        ({"messages": [asking({"type": "text"})]}, "messages.0.user.content.0.text.text: Field required"),
        ({"messages": [asking({"type": "texts"})]}, "Input tag 'texts' found using 'type'"),
        ({"messages": [asking({**TEXT, "x": 1})]}, "messages.0.user.content.0.text.x: Extra inputs"),
        ({"messages": [assistant(TEXT)]}, "messages: first message must use the user role"),
        ({"messages": [QUESTION, assistant(), QUESTION]}, "messages.1: all messages must have non-empty"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty"),
        (
            {"messages": [{"role": "user", "content": " \n"}]},
            "messages: text content blocks must contain non-whitespace text",
        ),
        ({"messages": [asking({**TEXT, "text": ""})]}, "messages: text content blocks must be non-empty"),
        (
            {"messages": [QUESTION, {"role": "assistant", "content": "a "}]},
            "messages: final assistant content cannot end with trailing whitespace",
        ),
        (
            {"messages": [QUESTION, assistant(TEXT), {"role": "system", "content": "x"}]},
            "messages.2: a system message must follow a user message",
        ),
        ({"messages": [QUESTION, assistant(USE)]}, "`tool_use` ids were found without"),
        ({"messages": [QUESTION, assistant(USE), QUESTION]}, "messages.1: `tool_use` ids were found without"),
        ({"messages": [asking(RESULT)]}, "messages.0.content.0: unexpected `tool_use_id` found"),
        (
            {"messages": [QUESTION, assistant(USE), asking(TEXT, RESULT)]},
            "`tool_result` blocks come first",
        ),
        (
            {"messages": [QUESTION, assistant(USE), asking(RESULT, RESULT)]},
            "messages.2.content.1: each tool_use must have a single result",
        ),
        (
            {"messages": [QUESTION, assistant(USE, {**USE, "id": "t2"}), asking(RESULT)]},
            "immediately after: t2.",
        ),
        ({"messages": [QUESTION, assistant({**USE, "id": "a b"})]}, "tool_use.id: String should match"),
        (
            {
                "messages": [
                    asking(
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "data:x"},
                        }
                    )
                ]
            },
            "messages.0.content.0.image.source.base64: invalid base64 data",
        ),
        (
            {"messages": [QUESTION, assistant({"type": "thinking", "thinking": "a", "signature": "b"})]},
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
        ({"temperature": "hot"}, "temperature: Input should be a valid number"),
        ({"top_k": -1}, "top_k: Input should be greater than or equal to 0"),
        ({"temperature": 1, "top_p": 1}, "`temperature` and `top_p` cannot both be specified"),
        (
            {"thinking": {**THINKING, "budget_tokens": 1}},
            "thinking.enabled.budget_tokens: Input should be greater",
        ),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"thinking": THINKING, "max_tokens": 1024},
            "`max_tokens` must be greater than `thinking.budget_tokens`",
        ),
        ({"thinking": THINKING, "temperature": 0.5}, "`temperature` may only be set to 1 when thinking"),
        ({"thinking": {"type": "adaptive"}, "top_k": 5}, "`top_k` must be unset"),
        (
            {"thinking": THINKING, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            {"thinking": THINKING, "messages": [QUESTION, assistant(TEXT)]},
            "messages: the final message may not be the assistant's",
        ),
        (
            {"thinking": THINKING, "messages": [QUESTION, assistant(USE), asking(RESULT)]},
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`",
        ),
        ({"stop_sequences": "a"}, "stop_sequences: 'str' instances are not allowed"),
        ({"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"system": [{**TEXT, "text": ""}]}, "system: text content blocks must be non-empty"),
        (
            {"system": [MARKED] * 3, "messages": [asking(MARKED, MARKED)]},
            "A maximum of 4 blocks with cache_control",
        ),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name: String should match pattern"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        (
            {"tools": [{**TOOL, "input_schema": {}}]},
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        ({"tool_choice": {"type": "auto"}}, "tool_choice may only be specified while providing tools"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}},
            "Tool 'g' not found in provided tools",
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            "output_config.format.schema: For 'object' type, 'additionalProperties'",
        ),
        ({"messages": [asking({**TEXT, "text": "[sim:dance]"})]}, "simulator: no such directive: 'dance'"),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    assert re.search(re.escape(message), refusal(BODY | changes))


@pytest.mark.parametrize(
    "messages",
    [
        [QUESTION, QUESTION, assistant(TEXT), assistant(TEXT), QUESTION],
        [QUESTION, assistant(USE), asking(RESULT, TEXT)],
        [
            QUESTION,
            assistant(USE, {**USE, "id": "t2"}),
            asking(RESULT),
            asking({**RESULT, "tool_use_id": "t2"}),
        ],
        [QUESTION, assistant(USE), asking(RESULT), assistant(TEXT), QUESTION],
        [QUESTION, {"role": "system", "content": "now in French"}],
        [QUESTION, {"role": "assistant", "content": ""}],
        [QUESTION, assistant({**TEXT, "text": "prefill"})],
        [QUESTION, assistant(DOCUMENT), QUESTION],
    ],
)
def test_accepted(messages: list[dict[str, Any]]) -> None:
    assert reply(BODY | {"messages": messages}) == 200


def test_max_tokens_is_required() -> None:
    body = {key: value for key, value in BODY.items() if key != "max_tokens"}
    assert refusal(body) == "max_tokens: Field required"


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([QUESTION, assistant(DOCUMENT), QUESTION], "messages.1.content.0: document blocks"),
        (
            [
                asking(
                    {
                        **TEXT,
                        "citations": [
                            {
                                "type": "char_location",
                                "cited_text": "x",
                                "document_index": 0,
                                "document_title": None,
                                "start_char_index": 0,
                                "end_char_index": 1,
                            }
                        ],
                    }
                )
            ],
            "messages.0.content.0.text.citations",
        ),
    ],
)
def test_what_the_current_version_refuses(messages: list[dict[str, Any]], message: str) -> None:
    assert reply(BODY | {"messages": messages}) == 200
    assert refusal(BODY | {"messages": messages}, "2026-10-21").startswith(message)


def test_older_claude_takes_temperature_and_top_p() -> None:
    assert reply(BODY | {"model": "claude-3-5-haiku", "temperature": 1, "top_p": 1}) == 200


def test_without_the_sdk_the_rules_still_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic.types", None)
    anthropic_messages._request_type.cache_clear()
    try:
        assert reply(BODY) == 200
        assert "max_tokens" in refusal({"model": "m", "messages": [QUESTION]})
        assert refusal(BODY | {"messages": [assistant(TEXT)]}).startswith("messages: first message")
    finally:
        anthropic_messages._request_type.cache_clear()
