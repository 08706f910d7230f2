"""What is known of vendors' models, from the data of the ``genai-prices`` package.

Its tables take 30 MB and a sixth of a second to load, so that is done when somebody asks: ``explain`` does,
workers and a running control plane do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from controlplane.catalogue.prices import Price

if TYPE_CHECKING:
    from genai_prices.types import Provider

_PACKAGE: Final = "genai-prices"
_PROVIDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "openai": "openai",
        "anthropic": "anthropic",
        "together": "together",
        "google_ai": "google",
        "vertex_ai": "google",
        "azure_openai": "azure",
        "aws_bedrock": "aws",
        "groq": "groq",
        "mistral": "mistral",
        "deepseek": "deepseek",
        "openrouter": "openrouter",
        "xai": "x-ai",
        "cerebras": "cerebras",
        "fireworks": "fireworks",
    }
)
"""The package's names for our types. Servers of one's own (vllm, ollama) have no price."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """context_window: tokens; None: not known. price: None: not known."""

    context_window: int | None
    price: Price | None


Lookup = Callable[[str, str], ModelFacts]
"""What is known of (provider type, the model's name there)."""

UNKNOWN: Final = ModelFacts(None, None)


def nothing_known(_kind: str, _model: str) -> ModelFacts:
    """A Lookup without tables."""
    return UNKNOWN


def facts(kind: str, model: str, at: datetime) -> ModelFacts:
    """What is known of `model` at a provider of type `kind`; its prices as of `at`, with a time zone."""
    provider = _tables().get(_PROVIDERS.get(kind, ""))
    found = None if provider is None else provider.find_model(model, all_providers=list(_tables().values()))
    if found is None:
        return UNKNOWN
    prices = found.get_prices(at)
    given = (
        getattr(prices, "input_mtok", None),
        getattr(prices, "output_mtok", None),
        getattr(prices, "cache_read_mtok", None),
    )
    starts = [tier.start for value in given for tier in getattr(value, "tiers", ())]
    price = Price(
        input=_base(given[0]),
        output=_base(given[1]),
        cached_input=_base(given[2]),
        source=f"{_PACKAGE} {_version()}",
        long_prompts=min(starts, default=None),
    )
    known = price.input is not None or price.output is not None
    return ModelFacts(found.context_window, price if known else None)


def _base(value: Any) -> float | None:
    """Of a number, or of a table of prices by the prompt's length: the price of short ones."""
    return None if value is None else float(getattr(value, "base", value))


@cache
def _tables() -> Mapping[str, Provider]:
    from genai_prices.data import providers  # noqa: PLC0415 - see the module

    return {provider.id: provider for provider in providers}


@cache
def _version() -> str:
    return version(_PACKAGE)
