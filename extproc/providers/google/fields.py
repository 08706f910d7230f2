"""Google's own request fields that a client may send along, in ``extra``.

At the top of the request, within ``google``, or within ``extra_body.google``, where Google's
OpenAI-compatible API has them (https://ai.google.dev/gemini-api/docs/openai#extra-body); in Google's
spelling or with underscores, as its Python SDK has them. They go as they are, and win over what this
gateway makes of OpenAI's fields.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.providers.fields import read_field

_BODY: Final = frozenset({"cachedContent", "labels", "modelArmorConfig", "safetySettings"})
_CONFIG: Final = frozenset(
    {
        "audioTimestamp",
        "audioTranscriptionConfig",
        "enableAffectiveDialog",
        "enableEnhancedCivicAnswers",
        "imageConfig",
        "mediaResolution",
        "modelConfig",
        "responseJsonSchema",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "routingConfig",
        "speechConfig",
        "thinkingConfig",
        "topK",
        "translationConfig",
    }
)
_OBJECTS: Final = frozenset({"generationConfig", "toolConfig"})
_WITHIN: Final = "google"
_OUTER: Final = "extra_body"


class Fields(msgspec.Struct, gc=False):
    """body, config, tool_config: for the request itself, ``generationConfig`` and ``toolConfig``.

    unknown: names, as the client wrote them, that Google does not have.
    """

    body: dict[str, Any]
    config: dict[str, Any]
    tool_config: dict[str, Any]
    unknown: list[str]


def camel(name: str) -> str:
    """``top_k`` as Google spells it."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def read_fields(extra: dict[str, Raw], used: frozenset[str]) -> Fields:
    """used: names that others look into.

    Raises:
        RequestError: a field that must be an object is none.
    """
    fields = Fields({}, {}, {}, [])
    for name in sorted(extra):
        if name not in used:
            _add(fields, name, extra[name], "")
    return fields


def _add(fields: Fields, name: str, value: Raw, path: str) -> None:
    known = camel(name)
    if known in _BODY:
        fields.body[known] = value
    elif known in _CONFIG:
        fields.config[known] = value
    elif known in _OBJECTS:
        target = fields.config if known == "generationConfig" else fields.tool_config
        given = read_field(value, dict[str, Raw], path + name)
        target |= {camel(key): one for key, one in given.items()}
    elif (name == _WITHIN and path in ("", f"{_OUTER}.")) or (name == _OUTER and not path):
        for key, inner in read_field(value, dict[str, Raw], path + name).items():
            _add(fields, key, inner, f"{path}{name}.")
    else:
        fields.unknown.append(path + name)
