"""Thinking blocks: their signatures, and the check that they come back unchanged.

https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

from simulator.formats.vendor_anthropic import invalid

_KEY: Final = b"simulator"


def signature(thinking: str) -> str:
    """The signature of the text of a thinking block ("" where the display of thinking is omitted)."""
    return b64encode(hmac.digest(_KEY, thinking.encode(), sha256)).decode()


def redacted(thinking: str) -> str:
    """The data of a redacted thinking block."""
    hidden = b64encode(thinking.encode()).decode()
    return f"{hidden}.{signature(hidden)}"


def check_history(messages: list[dict[str, Any]]) -> None:
    """Raises: ApiError (400) for a thinking block that this simulator did not make."""
    for at, message in enumerate(messages):
        if isinstance(message["content"], str):
            continue
        for index, block in enumerate(message["content"]):
            place = f"messages.{at}.content.{index}"
            if block["type"] == "thinking" and block["signature"] != signature(block["thinking"]):
                raise invalid(f"{place}: Invalid `signature` in `thinking` block")
            if block["type"] == "redacted_thinking" and not _made_here(block["data"]):
                raise invalid(f"{place}: Invalid `data` in `redacted_thinking` block")


def _made_here(data: str) -> bool:
    hidden, _, signed = data.partition(".")
    return signed == signature(hidden)
