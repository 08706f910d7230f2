"""What OpenAI's chat completions demand beyond the types.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import re
from typing import Any, Final

from simulator.formats.vendor_openai import invalid
from simulator.schema import Schema, subschemas

_RANGES: Final = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "n": (1, 128),
    "max_tokens": (1, None),
    "max_completion_tokens": (1, None),
}
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_REASONS: Final = re.compile(r"(o[1-9]|gpt-5)\b")
_CHATS: Final = re.compile(r"gpt-5(\.\d)?-chat|gpt-5\.\d")
"""They do not reason, or only if asked to."""

_WITHOUT_REASONING: Final = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "logit_bias": {},
}
_MAX_STOPS: Final = 4
_MAX_TOOLS: Final = 128


def check(body: dict[str, Any]) -> None:
    """Raises: ApiError (400) for the first rule that `body`, whose types are right, breaks."""
    _check_values(body)
    _check_reasoning(body)
    _check_messages(body["messages"])
    _check_tools(body)
    _check_response_format(body)


def _check_reasoning(body: dict[str, Any]) -> None:
    """Models that reason: https://platform.openai.com/docs/guides/reasoning#get-started-with-reasoning."""
    if not _REASONS.match(body["model"]) or _CHATS.match(body["model"]):
        return
    if body.get("max_tokens") is not None:
        raise invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for name, default in _WITHOUT_REASONING.items():
        if body.get(name) not in (None, default):
            raise invalid(
                f"Unsupported value: '{name}' is not supported with this model.", name, "unsupported_value"
            )


def _check_values(body: dict[str, Any]) -> None:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is None:
            continue
        if value < low:
            raise invalid(
                f"Invalid '{name}': expected a value >= {low}, but got {value} instead.",
                name,
                "below_min_value",
            )
        if high is not None and value > high:
            raise invalid(
                f"Invalid '{name}': expected a value <= {high}, but got {value} instead.",
                name,
                "above_max_value",
            )
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
        )
    if body.get("top_logprobs") and not body.get("logprobs"):
        raise invalid(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs"
        )
    if body.get("stream_options") is not None and not body.get("stream"):
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )
    if isinstance(body.get("stop"), list) and len(body["stop"]) > _MAX_STOPS:
        raise invalid(
            f"Invalid 'stop': array too long. Expected at most {_MAX_STOPS}.",
            "stop",
            "array_above_max_length",
        )


def _check_messages(messages: list[dict[str, Any]]) -> None:
    if not messages:
        raise invalid(
            "Invalid 'messages': empty array. Expected at least 1 element.", "messages", "empty_array"
        )
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        place = f"messages[{at}]"
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                raise invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding message"
                    " with 'tool_calls'.",
                    f"{place}.role",
                )
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            raise _unanswered(open_calls, at)
        if message["role"] == "assistant":
            _check_assistant(message, place)
            open_calls = {call["id"] for call in message.get("tool_calls", ())}
    if open_calls:
        raise _unanswered(open_calls, len(messages))


def _unanswered(calls: set[str], at: int) -> Exception:
    return invalid(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
        f" 'tool_call_id'. These have no response: {', '.join(sorted(calls))}",
        f"messages[{at}].role",
    )


def _check_assistant(message: dict[str, Any], place: str) -> None:
    said = (
        message.get("content"),
        message.get("refusal"),
        message.get("function_call"),
        message.get("audio"),
    )
    if "tool_calls" in message and not message["tool_calls"]:
        raise invalid(f"Invalid '{place}.tool_calls': empty array.", f"{place}.tool_calls", "empty_array")
    if all(part is None for part in said) and "tool_calls" not in message:
        raise invalid("Invalid value for 'content': expected a string, got null.", f"{place}.content")


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body and body[name] != "none":
                raise invalid(f"'{name}' is only allowed when 'tools' are specified.", name)
        return
    if not 1 <= len(tools) <= _MAX_TOOLS:
        raise invalid(f"Invalid 'tools': expected 1 to {_MAX_TOOLS} elements.", "tools", "array_length")
    names = set()
    for at, tool in enumerate(tools):
        definition = tool[tool["type"]]
        if not _TOOL_NAME.fullmatch(definition["name"]):
            place = f"tools[{at}].{tool['type']}.name"
            raise invalid(f"Invalid '{place}': string does not match the pattern.", place, "invalid_value")
        if tool["type"] == "function" and definition.get("strict"):
            _check_strict(definition.get("parameters") or {}, f"tools[{at}].function.parameters")
        names.add(definition["name"])
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] != "allowed_tools":
        name = choice[choice["type"]]["name"]
        if name not in names:
            raise invalid(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")


def _check_response_format(body: dict[str, Any]) -> None:
    wanted = body.get("response_format") or {}
    match wanted.get("type"):
        case "json_schema":
            definition = wanted["json_schema"]
            if not _TOOL_NAME.fullmatch(definition["name"]):
                place = "response_format.json_schema.name"
                raise invalid(
                    f"Invalid '{place}': string does not match the pattern.", place, "invalid_value"
                )
            if definition.get("strict"):
                _check_strict(definition.get("schema") or {}, "response_format")
        case "json_object":
            if not any("json" in str(message.get("content", "")).lower() for message in body["messages"]):
                raise invalid(
                    "'messages' must contain the word 'json' in some form, to use 'response_format' of type"
                    " 'json_object'.",
                    "messages",
                )


def _check_strict(schema: Schema, param: str) -> None:
    """Strict schemas close every object and require every property.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            raise invalid(
                f"Invalid schema for '{param}': 'additionalProperties' must be supplied and be false.",
                param,
            )
        missing = set(schema.get("properties", {})) - set(schema.get("required", ()))
        if missing:
            raise invalid(
                f"Invalid schema for '{param}': 'required' must include every key in properties."
                f" Missing {', '.join(map(repr, sorted(missing)))}.",
                param,
            )
    for inner in subschemas(schema):
        _check_strict(inner, param)
