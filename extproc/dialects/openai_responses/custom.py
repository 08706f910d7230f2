"""Custom tools, which take free text, as functions of one string.

No provider's chat format but OpenAI's own has custom tools, so for the model the text is the one argument
of a function, and for the client the call is what it asked for.
"""

from __future__ import annotations

from typing import Final

import msgspec

from extproc.wire.rawjson import MalformedJSON, decoder, encode, raw

PARAMETERS: Final = raw(
    {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
        "additionalProperties": False,
    }
)


class _Argument(msgspec.Struct):
    input: str


_read: Final = decoder(_Argument)


def wrap(text: str) -> str:
    """The arguments of a call with `text`."""
    return encode({"input": text}).decode()


def unwrap(arguments: str) -> str:
    """The text of a call; the arguments themselves where the model kept to no schema."""
    try:
        return _read(arguments).input
    except MalformedJSON:
        return arguments
