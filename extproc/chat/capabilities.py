"""What becomes of each field of a chat request at each wire format: data that translators and a page read.

Fields have the names of OpenAI's chat completions, which are the neutral request's, too. A test sends every
one through every translator and compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from extproc.contract.target import WireFormatName

Effect = Literal["honoured", "changed", "lost", "refused", "needless", "by model"]
"""honoured: the provider gets it. changed: it gets something near it. lost: it does not get it. Both are
named to the client, under the model's policy. refused: an error, whatever the policy. needless: it does not
get it, and nothing is lost. by model: models of the provider differ."""


class Capability(NamedTuple):
    """What each wire format does with one field."""

    openai: Effect
    anthropic: Effect
    google: Effect
    bedrock: Effect


MODELS: Final[dict[WireFormatName, tuple[str, ...]]] = {
    "openai": ("gpt-4o", "gpt-5"),
    "anthropic": ("claude-haiku-4-5", "claude-sonnet-5"),
    "google": ("gemini-2.5-flash", "gemini-3-pro"),
    "bedrock": ("anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-2-lite-v1:0"),
}
"""The models that the table is about."""

CAPABILITIES: Final[dict[str, Capability]] = {
    "messages": Capability("honoured", "honoured", "honoured", "honoured"),
    "messages[] of role system, developer": Capability("honoured", "honoured", "honoured", "honoured"),
    "messages[].name": Capability("honoured", "lost", "lost", "lost"),
    "messages[].refusal": Capability("honoured", "honoured", "honoured", "honoured"),
    "messages[].tool_calls and their results": Capability("honoured", "honoured", "honoured", "honoured"),
    "messages[].audio": Capability("honoured", "refused", "refused", "refused"),
    "messages[].content[] image_url, in base64": Capability("honoured", "honoured", "honoured", "honoured"),
    "messages[].content[] image_url, by URL": Capability("honoured", "honoured", "honoured", "refused"),
    "messages[].content[].image_url.detail": Capability("honoured", "lost", "lost", "lost"),
    "messages[].content[] file, in base64": Capability("honoured", "honoured", "honoured", "honoured"),
    "messages[].content[] file, by file_id": Capability("honoured", "honoured", "refused", "refused"),
    "messages[].content[] input_audio": Capability("honoured", "refused", "honoured", "honoured"),
    "messages[].content[].cache_control": Capability("needless", "honoured", "needless", "honoured"),
    "stream": Capability("honoured", "honoured", "honoured", "honoured"),
    "stream_options": Capability("needless", "needless", "needless", "needless"),
    "max_completion_tokens": Capability("honoured", "honoured", "honoured", "honoured"),
    "max_tokens": Capability("honoured", "honoured", "honoured", "honoured"),
    "temperature": Capability("by model", "by model", "honoured", "honoured"),
    "temperature above 1": Capability("by model", "by model", "honoured", "changed"),
    "top_p": Capability("by model", "by model", "honoured", "honoured"),
    "stop": Capability("by model", "honoured", "honoured", "honoured"),
    "n": Capability("honoured", "lost", "honoured", "lost"),
    "seed": Capability("honoured", "lost", "honoured", "lost"),
    "presence_penalty": Capability("by model", "lost", "honoured", "lost"),
    "frequency_penalty": Capability("by model", "lost", "honoured", "lost"),
    "logit_bias": Capability("by model", "lost", "lost", "lost"),
    "logprobs": Capability("by model", "lost", "honoured", "lost"),
    "top_logprobs": Capability("by model", "lost", "honoured", "lost"),
    "tools[] of type function": Capability("honoured", "honoured", "honoured", "honoured"),
    "tools[].function.strict": Capability("honoured", "honoured", "honoured", "by model"),
    "tools[] of type custom": Capability("honoured", "refused", "refused", "refused"),
    "tool_choice auto, none": Capability("honoured", "honoured", "honoured", "honoured"),
    "tool_choice required": Capability("honoured", "honoured", "honoured", "honoured"),
    "tool_choice of one tool": Capability("honoured", "honoured", "honoured", "honoured"),
    "tool_choice of allowed_tools": Capability("honoured", "honoured", "honoured", "honoured"),
    "parallel_tool_calls": Capability("honoured", "honoured", "lost", "by model"),
    "functions": Capability("honoured", "honoured", "honoured", "by model"),
    "function_call": Capability("honoured", "honoured", "honoured", "by model"),
    "response_format of json_object": Capability("honoured", "changed", "honoured", "by model"),
    "response_format of json_schema": Capability("honoured", "honoured", "honoured", "honoured"),
    "reasoning_effort": Capability("by model", "honoured", "honoured", "honoured"),
    "verbosity": Capability("honoured", "lost", "lost", "lost"),
    "service_tier": Capability("honoured", "lost", "honoured", "honoured"),
    "user": Capability("honoured", "honoured", "lost", "lost"),
    "safety_identifier": Capability("honoured", "honoured", "lost", "lost"),
    "metadata": Capability("honoured", "changed", "lost", "honoured"),
    "store": Capability("honoured", "lost", "lost", "lost"),
    "prediction": Capability("honoured", "lost", "lost", "lost"),
    "web_search_options": Capability("honoured", "honoured", "honoured", "lost"),
    "modalities": Capability("honoured", "lost", "lost", "lost"),
    "audio": Capability("honoured", "lost", "lost", "lost"),
    "moderation": Capability("honoured", "lost", "lost", "lost"),
    "prompt_cache_key": Capability("honoured", "lost", "lost", "lost"),
    "prompt_cache_retention": Capability("honoured", "lost", "lost", "lost"),
    "prompt_cache_options": Capability("honoured", "lost", "lost", "lost"),
    "top_k": Capability("honoured", "by model", "honoured", "honoured"),
    "thinking": Capability("honoured", "honoured", "honoured", "by model"),
    "a field that nobody knows": Capability("honoured", "lost", "lost", "lost"),
}


def losses(wire_format: WireFormatName, fields: Iterable[str]) -> list[str]:
    """Those of `fields` that have no place in `wire_format`, sorted; one without a row here has none."""
    return [name for name in sorted(fields) if _lost(wire_format, name)]


def _lost(wire_format: WireFormatName, name: str) -> bool:
    row = CAPABILITIES.get(name)
    return row is None or getattr(row, wire_format) == "lost"
