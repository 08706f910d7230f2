"""The table of capabilities as a page: ``python -m extproc.chat.matrix > docs/capabilities.md``."""

from __future__ import annotations

import sys
from typing import Final

from extproc.chat.capabilities import CAPABILITIES, MODELS, Capability, Effect
from extproc.contract.target import WireFormatName

_TITLES: Final[dict[WireFormatName, str]] = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "google": "Google",
    "bedrock": "Bedrock",
}
_SIGNS: Final[dict[Effect, str]] = {
    "honoured": "yes",
    "changed": "changed",
    "lost": "**lost**",
    "refused": "refused",
    "needless": "–",
    "by model": "by model",
}
_HEAD: Final = """\
# What each provider's format honours

Written by `make docs` from the table that the translators use (`extproc/chat/capabilities.py`); a test sends
every field through every translator. Fields have the names of OpenAI's chat completions; clients of other
dialects read their own names in errors and headers.

* **yes**: the provider gets it, in its own words.
* **changed**, **lost**: it gets something near it, or does not get it. The model's `unsupported_fields`
  decides: `warn` (the default) names the field in the response header `x-llm-gateway-degraded`, in the metric
  `llm_gateway_unsupported_fields_total` and in the log; `reject` answers 400 with the code
  `unsupported_field` and the field as `param`; `ignore` says nothing.
* **refused**: 400 under every policy, because without it the conversation would be another one.
* **–**: it does not get it, and nothing is lost.
* **by model**: the provider's models differ.

A client that speaks the provider's own format loses nothing: its bytes pass.

"""
_TAIL: Final = """\

## Legacy completions

`/v1/completions` goes as it is to vendors that have it (`speaks` in the catalogue), and through a chat to all
others: the prompt becomes a user's message.

| field | through a chat |
|---|---|
| `prompt` | one text; several, or tokens, are refused |
| `suffix` | refused: a chat cannot fill in the middle |
| `echo` | yes: the prompt stands before the answer. Beside `logprobs` **lost**: no chat has the prompt's |
| `best_of` other than `n` | **lost** |
| `logprobs` | as `logprobs` and `top_logprobs` of a chat, and back in the old shape |
| `max_tokens` | yes; without it the provider's own limit, not OpenAI's 16 |
| all others | as above |

## Embeddings

`/v1/embeddings` goes as it is to vendors of OpenAI's format that have it; those that do not, and Anthropic,
are an error that names the provider. `encoding_format` is honoured everywhere.

| field | OpenAI's format | Google | Bedrock: Titan | Bedrock: Cohere |
|---|---|---|---|---|
| `input` of one text | yes | yes | yes | yes |
| `input` of several texts | yes | yes; partners' models on Vertex AI: refused | refused | yes |
| `input` of tokens | yes | refused | refused | refused |
| `dimensions` | yes | yes | v1: **lost**; others: yes | v3: **lost**; v4: yes |
| `user` | yes | **lost** | **lost** | **lost** |
| its own fields | all | `taskType`, `title`; Vertex AI: `autoTruncate` | v2: `normalize` | `input_type`, \
`truncate`; v4: `max_tokens` |
| usage | yes | where Google counts, else 0 | yes | 0: it is only in a header |

## Images, audio, moderations, rerank

`/v1/images/generations`, `/v1/images/edits`, `/v1/images/variations`, `/v1/audio/speech`,
`/v1/audio/transcriptions`, `/v1/audio/translations`, `/v1/moderations` and `/v1/rerank` pass to providers of
OpenAI's format: only the model's name changes, and the answer passes without a look. For all other providers
they are a 400. The body is JSON and names its `model`, also at `/v1/moderations`, where OpenAI does not
demand it. A form (`multipart/form-data`) is a 415: the gateway routes by the model, and does not look for it
in files.
"""


def matrix() -> str:
    """The page."""
    formats = list(_TITLES)
    about = "; ".join(
        f"{_TITLES[name]}: " + ", ".join(f"`{model}`" for model in MODELS[name]) for name in formats
    )
    lines = [
        "| field | " + " | ".join(_TITLES[name] for name in formats) + " |",
        "|---" * (1 + len(formats)) + "|",
        *(f"| {_field(field)} | {_cells(row)} |" for field, row in CAPABILITIES.items()),
    ]
    return f"{_HEAD}Models tried: {about}.\n\n" + "\n".join(lines) + "\n" + _TAIL


def _field(field: str) -> str:
    name, space, rest = field.partition(" ")
    return f"`{name}`{space}{rest}" if not field.startswith("a ") else field


def _cells(row: Capability) -> str:
    return " | ".join(_SIGNS[effect] for effect in row)


if __name__ == "__main__":
    sys.stdout.write(matrix())
