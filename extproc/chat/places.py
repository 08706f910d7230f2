"""The names of fields, as the client wrote them.

Providers name what they cannot take by its place in the neutral request, which is where a chat completion
has it. A dialect that has it elsewhere says so in ``ChatRequest.places``: neutral place -> the client's. What
lies within a place (``messages[2].content[0]``) is found by the longest one that leads there.
"""

from __future__ import annotations

import re
from typing import Final

from extproc.errors import RequestError

_STEP: Final = re.compile(r"[.\[]")


def client_place(name: str, places: dict[str, str]) -> str:
    """`name` in the client's words."""
    ends = [len(name), *(step.start() for step in reversed(list(_STEP.finditer(name))))]
    for end in ends:
        if (place := places.get(name[:end])) is not None:
            return place + name[end:]
    return name


def in_client_words(error: RequestError, places: dict[str, str]) -> RequestError:
    """`error` about the client's own field."""
    param = error.param
    if param is None:
        return error
    place = client_place(param, places)
    message = error.message
    if message.startswith(f"{param}: "):
        message = place + message[len(param) :]
    return type(error)(message, param=place)
