"""What servers of OpenAI's format take and what they refuse: a row a vendor, a row a family of models.

It matters only where a body is written: for clients of other dialects. Those that speak this format
themselves get their bytes through unchanged, and the vendor's own errors back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Limit = Literal["max_tokens", "max_completion_tokens"]


class Vendor(NamedTuple):
    """One server.

    limit: the field that limits the answer's tokens.
    knows: the fields of OpenAI's request, beside model, messages, limit and stream, that have an effect;
        None: all.
    renamed: theirs where they have another name for it.
    tiers: values of ``service_tier`` that are taken; None: any.
    developer: messages may have the role ``developer``; ``system`` means the same.
    names: messages may have a ``name``.
    refusals: refusals have places of their own in messages; else they are text.
    reasoning: the key of earlier reasoning in an assistant's message; None: there is none, and the server
        thinks anew.
    schemas: ``response_format`` may be a JSON schema.
    allowed_tools: ``tool_choice`` may name the tools to choose from; else only those are shown to the model.
    asks_for_usage: usage in streams comes only for ``stream_options``; else it always comes.
    stream_options: it has them.
    """

    limit: Limit = "max_tokens"
    knows: frozenset[str] | None = None
    renamed: tuple[tuple[str, str], ...] = ()
    tiers: frozenset[str] | None = None
    developer: bool = False
    names: bool = True
    refusals: bool = False
    reasoning: str | None = "reasoning_content"
    schemas: bool = True
    allowed_tools: bool = False
    asks_for_usage: bool = True
    stream_options: bool = True


_COMMON: Final = frozenset(
    ("temperature", "top_p", "stop", "tools", "tool_choice", "response_format", "reasoning_effort")
)
_PENALTIES: Final = frozenset(("frequency_penalty", "presence_penalty"))
_LOGPROBS: Final = frozenset(("logprobs", "top_logprobs"))
_SAMPLING: Final = frozenset(("temperature", "top_p", "logit_bias")) | _PENALTIES | _LOGPROBS

_OPENAI: Final = Vendor(
    "max_completion_tokens", developer=True, refusals=True, reasoning=None, allowed_tools=True
)
_OLD_AZURE: Final = Vendor(
    refusals=True,
    reasoning=None,
    knows=(_COMMON | _PENALTIES | _LOGPROBS | {"seed", "n", "logit_bias", "user"}) - {"reasoning_effort"},
    stream_options=False,
)
_FIRST_AZURE: Final = "2024-09-01"
"""The first dated version with ``max_completion_tokens`` and ``stream_options``."""

_OTHER: Final = Vendor()
"""A server without a row: what all have in common is the older limit."""

_VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType(
    {
        # https://platform.openai.com/docs/api-reference/chat/create
        "openai": _OPENAI,
        # https://learn.microsoft.com/azure/ai-services/openai/reference
        "azure_openai": _OPENAI,
        # https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html; `user` is ignored
        "vllm": Vendor(
            knows=_COMMON | _PENALTIES | _LOGPROBS | {"seed", "n", "logit_bias", "parallel_tool_calls"},
        ),
        # https://docs.ollama.com/api/openai-compatibility: the others are ignored
        "ollama": Vendor(knows=_COMMON | _PENALTIES | _LOGPROBS | {"seed"}),
        # https://docs.together.ai/reference/chat-completions; its `logprobs` is a number, and answers differ
        "together": Vendor(knows=_COMMON | _PENALTIES | {"seed", "n", "logit_bias"}),
        # https://console.groq.com/docs/openai: 400 for the others
        # https://console.groq.com/docs/api-reference#chat-create: no model has penalties
        "groq": Vendor(
            "max_completion_tokens",
            knows=_COMMON | {"seed", "parallel_tool_calls", "service_tier", "user"},
            tiers=frozenset(("auto", "on_demand", "flex", "performance")),
            names=False,
            reasoning="reasoning",
            asks_for_usage=False,
        ),
        # https://docs.mistral.ai/api/#operation/createChatCompletion: 422 for every other field
        "mistral": Vendor(
            knows=_COMMON
            | _PENALTIES
            | _LOGPROBS
            | {"seed", "n", "metadata", "prediction", "parallel_tool_calls"},
            renamed=(("seed", "random_seed"),),
            names=False,
            reasoning=None,
            asks_for_usage=False,
        ),
        # https://api-docs.deepseek.com/api/create-chat-completion: the others are ignored
        "deepseek": Vendor(knows=_COMMON | _PENALTIES | _LOGPROBS, schemas=False),
        # https://openrouter.ai/docs/api-reference/parameters: what a model does not know is ignored there
        # and usage always comes
        "openrouter": Vendor(developer=True, reasoning="reasoning", asks_for_usage=False),
        # https://docs.x.ai/docs/api-reference#chat-completions: `logit_bias` has no effect
        "xai": Vendor(
            "max_completion_tokens",
            knows=_COMMON
            | _PENALTIES
            | _LOGPROBS
            | {"seed", "n", "user", "parallel_tool_calls", "web_search_options"},
        ),
        # https://inference-docs.cerebras.ai/api-reference/chat-completions
        "cerebras": Vendor(
            "max_completion_tokens",
            knows=_COMMON
            | _PENALTIES
            | _LOGPROBS
            | {"seed", "n", "user", "logit_bias", "parallel_tool_calls", "prediction", "prompt_cache_key"}
            | {"service_tier"},
            tiers=frozenset(("auto", "default", "flex", "priority")),
            reasoning="reasoning",
        ),
        # https://docs.fireworks.ai/api-reference/post-chatcompletions
        "fireworks": Vendor(),
    }
)


def vendor(kind: str, api_version: str) -> Vendor:
    """The row of a provider's type; of Azure's dated API, that of its version."""
    if "" < api_version < _FIRST_AZURE:
        return _OLD_AZURE
    return _VENDORS.get(kind, _OTHER)


class _Family(NamedTuple):
    """Models whose name (what follows its last slash) `pattern` finds, and the fields that they refuse."""

    pattern: re.Pattern[str]
    refuses: frozenset[str]


_NO_EFFORT: Final = frozenset(("reasoning_effort",))
_O_SERIES: Final = _SAMPLING | {"parallel_tool_calls"}

# https://platform.openai.com/docs/guides/reasoning, .../api-reference/chat/create (stop),
# https://platform.openai.com/docs/guides/latest-model (sampling only without reasoning)
_OPENAI_FAMILIES: Final = (
    _Family(re.compile(r"^(gpt-3|gpt-4|chatgpt-|gpt-5(\.\d)?-chat)"), _NO_EFFORT),
    _Family(re.compile(r"^o1\b"), _O_SERIES),
    _Family(re.compile(r"^o[3-9]\b"), _O_SERIES | {"stop"}),
    _Family(re.compile(r"^(gpt-([5-9]|\d\d)|codex-)"), _SAMPLING | {"stop"}),
)
_FAMILIES: Final[Mapping[str, tuple[_Family, ...]]] = MappingProxyType(
    {
        "openai": _OPENAI_FAMILIES,
        "azure_openai": _OPENAI_FAMILIES,
        # https://docs.x.ai/docs/guides/reasoning: errors for all of these
        "xai": (
            _Family(re.compile(r"non-reasoning|^grok-2|^grok-3(?!-mini)"), _NO_EFFORT),
            _Family(re.compile(r"^grok-(3-mini|4\.[3-9]|[5-9])"), _PENALTIES | {"stop"}),
            _Family(re.compile(r"^grok-(4|code)"), _PENALTIES | {"stop"} | _NO_EFFORT),
        ),
        # https://api-docs.deepseek.com/guides/reasoning_model: no effect, or an error
        "deepseek": (
            _Family(
                re.compile(r"^deepseek-reasoner"),
                _PENALTIES | _LOGPROBS | {"temperature", "top_p"},
            ),
        ),
    }
)
_THINKS_ONLY_IF_ASKED: Final = re.compile(r"^gpt-5\.[12]\b")
_MAY_NOT_THINK: Final = re.compile(r"^gpt-5\.\d")


@lru_cache(maxsize=1024)  # asked for every request; the names are few, but a pattern's are the client's
def refused(kind: str, model: str, effort: str | None) -> frozenset[str]:
    """The fields that the provider's `model` refuses for the `reasoning_effort` that the client asks for.

    From the name alone: an Azure deployment with a name of its own is not known.
    """
    name = model.lower().rpartition("/")[2]
    for family in _FAMILIES.get(kind, ()):
        if family.pattern.search(name):
            thinks = effort != "none" and not (effort is None and _THINKS_ONLY_IF_ASKED.search(name))
            if not thinks and _MAY_NOT_THINK.search(name):
                return family.refuses - _SAMPLING
            return family.refuses
    return frozenset()
