"""Whose proof of reasoning is whose.

Providers sign what their models thought and refuse each other's signatures, while a conversation may move
from one to another. Claude's signature goes to clients as it is, since Anthropic's own clients have it in
their stored conversations; everybody else's carries a mark that no signature begins with (they are base64).
"""

from __future__ import annotations

from typing import Final

GOOGLE: Final = "google:"

_MARKS: Final = (GOOGLE,)


def is_claudes(signature: str) -> bool:
    """Whether `signature` is there, and bears no other provider's mark."""
    return bool(signature) and not signature.startswith(_MARKS)


def marked(mark: str, signature: str) -> str:
    """`signature`, which the provider of `mark` gave, as clients get it."""
    return mark + signature


def unmarked(mark: str, signature: str) -> str | None:
    """What the provider of `mark` gave; None for no signature, or another's."""
    return signature[len(mark) :] if signature.startswith(mark) else None
