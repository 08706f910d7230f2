"""What tokens cost: a value, where it comes from, and nothing where it is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONFIGURED: Final = "configuration"
"""The source of prices in the YAML; that of others is the name and version of a package."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens.

    input, output: None: not known, which is never zero.
    cached_input: of input that the provider had cached; None: not known.
    long_prompts: tokens of input from which on other prices hold; None: these hold for all.
    """

    input: float | None
    output: float | None
    cached_input: float | None
    source: str
    long_prompts: int | None = None
