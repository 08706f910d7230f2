"""Token counts: words instead of a tokenizer, so that tests can count them in their heads."""

from __future__ import annotations

from typing import Any, Final

ATTACHMENT_TOKENS: Final = 100
"""What an image, a document or an audio clip counts, whatever its size."""

_ATTACHMENTS: Final = frozenset({"image_url", "input_audio", "file", "source", "inlineData", "fileData"})
_NOT_TEXT: Final = frozenset(
    {
        "type",
        "role",
        "id",
        "tool_use_id",
        "tool_call_id",
        "cache_control",
        "signature",
        "thoughtSignature",
        "data",
        "is_error",
    }
)


def words(text: str) -> int:
    """One more than the spaces: cheap for megabytes too."""
    return text.count(" ") + 1 if text else 0


def count(value: Any) -> int:
    """Tokens in a part of a request: the words of its texts, a fixed figure for each attachment."""
    if isinstance(value, str):
        return words(value)
    if isinstance(value, list):
        return sum(count(item) for item in value)
    if isinstance(value, dict):
        return sum(
            ATTACHMENT_TOKENS if key in _ATTACHMENTS else count(item)
            for key, item in value.items()
            if key not in _NOT_TEXT
        )
    return 0
