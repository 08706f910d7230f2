"""Parts of a message becoming Anthropic's content blocks."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from msgspec import Raw

from extproc.chat.model import AudioPart, FilePart, ImagePart, NativePart, Part, RefusalPart, TextPart
from extproc.errors import UnsupportedFieldError

Block = dict[str, Any] | Raw

FILES_BETA: Final = "files-api-2025-04-14"
"""The header that API version 2023-06-01 wants with a ``file_id``."""

_IMAGE_TYPES: Final = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_NATIVE_BLOCKS: Final = frozenset(
    {
        "compaction",
        "container_upload",
        "document",
        "fallback",
        "image",
        "mcp_tool_use",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "thinking",
        "tool_result",
        "tool_use",
    }
)
_NATIVE_RESULT: Final = re.compile(r"[a-z_]+_tool_result")


def write_part(part: Part, message: int, n: int) -> Block | None:
    """The block for `part`; None for text that is only white space, which Anthropic refuses.

    message, n: the client's indices of it, for an error.

    Raises:
        UnsupportedFieldError: Anthropic has nothing that could hold it. Leaving it out would change
            what the client says, so that is an error under every policy.
    """
    match part:
        case TextPart():
            return write_text(part)
        case RefusalPart():
            return {"type": "text", "text": part.refusal} if part.refusal.strip() else None
        case ImagePart():
            return _marked({"type": "image", "source": _image_source(part, message, n)}, part.cache)
        case FilePart():
            return _marked(_file(part, message, n), part.cache)
        case AudioPart():
            raise _unsupported("audio", message, n)
        case NativePart():
            if part.type in _NATIVE_BLOCKS or _NATIVE_RESULT.fullmatch(part.type):
                return part.raw
            raise _unsupported(f"content of type {part.type!r}", message, n)


def write_text(part: TextPart) -> dict[str, Any] | None:
    """The block for `part`; None for text that is only white space."""
    if not part.text or part.text.isspace():
        return None
    block: dict[str, Any] = {"type": "text", "text": part.text}
    return block if part.cache is None else _marked(block, part.cache)


def is_tool_result(part: Part) -> bool:
    """Whether the block for `part` answers a tool call; such blocks must come first in a turn."""
    return isinstance(part, NativePart) and part.type == "tool_result"


def _marked(block: dict[str, Any], cache: Raw | None) -> dict[str, Any]:
    if cache is not None:
        block["cache_control"] = cache
    return block


def _image_source(part: ImagePart, message: int, n: int) -> dict[str, Any]:
    if part.url is not None:
        if not part.url.startswith(("https://", "http://")):
            raise _unsupported("an image URL that is neither https nor a base64 data URI", message, n)
        return {"type": "url", "url": part.url}
    media_type = _IMAGE_TYPES.get(part.media_type or "")
    if media_type is None:
        raise _unsupported(f"an image of type {part.media_type!r}", message, n)
    return {"type": "base64", "media_type": media_type, "data": part.data or ""}


def _file(part: FilePart, message: int, n: int) -> dict[str, Any]:
    """https://platform.claude.com/docs/en/build-with-claude/pdf-support, .../files"""
    if part.media_type in _IMAGE_TYPES:
        image = ImagePart(media_type=part.media_type, data=part.data)
        return {"type": "image", "source": _image_source(image, message, n)}
    document: dict[str, Any] = {"type": "document", "source": _document_source(part, message, n)}
    if part.filename:
        document["title"] = part.filename
    return document


def _document_source(part: FilePart, message: int, n: int) -> dict[str, Any]:
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id}
    if part.url is not None:
        return {"type": "url", "url": part.url}
    if part.media_type == "application/pdf":
        return {"type": "base64", "media_type": "application/pdf", "data": part.data or ""}
    if (part.media_type or "").startswith("text/"):
        try:
            text = base64.b64decode(part.data or "", validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise _unsupported("a text file that is not UTF-8 in base64", message, n) from None
        return {"type": "text", "media_type": "text/plain", "data": text}
    raise _unsupported(f"a file of type {part.media_type!r}", message, n)


def _unsupported(what: str, message: int, n: int) -> UnsupportedFieldError:
    path = f"messages[{message}].content[{n}]"
    return UnsupportedFieldError(f"{path}: the provider cannot take {what}", param=path)
