"""What the simulated model makes of a text: a vector of length 1, always the same one for the same text."""

from __future__ import annotations

import hashlib
import math
from typing import Final

_STEP: Final = 8
"""Bytes of the text's hash that one number is made of."""


def vector(text: str, dimensions: int) -> list[float]:
    """`dimensions` numbers; another text has others."""
    stream = hashlib.shake_256(text.encode()).digest(_STEP * dimensions)
    top = 1 << (_STEP * 8 - 1)
    numbers = [
        int.from_bytes(stream[at : at + _STEP], "little", signed=True) / top
        for at in range(0, len(stream), _STEP)
    ]
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]
