"""What Converse demands beyond its types, in about the words in which it says so.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from simulator.formats.vendor_bedrock import invalid

_KEY: Final = b"simulator of bedrock"
_MAX_DOCUMENTS: Final = 5


def signature(thinking: str) -> str:
    """The signature of a reasoning block."""
    return b64encode(hmac.digest(_KEY, thinking.encode(), sha256)).decode()


def redacted(thinking: str) -> str:
    """A redacted reasoning block: bytes, so base64."""
    hidden = b64encode(thinking.encode())
    return b64encode(hidden + b"." + signature(hidden.decode()).encode()).decode()


def check(body: dict[str, Any]) -> None:
    """Raises: ApiError (400)."""
    messages = body.get("messages") or []
    if not messages:
        raise invalid("The messages field is required.")
    _check_turns(messages)
    for at, message in enumerate(messages):
        for index, block in enumerate(message["content"]):
            _check_block(block, f"messages.{at}.content.{index}")
        kinds = {kind for block in message["content"] for kind in block}
        if "document" in kinds and "text" not in kinds:
            raise invalid("A text block is required when you include a document block in the content field.")
    _check_calls(messages)
    _check_documents(messages)
    told = {kind for message in messages for block in message["content"] for kind in block}
    if told & {"toolUse", "toolResult"} and "toolConfig" not in body:
        raise invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )


def _check_turns(messages: list[dict[str, Any]]) -> None:
    if messages[0]["role"] != "user":
        raise invalid("A conversation must start with a user message.")
    for before, after in pairwise(messages):
        if before["role"] == after["role"]:
            raise invalid("A conversation must alternate between user and assistant roles.")
    for at, message in enumerate(messages):
        if not message["content"]:
            raise invalid(f"The content field in the Message object at messages.{at} is empty.")


def _check_block(block: dict[str, Any], place: str) -> None:
    if "text" in block and not block["text"].strip():
        raise invalid(f"The text field in the ContentBlock object at {place} is blank.")
    if "toolUse" in block and not isinstance(block["toolUse"]["input"], dict):
        raise invalid(f"The format of the value at {place}.toolUse.input is invalid. Provide a json object.")
    thought = block.get("reasoningContent") or {}
    told = thought.get("reasoningText")
    if told is not None and told.get("signature") != signature(told["text"]):
        raise invalid(f"{place}: Invalid `signature` in `thinking` block")
    hidden = thought.get("redactedContent")
    if hidden is not None and not _made_here(hidden):
        raise invalid(f"{place}: Invalid `data` in `redacted_thinking` block")


def _made_here(data: bytes | str) -> bool:
    raw = data if isinstance(data, bytes) else data.encode()
    hidden, _, signed = raw.partition(b".")
    return signed.decode("latin-1") == signature(hidden.decode("latin-1"))


def _check_calls(messages: list[dict[str, Any]]) -> None:
    """Each call is answered in the next turn, and nothing else is."""
    open_calls: list[str] = []
    for at, message in enumerate(messages):
        answered = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
        if message["role"] == "user":
            if missing := [call for call in open_calls if call not in answered]:
                raise invalid(
                    f"Expected toolResult blocks at messages.{at}.content for the following Ids: {missing}"
                )
            if extra := [call for call in answered if call not in open_calls]:
                raise invalid(
                    f"The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse "
                    f"blocks of previous turn: {extra}"
                )
            open_calls = []
            continue
        calls = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]
        open_calls = [call for call in calls if call not in answered]


def _check_documents(messages: list[dict[str, Any]]) -> None:
    names = [b["document"]["name"] for m in messages for b in m["content"] if "document" in b]
    if len(set(names)) < len(names):
        raise invalid("Messages contains duplicate document file names.")
    if len(names) > _MAX_DOCUMENTS:
        raise invalid(f"You can include up to {_MAX_DOCUMENTS} documents.")
