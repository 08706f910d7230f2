"""What this gateway writes into ``encrypted_content``, so that the next turn can send it back.

The text is opaque to clients and not encrypted: it holds what the provider gave for the client to keep
(Anthropic's signed thinking, its own blocks), and nothing else. It is

    llmgw1.<kind>.<base64url without padding, of JSON>

where kind ``t`` is one block of reasoning and ``n`` a whole message in its provider's own blocks. A later
version gets another number. What this one does not know, whoever wrote it, goes nowhere, and the loss policy
says so.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec
from msgspec import Raw

from extproc.chat.model import NativeContent, Thinking
from extproc.wire.rawjson import MalformedJSON, decode, encode

_PREFIX: Final = "llmgw1."


class _Native(msgspec.Struct):
    owner: str
    blocks: list[Raw]


def seal(content: Thinking | NativeContent) -> str:
    kind = "t" if isinstance(content, Thinking) else "n"
    return f"{_PREFIX}{kind}.{base64.urlsafe_b64encode(encode(content)).rstrip(b'=').decode()}"


def unseal(text: str) -> Thinking | NativeContent | None:
    """What `seal` put into `text`; None for anything else."""
    kind, dot, data = text.removeprefix(_PREFIX).partition(".")
    if not text.startswith(_PREFIX) or not dot:
        return None
    try:
        content = base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)
        if kind == "t":
            return decode(content, Thinking)
        if kind == "n":
            native = decode(content, _Native)
            return NativeContent(owner=native.owner, blocks=tuple(native.blocks)) if _sound(native) else None
    except (binascii.Error, ValueError, MalformedJSON):
        pass
    return None


def _sound(native: _Native) -> bool:
    """Clients can write what they like into the text."""
    return all(bytes(block).startswith(b"{") for block in native.blocks)
