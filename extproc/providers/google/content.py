"""Parts of a message becoming Gemini's parts: https://ai.google.dev/api/caching#Part"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from extproc.chat.model import AudioPart, FilePart, ImagePart, NativePart, Part, RefusalPart, TextPart
from extproc.errors import UnsupportedFieldError
from extproc.providers.fields import read_field

_IMAGES: Final = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/webp": "image/webp",
    "image/heic": "image/heic",
    "image/heif": "image/heif",
}
"""https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats; no GIF."""

_BY_ENDING: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/plain",
    "csv": "text/csv",
    "html": "text/html",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "mov": "video/mov",
    "webm": "video/webm",
}
_AUDIO: Final = {"wav": "audio/wav", "mp3": "audio/mp3"}
_FILES: Final = ("text/", "audio/", "video/")
_SCHEMES: Final = ("https://", "http://", "gs://")
_OWN_FILES: Final = "files/"
_FILES_URI: Final = "https://generativelanguage.googleapis.com/v1beta/"


class _VideoURL(msgspec.Struct, gc=False):
    url: str


class _Video(msgspec.Struct, gc=False):
    """vLLM's part for a video, which others took over."""

    video_url: _VideoURL


def write_part(part: Part, message: int, n: int) -> dict[str, Any] | None:
    """The part for `part`; None for a text without a character, which Vertex refuses.

    message, n: the client's indices of it, for an error.

    Raises:
        UnsupportedFieldError: Gemini has nothing that could hold it. Leaving it out would change
            what the client says, so that is an error under every policy.
    """
    match part:
        case TextPart():
            return {"text": part.text} if part.text else None
        case RefusalPart():
            return {"text": part.refusal} if part.refusal else None
        case ImagePart():
            return _image(part, message, n)
        case FilePart():
            return _file(part, message, n)
        case AudioPart():
            media_type = _AUDIO.get(part.format, f"audio/{part.format}")
            return _inline(media_type, part.data)
        case NativePart():
            if part.type == "video_url":
                path = f"messages[{message}].content[{n}]"
                return _video(read_field(part.raw, _Video, path).video_url.url, message, n)
            raise unsupported(f"content of type {part.type!r}", message, n)


def _inline(media_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _by_url(url: str, otherwise: str) -> dict[str, Any]:
    """Vertex demands a type, and the address is all there is to tell it by."""
    ending = urlsplit(url).path.rpartition(".")[2].lower()
    return {"fileData": {"fileUri": url, "mimeType": _BY_ENDING.get(ending, otherwise)}}


def _image(part: ImagePart, message: int, n: int) -> dict[str, Any]:
    if part.url is not None:
        if not part.url.startswith(_SCHEMES):
            raise unsupported("an image URL that is neither https nor a base64 data URI", message, n)
        return _by_url(part.url, "image/jpeg")
    media_type = _IMAGES.get(part.media_type or "")
    if media_type is None:
        raise unsupported(f"an image of type {part.media_type!r}", message, n)
    return _inline(media_type, part.data or "")


def _file(part: FilePart, message: int, n: int) -> dict[str, Any]:
    if part.file_id is not None:
        if part.file_id.startswith(_OWN_FILES):
            return {"fileData": {"fileUri": _FILES_URI + part.file_id}}
        if part.file_id.startswith(_SCHEMES):
            return _by_url(part.file_id, "application/pdf")
        raise unsupported("a file_id that is not of Google's Files API or Cloud Storage", message, n)
    if part.url is not None:
        return _by_url(part.url, "application/pdf")
    media_type = part.media_type or ""
    if media_type in _IMAGES:
        return _inline(_IMAGES[media_type], part.data or "")
    if media_type == "application/pdf" or media_type.startswith(_FILES):
        return _inline(media_type, part.data or "")
    if media_type == "application/json":
        return _inline("text/plain", part.data or "")
    raise unsupported(f"a file of type {part.media_type!r}", message, n)


def _video(url: str, message: int, n: int) -> dict[str, Any]:
    if url.startswith(_SCHEMES):
        return _by_url(url, "video/mp4")
    head, comma, data = url.removeprefix("data:").partition(",")
    if not url.startswith("data:video/") or not comma or not head.endswith(";base64"):
        raise unsupported("a video URL that is neither https nor a base64 data URI", message, n)
    return _inline(head.removesuffix(";base64"), data)


def unsupported(what: str, message: int, n: int) -> UnsupportedFieldError:
    path = f"messages[{message}].content[{n}]"
    return UnsupportedFieldError(f"{path}: the provider cannot take {what}", param=path)
