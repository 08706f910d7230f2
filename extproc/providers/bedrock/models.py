"""What each family of models behind Converse takes: what one does not know is a 400.

https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html
(system prompts, documents, tools), .../APIReference/API_runtime_ToolChoice.html (which may be forced),
.../userguide/structured-output.html, .../userguide/prompt-caching.html and, for reasoning,
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from extproc.providers import claude

Reasoning = Literal["claude", "nova", "effort", "no"]
"""How a model is told how much to think: by Claude's fields, Nova's, a bare ``reasoning_effort``, or not."""

TopK = Literal["top_k", "nova", "no"]
Place = Literal["system", "messages", "tools"]


class Traits(NamedTuple):
    """choices: which of Converse's ``toolChoice`` beside auto it knows.

    claude: what is known of it as a Claude. caches: where it takes cache points.
    system: knows system prompts.
    structured, strict: knows ``outputConfig.textFormat`` and strict tools. stops: stop sequences at most.
    signed: takes reasoning back that Claude has signed.
    """

    choices: frozenset[str] = frozenset()
    claude: claude.Traits | None = None
    caches: frozenset[Place] = frozenset()
    system: bool = True
    structured: bool = False
    strict: bool = False
    reasoning: Reasoning = "no"
    top_k: TopK = "no"
    stops: int = 2500
    signed: bool = False


_ANY: Final = frozenset({"any"})
_FORCED: Final = frozenset({"any", "tool"})
_EVERYWHERE: Final[frozenset[Place]] = frozenset({"system", "messages", "tools"})
_NOVA_CACHES: Final[frozenset[Place]] = frozenset({"system", "messages"})

UNKNOWN: Final = Traits(choices=_FORCED, caches=_EVERYWHERE, signed=True)
"""A name that says nothing, as an application inference profile's: what the client asks for is tried."""

_OPEN: Final = Traits(structured=True, strict=True)
_FAMILIES: Final = (
    ("amazon.nova-2", Traits(_FORCED, caches=_NOVA_CACHES, reasoning="nova", top_k="nova", stops=4)),
    ("amazon.nova", Traits(_FORCED, caches=_NOVA_CACHES, top_k="nova", stops=4)),
    ("amazon.titan", Traits(system=False)),
    ("openai.gpt-oss", Traits(structured=True, strict=True, reasoning="effort")),
    ("qwen.qwen3", _OPEN),
    ("deepseek.v3", _OPEN),
    ("deepseek.", Traits()),
    ("google.gemma", _OPEN),
    ("minimax.", _OPEN),
    ("moonshot", _OPEN),
    ("nvidia.nemotron", _OPEN),
    ("mistral.mistral-7b", Traits(system=False)),
    ("mistral.mixtral", Traits(system=False)),
    ("mistral.mistral-large-24", Traits(_ANY)),
    ("mistral.", Traits(_ANY, structured=True, strict=True)),
    ("cohere.command-text", Traits(system=False)),
    ("cohere.command-light", Traits(system=False)),
    ("cohere.", Traits()),
    ("ai21.", Traits()),
    ("meta.", Traits()),
    ("writer.", Traits()),
)
"""The beginning of a model's id, after the region of its inference profile, -> what it takes."""


@lru_cache(maxsize=1024)
def traits(model: str) -> Traits:
    """What `model` takes: an id, the id of an inference profile (``us.…``), or the ARN of either."""
    known = claude.traits(model)
    if known.named:
        # Caching came with Claude 3.5; before, a cache point is a 400.
        caches: frozenset[Place] = _EVERYWHERE if known.max_tokens > 4096 else frozenset()  # noqa: PLR2004
        return Traits(
            _FORCED if known.forces else frozenset(),
            claude=known,
            caches=caches,
            structured=known.structured,
            strict=known.structured,
            reasoning="claude",
            top_k="top_k",
            stops=8191,
            signed=True,
        )
    name = model.rpartition("/")[2].lower()
    for beginning, found in _FAMILIES:
        if name.startswith(beginning) or f".{beginning}" in name:
            return found
    return UNKNOWN
