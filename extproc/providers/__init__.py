"""What providers speak: one folder a wire format, found here by name."""

from __future__ import annotations

from typing import Final

from extproc.chat.seams import WireFormat
from extproc.contract.target import DialectName, WireFormatName
from extproc.providers.anthropic import Anthropic
from extproc.providers.bedrock import STREAM_TYPE as AWS_EVENT_STREAM
from extproc.providers.bedrock import Bedrock
from extproc.providers.google import Google
from extproc.providers.openai import OpenAI
from extproc.providers.openai.responses import OpenAIResponsesPassed

WIRE_FORMATS: Final[dict[WireFormatName, WireFormat]] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "google": Google(),
    "bedrock": Bedrock(),
}

PASSED: Final[dict[DialectName, WireFormat]] = {"openai_responses": OpenAIResponsesPassed()}
"""What is watched where a provider takes a dialect as it is, if that is not its wire format."""

EVENT_STREAM: Final = "text/event-stream"

STREAM_TYPES: Final[dict[WireFormatName, str]] = {
    **dict.fromkeys(WIRE_FORMATS, EVENT_STREAM),
    "bedrock": AWS_EVENT_STREAM,
}
"""The content type of each format's streams."""
