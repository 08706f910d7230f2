"""docs/providers: a page for each type, set-ups that are accepted, and the losses that the tables have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controlplane.catalogue.providers import PROVIDER_TYPES
from controlplane.config.load import load
from controlplane.config.problems import Problem
from extproc.providers.openai.vendors import vendor
from tests.controlplane.config.memory import MemoryIO

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted((DOCS / "providers").glob("*.md"))
SUPPORTED = {name for name, row in PROVIDER_TYPES.items() if row.wire_format}
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIELDS = (
    "temperature", "top_p", "stop", "tools", "tool_choice", "parallel_tool_calls", "response_format",
    "reasoning_effort", "service_tier", "user", "seed", "n", "logprobs", "top_logprobs", "presence_penalty",
    "frequency_penalty", "logit_bias", "metadata", "store", "prediction", "web_search_options", "modalities",
    "audio", "verbosity", "moderation", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
)  # fmt: skip
"""What a neutral request may ask a vendor of OpenAI's format for, beside messages and the limit."""


class AnyEnvironment(MemoryIO):
    """Every variable is set, every file can be read."""

    def env(self, name: str) -> str:
        return f"value of {name}"

    def read(self, path: Path) -> bytes:
        return super().read(path) if str(path) in self.files else b"content"


def problems(text: str) -> list[Problem]:
    found = load([Path("page.yaml")], AnyEnvironment({"page.yaml": text.encode()}))
    return [problem for problem in found.problems if "no clients" not in str(problem)]


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def test_every_type_has_a_page() -> None:
    pages = {page.stem for page in PAGES} - {"README"}
    assert pages >= SUPPORTED
    assert pages <= set(PROVIDER_TYPES)


@pytest.mark.parametrize("name", sorted(PROVIDER_TYPES))
def test_the_list_names_it(name: str) -> None:
    assert f"| `{name}` |" in (DOCS / "providers" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", [*(page for page in PAGES if page.stem in SUPPORTED | {"README"}), DOCS / "adding-a-provider.md"],
    ids=lambda page: page.stem,
)  # fmt: skip
def test_the_set_ups_are_accepted(page: Path) -> None:
    for block in blocks(page):
        assert problems(f"listener: {{address: 127.0.0.1}}\n{block}") == []
    if page.stem in SUPPORTED:
        assert any(f"type: {page.stem}" in block for block in blocks(page))


def loss(name: str) -> str:
    row = vendor(name, "")
    if row.knows is None:
        return "Nothing is left out because of the vendor."
    lost = [f"`{field}`" for field in FIELDS if field not in row.knows]
    return f"Left out and named: {', '.join(lost)}."


@pytest.mark.parametrize(
    "name", sorted(n for n, row in PROVIDER_TYPES.items() if row.wire_format == "openai")
)
def test_the_page_says_what_is_lost(name: str) -> None:
    row = vendor(name, "")
    text = " ".join((DOCS / "providers" / f"{name}.md").read_text(encoding="utf-8").split())
    assert loss(name) in text
    assert f"The limit of tokens is sent as `{row.limit}`." in text
