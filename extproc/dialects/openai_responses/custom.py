"""Custom tools, which take free text, as functions of one string.

No provider's chat format but OpenAI's own has custom tools, so for the model the text is the one argument
of a function, and for the client the call is what it asked for.
"""

from __future__ import annotations

import re
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
_read_string: Final = decoder(str)

_BEGIN: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_CHARACTERS: Final = re.compile(
    r"""(?: [^"\\\x00-\x1f]
          | \\["\\/bfnrt]
          | \\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}
          | \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2} )*""",
    re.VERBOSE,
)
"""Whole characters of a JSON string (RFC 8259, 7). One that is cut, and what follows an error, is left."""


def wrap(text: str) -> str:
    """The arguments of a call with `text`."""
    return encode({"input": text}).decode()


def unwrap(arguments: str) -> str:
    """The text of a call; the arguments themselves where the model kept to no schema."""
    text = Unwrapper()
    return text.feed(arguments) + text.rest()


class Unwrapper:
    """The text of a call whose arguments come in pieces."""

    def __init__(self) -> None:
        self._tail = ""  # what was not understood yet
        self._begun = False

    def feed(self, piece: str) -> str:
        """What of the text is known now and was not before."""
        self._tail += piece
        if not self._begun:
            begin = _BEGIN.match(self._tail)
            if begin is None:
                return ""
            self._begun = True
            self._tail = self._tail[begin.end() :]
        known = _CHARACTERS.match(self._tail)
        if known is None or not known[0]:
            return ""
        self._tail = self._tail[known.end() :]
        return _read_string(f'"{known[0]}"')

    def rest(self) -> str:
        """What is left when there are no more pieces."""
        if self._begun:
            return ""
        try:
            return _read(self._tail).input
        except MalformedJSON:
            return self._tail
