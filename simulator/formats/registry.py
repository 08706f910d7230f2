"""All formats. A new one is a module and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.formats.anthropic_count_tokens import AnthropicCountTokens
from simulator.formats.anthropic_messages import AnthropicMessages
from simulator.formats.anthropic_models import AnthropicModels
from simulator.formats.bedrock_converse import BedrockConverse
from simulator.formats.bedrock_embeddings import BedrockEmbeddings
from simulator.formats.google_embeddings import GoogleEmbeddings
from simulator.formats.google_generate import GoogleGenerate
from simulator.formats.openai_chat import OpenAIChat
from simulator.formats.openai_completions import OpenAICompletions
from simulator.formats.openai_embeddings import OpenAIEmbeddings
from simulator.formats.openai_media import OpenAIMedia
from simulator.formats.openai_models import OpenAIModels
from simulator.formats.openai_responses import OpenAIResponses
from simulator.formats.seam import Format, Vendor


def all_formats() -> tuple[Format, ...]:
    """New instances: each simulator has its own prompt caches."""
    return (
        OpenAIChat(),
        AnthropicMessages(),
        AnthropicCountTokens(),
        AnthropicModels(),
        BedrockEmbeddings(),
        GoogleEmbeddings(),  # before the models, whose paths begin alike
        OpenAIModels(),
        OpenAICompletions(),
        OpenAIEmbeddings(),
        OpenAIMedia(),
        OpenAIResponses(),
        GoogleGenerate(),
        BedrockConverse(),
    )


def find(formats: tuple[Format, ...], path: str, headers: Mapping[str, str]) -> Format | None:
    """The format that serves `path` (from ``/v1`` on)."""
    return next((each for each in formats if each.serves(path, headers)), None)


def vendor_of(format_: Format | None, formats: tuple[Format, ...], headers: Mapping[str, str]) -> Vendor:
    """Whose error shape fits: the format's; for an unknown path, that of the vendor the client means."""
    if format_ is not None:
        return format_.vendor
    wanted = "anthropic" if "anthropic-version" in headers else "openai"
    return next(each.vendor for each in formats if each.vendor.name == wanted)
