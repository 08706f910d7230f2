"""Mutations of bytes, lines and JSON, which the targets compose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

INTERESTING = (
    b"",
    b"\0",
    b"\xff",
    b"\r",
    b"\n",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
)
SCALARS: Sequence[Any] = (
    *(None, True, False, 0, 1, -1, 0.5, 1e308, -0.0, 2**31, 2**63, 2**64, 10**30),
    *("", "x", "\0", "\ud83d", "é\u2028", "a" * 300, "NaN", "user", "assistant", "tool", "stop", "text"),
    *([], {}, [[]], [None], {"": None}, {"type": "text"}, {"type": None}),
)


def mutate_bytes(data: bytes, dice: Random) -> bytes:
    """A few random edits."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4, 8))):
        at = dice.randrange(len(out) + 1)
        end = min(len(out), at + dice.choice((1, 1, 2, 4, 16, 100)))
        match dice.randrange(6):
            case 0:
                del out[at:end]
            case 1:
                out[at:at] = dice.choice(INTERESTING)
            case 2 if out:
                out[at % len(out)] = dice.randrange(256)
            case 3 if out:
                out[at % len(out)] ^= 1 << dice.randrange(8)
            case 4:
                out[at:at] = out[at:end] * dice.choice((1, 2, 20))
            case _:
                begin = dice.randrange(len(out) + 1)
                out[at:end] = out[begin : begin + dice.choice((1, 8, 50))]
    return bytes(out)


def mutate_sequence(parts: list[Any], dice: Random, mutate_part: Callable[[Any, Random], Any]) -> list[Any]:
    """Parts are changed, lost, repeated, exchanged."""
    parts = list(parts)
    for _ in range(dice.choice((1, 1, 2, 3))):
        if not parts:
            return parts
        at = dice.randrange(len(parts))
        match dice.randrange(7):
            case 0:
                del parts[at]
            case 1:
                parts.insert(at, parts[dice.randrange(len(parts))])
            case 2:
                other = dice.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                del parts[at:]
            case _:
                parts[at] = mutate_part(parts[at], dice)
    return parts


def mutate_lines(data: bytes, dice: Random, mutate_line: Callable[[bytes, Random], bytes]) -> bytes:
    return b"\n".join(mutate_sequence(data.split(b"\n"), dice, mutate_line))


def mutate_json(data: bytes, dice: Random) -> bytes:
    """Another document of about the same shape, now and then broken as text."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return mutate_bytes(data, dice)
    for _ in range(dice.choice((1, 1, 2, 4))):
        value = _edited(value, dice)
    text = json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutate_bytes(text, dice) if dice.random() < 0.15 else text


def _edited(value: Any, dice: Random) -> Any:
    """`value` with one place changed."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        match dice.randrange(8):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return {**value, dice.choice(("type", "role", "content", "id", "x")): dice.choice(SCALARS)}
            case 2:
                return {**value, key: value[dice.choice(list(value))]}
            case _:
                return {**value, key: _edited(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        return mutate_sequence(value, dice, _edited)
    return dice.choice(SCALARS)
