"""What is known of vendors' models, and that nobody pays for knowing it who does not ask."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from controlplane.catalogue.models import _PROVIDERS, UNKNOWN, ModelFacts, _tables, facts
from controlplane.catalogue.providers import PROVIDER_TYPES

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("openai", "gpt-4o"),
        ("azure_openai", "gpt-4o"),
        ("anthropic", "claude-haiku-4-5"),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("google_ai", "gemini-2.5-flash"),
        ("aws_bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("groq", "llama-3.3-70b-versatile"),
        ("mistral", "mistral-large-latest"),
        ("deepseek", "deepseek-chat"),
        ("openrouter", "openai/gpt-4o"),
        ("xai", "grok-4"),
        ("cerebras", "gpt-oss-120b"),
    ],
)
def test_vendors_models_have_prices(kind: str, model: str) -> None:
    price = facts(kind, model, NOW).price
    assert price is not None
    assert price.input is not None
    assert price.output is not None
    assert 0 < price.input < price.output or price.input == price.output > 0
    assert price.cached_input is None or price.cached_input < price.input
    assert price.source.startswith("genai-prices 0.")


def test_figures() -> None:
    found = facts("openai", "gpt-4o", NOW)
    assert found.context_window == 128_000
    assert found.price is not None
    assert (found.price.input, found.price.output, found.price.cached_input) == (2.5, 10.0, 1.25)


def test_long_prompts_may_cost_more() -> None:
    price = facts("google_ai", "gemini-2.5-pro", NOW).price
    assert price is not None
    assert (price.input, price.long_prompts) == (1.25, 200_000)


@pytest.mark.parametrize(
    ("kind", "model"),
    [("openai", "our-finetune"), ("vllm", "gpt-4o"), ("ollama", "llama3.2"), ("of_tomorrow", "gpt-4o")],
)
def test_what_is_not_known_costs_no_zero(kind: str, model: str) -> None:
    assert facts(kind, model, NOW) == UNKNOWN == ModelFacts(context_window=None, price=None)


def test_all_models_of_the_tables_can_be_read() -> None:
    known = set(_PROVIDERS.values())
    for name in known:
        kind = next(kind for kind, value in _PROVIDERS.items() if value == name)
        for model in _tables()[name].models:
            assert isinstance(facts(kind, model.id, NOW), ModelFacts)


def test_every_vendor_is_in_the_tables() -> None:
    assert set(PROVIDER_TYPES) - set(_PROVIDERS) == {"vllm", "ollama"}


@pytest.mark.parametrize(
    "module", ["extproc.server", "controlplane.cli.main", "controlplane.group.supervisor"]
)
def test_the_tables_are_loaded_only_for_who_asks(module: str) -> None:
    code = f"import sys, {module}; print(any(name.startswith('genai_prices') for name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
