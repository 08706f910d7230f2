"""Messages in a provider's own parts, on their way through an Anthropic client and back.

Some answers have parts that no content block can hold (``chat.model.NativeContent``); the next turn needs
them. Clients send every ``redacted_thinking`` block back as it is and show it to nobody, so that one carries
them: its data is a mark that Anthropic's own (base64) never begins with, the owner, and the parts.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from msgspec import Raw

from extproc.chat.model import NativeContent
from extproc.wire.rawjson import MalformedJSON, decode, encode

MARK: Final = "native:"


def seal(content: NativeContent) -> str:
    """The data of the block that carries `content`."""
    return f"{MARK}{content.owner}:{base64.b64encode(encode(content.blocks)).decode()}"


def unseal(data: str) -> NativeContent | None:
    """What `seal` was given; None for Anthropic's own data, or what somebody has tampered with."""
    if not data.startswith(MARK):
        return None
    owner, _, parts = data[len(MARK) :].partition(":")
    try:
        blocks = decode(base64.b64decode(parts, validate=True), list[Raw])
    except (MalformedJSON, binascii.Error, ValueError):
        return None
    return NativeContent(owner=owner, blocks=tuple(blocks)) if blocks else None
