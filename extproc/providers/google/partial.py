"""Arguments of a function that come in pieces, each with its path in the whole.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
The pieces of one string follow each other; a string may end with an empty one.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

from extproc.providers.google.shapes import PartialArg
from extproc.wire.rawjson import MalformedJSON, encode, present

_STEP: Final = re.compile(
    r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d{1,9})\]|\[(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]"
)

Key = str | int


class Arguments:
    """A function's arguments while they grow."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self._open = ""  # the path of a string that goes on

    def add(self, piece: PartialArg) -> None:
        """Raises: MalformedJSON for a path that leads nowhere."""
        keys = _keys(piece.json_path)
        holder = self._holder(keys)
        key = keys[-1]
        begun = holder[key] if self._open == piece.json_path else None
        if isinstance(begun, str) and piece.string_value is not None:
            _put(holder, key, begun + piece.string_value)
        else:
            _put(holder, key, _value(piece))
        self._open = piece.json_path if piece.will_continue else ""

    def _holder(self, keys: list[Key]) -> Any:
        """The object or list that the last of `keys` is a key of; what is missing on the way is made."""
        holder: Any = self._root
        for key, following in pairwise(keys):
            if not _has(holder, key):
                _put(holder, key, [] if isinstance(following, int) else {})
            holder = holder[key]
        return holder

    def text(self) -> str:
        return encode(self._root).decode()


def _keys(path: str) -> list[Key]:
    keys: list[Key] = []
    position = 1
    while position < len(path) and (step := _STEP.match(path, position)) is not None:
        index = step["index"]
        keys.append(int(index) if index is not None else step["name"] or step["quoted"] or "")
        position = step.end()
    if not path.startswith("$") or not keys or position != len(path):
        raise MalformedJSON(f"not the path of an argument: {path[:100]!r}")
    return keys


def _value(piece: PartialArg) -> Any:
    if piece.string_value is not None:
        return piece.string_value
    if piece.bool_value is not None:
        return piece.bool_value
    return present(piece.number_value)


def _has(holder: Any, key: Key) -> bool:
    if isinstance(holder, dict):
        return key in holder
    return isinstance(holder, list) and isinstance(key, int) and key < len(holder)


def _put(holder: Any, key: Key, value: Any) -> None:
    if isinstance(holder, list) and key == len(holder):
        holder.append(value)
    elif _has(holder, key) or (isinstance(holder, dict) and isinstance(key, str)):
        holder[key] = value
    else:
        raise MalformedJSON(f"an argument has no place for {key!r}")
