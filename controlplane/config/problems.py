"""What is wrong with a configuration, and where.

The printed form is part of the product::

    gateway.yaml:41:7: models.fast.targets[1].provider: no provider named 'bedrok'; did you mean 'bedrock'?
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

ConfigPath = tuple[str | int, ...]
"""Keys and list indexes from the root, e.g. ``("models", "fast", "targets", 1, "provider")``."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_QUOTE = 60
_MOST_CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; `line` and `col` count from 1, `col` in characters."""

    file: str
    line: int
    col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the user has to change (or, as a warning, should look at).

    path: as `format_path` writes it; empty where the whole file is meant.
    """

    file: str
    line: int
    col: int
    path: str
    message: str

    @classmethod
    def at(cls, position: Position, path: ConfigPath, message: str) -> Problem:
        return cls(position.file, position.line, position.col, format_path(path), message)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.col}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


def format_path(path: ConfigPath) -> str:
    """``models.fast.targets[1]``; a key that is not plain is quoted: ``models."openai/*".target``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if _PLAIN.fullmatch(part) else json.dumps(part, ensure_ascii=not part.isprintable())
        text += f".{name}" if text else name
    return text


def quote(value: object) -> str:
    """`value` for a message: on one line, in quotes where it is text, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 4]}...{text[-1]}"


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or what there is when nothing resembles `name`, or nothing."""
    known = list(candidates)
    if close := difflib.get_close_matches(name, known, n=1):
        return f"; did you mean {quote(close[0])}?"
    if 0 < len(known) <= _MOST_CANDIDATES:
        return f"; known here: {', '.join(known)}"
    return ""


def by_position(problems: Iterable[Problem], files: Iterable[str]) -> list[Problem]:
    """Each problem once, in the order of `files`, then of their lines."""
    order = {file: index for index, file in reversed(list(enumerate(files)))}
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (order[p.file], p.line, p.col, p.path, p.message))
