"""What Anthropic's Messages API demands beyond the types.

https://platform.claude.com/docs/en/api/messages/create
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Any, Final

from simulator.formats.anthropic_thinking import check_history
from simulator.formats.vendor_anthropic import invalid
from simulator.schema import Schema, subschemas

_SAMPLING: Final = {"temperature": (0, 1), "top_p": (0, 1), "top_k": (0, None)}
"""The version 2023-06-01 takes these; the SDK's types describe 2026-10-21, which does not."""

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_MAX_BREAKPOINTS: Final = 4
_MIN_THINKING: Final = 1024
_MIN_THINKING_TOP_P: Final = 0.95


def blocks_of(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`content` as blocks; a string is short for one text block, an empty one for none."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def take_sampling(body: dict[str, Any]) -> dict[str, Any]:
    """`body` without the sampling parameters.

    Raises: ApiError (400) for one that is out of its range.
    """
    for name, (low, high) in _SAMPLING.items():
        value = body.get(name)
        if name not in body:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise invalid(f"{name}: Input should be a valid number")
        if value < low:
            raise invalid(f"{name}: Input should be greater than or equal to {low}")
        if high is not None and value > high:
            raise invalid(f"{name}: Input should be less than or equal to {high}")
    return {key: value for key, value in body.items() if key not in _SAMPLING}


def check_current(messages: list[dict[str, Any]]) -> None:
    """What the version 2026-10-21 refuses beyond 2023-06-01.

    https://platform.claude.com/docs/en/api/migration-2026-10-21#breaking-changes
    Raises: ApiError (400).
    """
    for at, message in enumerate(messages):
        for index, block in enumerate(blocks_of(message["content"])):
            place = f"messages.{at}.content.{index}"
            if message["role"] == "assistant" and block["type"] == "document":
                raise invalid(f"{place}: document blocks are not allowed in assistant messages")
            if message["role"] == "user" and block["type"] == "text" and block.get("citations"):
                raise invalid(f"{place}.text.citations: citations are not allowed in user messages")


def check(body: dict[str, Any]) -> None:
    """Raises: ApiError (400) for the first rule that `body`, whose types are right, breaks."""
    _check_values(body)
    _check_roles(body["messages"])
    for at, message in enumerate(body["messages"]):
        for index, block in enumerate(blocks_of(message["content"])):
            _check_block(block, f"messages.{at}.content.{index}")
    _check_tool_results(body["messages"])
    _check_tools(body)
    _check_thinking(body)
    check_history(body["messages"])


def _check_values(body: dict[str, Any]) -> None:
    if body["max_tokens"] < 0:
        raise invalid("max_tokens: Input should be greater than or equal to 0")
    if any(not stop.strip() for stop in body.get("stop_sequences", ())):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    system = body.get("system")
    if isinstance(system, list):
        for block in system:
            _check_text(block["text"], "system")
    marked = sum(1 for _ in _marks(body))
    if marked > _MAX_BREAKPOINTS:
        raise invalid(
            f"A maximum of {_MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {marked}."
        )
    wanted = (body.get("output_config") or {}).get("format")
    if wanted:
        _check_closed(wanted["schema"])


def _marks(value: Any) -> Any:
    """Each ``cache_control`` in `value`."""
    if isinstance(value, list):
        for item in value:
            yield from _marks(item)
    elif isinstance(value, dict):
        if value.get("cache_control"):
            yield value["cache_control"]
        for key in ("tools", "system", "messages", "content"):
            yield from _marks(value.get(key))


def _check_closed(schema: Schema) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations."""
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise invalid(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set"
            " to false"
        )
    for inner in subschemas(schema):
        _check_closed(inner)


def _check_roles(messages: list[dict[str, Any]]) -> None:
    if not messages:
        raise invalid("messages: at least one message is required")
    if messages[0]["role"] != "user":
        raise invalid("messages: first message must use the user role")
    last = len(messages) - 1
    for at, message in enumerate(messages):
        # https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
        if message["role"] == "system" and messages[at - 1]["role"] != "user":
            raise invalid(f"messages.{at}: a system message must follow a user message")
        if not message["content"] and (at < last or message["role"] != "assistant"):
            raise invalid(
                f"messages.{at}: all messages must have non-empty content except for the optional final"
                " assistant message"
            )
    if messages[last]["role"] == "assistant":
        final = blocks_of(messages[last]["content"])
        if final and final[-1]["type"] == "text" and final[-1]["text"] != final[-1]["text"].rstrip():
            raise invalid("messages: final assistant content cannot end with trailing whitespace")


def _check_text(text: str, place: str) -> None:
    if not text:
        raise invalid(f"{place}: text content blocks must be non-empty")
    if text.isspace():
        raise invalid(f"{place}: text content blocks must contain non-whitespace text")


def _check_block(block: dict[str, Any], place: str) -> None:
    match block["type"]:
        case "text":
            _check_text(block["text"], "messages")
        case "image" | "document":
            source = block["source"]
            if source["type"] == "base64":
                _check_base64(source["data"], f"{place}.{block['type']}.source.base64")
        case "tool_use":
            if not _ID.fullmatch(block["id"]):
                raise invalid(f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        case "tool_result":
            for index, inner in enumerate(blocks_of(block.get("content") or [])):
                _check_block(inner, f"{place}.tool_result.content.{index}")


def _check_base64(data: str, place: str) -> None:
    try:
        a2b_base64(data, strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise invalid(f"{place}: invalid base64 data") from error


def _check_tool_results(messages: list[dict[str, Any]]) -> None:
    """Each turn's tool calls are answered at the head of the next user turn, each exactly once."""
    calls: list[str] = []
    answered: set[str] = set()
    previous = ""
    for at, message in enumerate(messages):
        blocks = blocks_of(message["content"])
        if message["role"] == "assistant":
            if previous != "assistant":
                calls = []
            calls += [block["id"] for block in blocks if block["type"] == "tool_use"]
            answered = set()
        elif message["role"] == "user":
            _check_results(blocks, calls, answered, at)
            missing = [call for call in calls if call not in answered]
            turn_ends = at == len(messages) - 1 or messages[at + 1]["role"] != "user"
            if missing and (turn_ends or any(block["type"] != "tool_result" for block in blocks)):
                raise invalid(
                    f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately"
                    f" after: {', '.join(missing)}. Each `tool_use` block must have a corresponding"
                    " `tool_result` block in the next message."
                )
        previous = message["role"]
    if previous == "assistant" and calls:
        raise invalid(
            f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks after"
        )


def _check_results(blocks: list[dict[str, Any]], calls: list[str], answered: set[str], at: int) -> None:
    for index, block in enumerate(blocks):
        if block["type"] != "tool_result":
            continue
        identifier = block["tool_use_id"]
        if identifier not in calls:
            raise invalid(
                f"messages.{at}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks:"
                f" {identifier}. Each `tool_result` block must have a corresponding `tool_use` block in the"
                " previous message."
            )
        if identifier in answered:
            raise invalid(
                f"messages.{at}.content.{index}: each tool_use must have a single result: {identifier}"
            )
        if any(earlier["type"] != "tool_result" for earlier in blocks[:index]):
            raise invalid(
                f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately"
                f" after: {identifier}. `tool_result` blocks come first in a user message."
            )
        answered.add(identifier)


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools") or []
    names: set[str] = set()
    for at, tool in enumerate(tools):
        if (tool.get("type") or "custom") != "custom":
            names.add(tool.get("name", tool["type"]))
            continue
        if not _NAME.fullmatch(tool["name"]):
            raise invalid(f"tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if tool["name"] in names:
            raise invalid("tools: Tool names must be unique.")
        if tool["input_schema"].get("type") != "object":
            raise invalid(f"tools.{at}.custom.input_schema.type: Input should be 'object'")
        names.add(tool["name"])
    choice = body.get("tool_choice")
    if choice and not tools and choice["type"] != "none":
        raise invalid("tool_choice: tool_choice may only be specified while providing tools")
    if choice and choice["type"] == "tool" and choice["name"] not in names:
        raise invalid(f"tool_choice: Tool '{choice['name']}' not found in provided tools")


def _check_thinking(body: dict[str, Any]) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility."""
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        if thinking["budget_tokens"] < _MIN_THINKING:
            raise invalid(
                f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_MIN_THINKING}"
            )
        if body["max_tokens"] <= thinking["budget_tokens"]:
            raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
        _check_tool_loop(body["messages"])
    if thinking.get("type") in ("enabled", "adaptive"):
        if body.get("temperature", 1) != 1:
            raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
        if "top_k" in body or body.get("top_p", 1) < _MIN_THINKING_TOP_P:
            raise invalid("`top_k` must be unset and `top_p` at least 0.95 when thinking is enabled.")
        if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
            raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
        if body["messages"][-1]["role"] == "assistant":
            raise invalid("messages: the final message may not be the assistant's when thinking is enabled")
    claude = re.match(r"claude-(?!2|3|instant)", body["model"])
    if claude and "temperature" in body and "top_p" in body:
        raise invalid(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        )


def _check_tool_loop(messages: list[dict[str, Any]]) -> None:
    """While tool results are being answered, the turn that called the tools must begin with its thinking.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#extended-thinking-with-tool-use
    """
    if not any(block["type"] == "tool_result" for block in blocks_of(messages[-1]["content"])):
        return
    at = max(at for at, message in enumerate(messages) if message["role"] == "assistant")
    kind = blocks_of(messages[at]["content"])[0]["type"]
    if kind not in ("thinking", "redacted_thinking"):
        raise invalid(
            f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`."
            " When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )
