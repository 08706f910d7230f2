"""A client's own Messages request on its way to a provider that speaks the same.

Every byte stays but the model's name, unless the conversation began at another provider: what that one
thought, Anthropic would refuse (https://platform.claude.com/docs/en/build-with-claude/extended-thinking:
signatures are verified), so that such blocks are left out.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.dialects.anthropic_messages.carrier import MARK
from extproc.errors import RequestError
from extproc.wire.rawjson import MalformedJSON, decode, decode_field, encode, raw, replace_string

_FOREIGN: Final = re.compile(rb'"(?:signature"\s*:\s*"(?:"|[a-z]+:)|data"\s*:\s*"%b)' % MARK.encode())
"""What a body has that has a foreign block, and next to no other."""


class _Thought(msgspec.Struct, gc=False):
    type: str = ""
    signature: str | None = None
    data: str | None = None


def edit_request(body: bytes, *, model: str) -> bytes:
    """`body` under another model name; see ``rawjson.replace_string``.

    Raises:
        RequestError: not a JSON object with a string ``model``.
    """
    try:
        edited = replace_string(body, "model", model)
        return edited if _FOREIGN.search(edited) is None else _without_foreign(edited)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _without_foreign(body: bytes) -> bytes:
    fields = decode(body, dict[str, Raw])
    if "messages" not in fields:
        return body
    messages = decode_field(fields["messages"], list[dict[str, Raw]], "messages")
    kept = [_own(message) for message in messages]
    # A turn of nothing is refused; the turns around it may be of one role.
    fields["messages"] = raw([message for message in kept if message.get("content") != []])
    return encode(fields)


def _own(message: dict[str, Raw]) -> dict[str, Any]:
    content = message.get("content")
    if bytes(message.get("role", Raw())) != b'"assistant"' or content is None:
        return message
    if not bytes(content).startswith(b"["):
        return message
    kept = [block for block in decode(content, list[Raw]) if not _is_foreign(block)]
    return {**message, "content": kept}


def _is_foreign(block: Raw) -> bool:
    thought = decode(block, _Thought)
    if thought.type == "thinking":
        # Others' bear a mark with a colon (``providers.signatures``), or there is none.
        return not thought.signature or ":" in thought.signature
    return thought.type == "redacted_thinking" and (thought.data or "").startswith(MARK)
