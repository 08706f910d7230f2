"""What providers speak: one folder a wire format, found here by name."""

from __future__ import annotations

from typing import Final

from extproc.chat.seams import WireFormat
from extproc.contract.target import WireFormatName
from extproc.providers.anthropic import Anthropic
from extproc.providers.google import Google
from extproc.providers.openai import OpenAI

WIRE_FORMATS: Final[dict[WireFormatName, WireFormat]] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "google": Google(),
}
