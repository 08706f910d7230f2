"""Thought signatures, and the check that those of function calls come back.

https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

import msgspec

from simulator.formats.vendor_google import invalid

_KEY: Final = b"simulator"
_EXCUSES: Final = frozenset(
    b64encode(words).decode()
    for words in (b"skip_thought_signature_validator", b"context_engineering_is_the_way_to_go")
)
"""What Google takes for calls whose signature nobody knows."""

_VERSION: Final = re.compile(r"gemini-(\d+)")


def signs(model: str) -> bool:
    """Whether `model` demands its signatures back: Gemini 3 and later."""
    found = _VERSION.match(model)
    return found is not None and int(found[1]) >= 3  # noqa: PLR2004 - the generation


def signature(part: dict[str, Any]) -> str:
    """The signature of a part with a function call, or with text."""
    call = part.get("functionCall")
    signed = part.get("text") if call is None else [call["name"], call.get("args") or {}]
    text = msgspec.json.encode(signed, order="deterministic")
    return b64encode(hmac.digest(_KEY, text, sha256)).decode()


def check_history(model: str, contents: list[dict[str, Any]]) -> None:
    """The first call of each step since the user's last words has its signature, and no other's.

    Raises: ApiError (400).
    """
    for at in range(_current(contents), len(contents)):
        calls = [part for part in contents[at]["parts"] if part.get("functionCall")]
        if not calls:
            continue
        given = calls[0].get("thoughtSignature")
        if given is None and signs(model):
            raise invalid(
                "Function call is missing a thought_signature in functionCall parts. This is required for"
                f" tools to work correctly. Function call `default_api:{calls[0]['functionCall']['name']}`,"
                f" position {at + 1}."
            )
        for part in calls:
            signed = part.get("thoughtSignature")
            if signed is not None and _plain(signed) not in (signature(part), *_EXCUSES):
                raise invalid("Corrupted thought signature.")


def _plain(encoded: str) -> str:
    """`encoded` in the usual alphabet of base64; Google's SDK sends the one for URLs."""
    return encoded.replace("-", "+").replace("_", "/")


def _current(contents: list[dict[str, Any]]) -> int:
    """Where the current turn begins: with what the user said last."""
    spoken = [
        at
        for at, content in enumerate(contents)
        if content.get("role") != "model"
        and not any(part.get("functionResponse") for part in content["parts"])
    ]
    return spoken[-1] if spoken else 0
