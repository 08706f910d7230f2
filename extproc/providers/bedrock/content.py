"""Parts of a message becoming content blocks of Converse's.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html: media come as bytes
(base64 in JSON) or from S3, never from another URL.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Raw

from extproc.chat.model import AudioPart, FilePart, ImagePart, NativePart, Part, RefusalPart, TextPart
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.fields import read_field

Block = dict[str, Any] | Raw

_IMAGES: Final = {
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
}
_DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_FORMATS: Final = frozenset(_DOCUMENTS.values())
_VIDEOS: Final = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_AUDIO: Final = frozenset(
    {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm",
     "webm"}
)  # fmt: skip
_OWN: Final = frozenset({"audio", "document", "guardContent", "image", "searchResult", "video"})
"""Converse's blocks that a client may write itself: ``{"type": "guardContent", "guardContent": {…}}``."""

_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9()\[\]-]+")
_MAX_NAME: Final = 150
_CACHE_POINT: Final = {"cachePoint": {"type": "default"}}


class _Mark(msgspec.Struct, gc=False):
    ttl: str | None = None


class _URL(msgspec.Struct, gc=False):
    url: str


class _VideoURL(msgspec.Struct, gc=False):
    video_url: _URL


def write_text(text: str) -> list[Block]:
    """A block of `text`; none for white space only, which Converse refuses."""
    return [] if not text or text.isspace() else [{"text": text}]


def cache_point(mark: Raw, path: str) -> Block:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CachePointBlock.html"""
    ttl = read_field(mark, _Mark, path).ttl
    return _CACHE_POINT if ttl is None else {"cachePoint": {"type": "default", "ttl": ttl}}


class Media:
    """Writes the parts of one conversation, whose documents need names of their own."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def write(self, part: Part, path: str) -> list[Block]:
        """The block for `part`, the client's at `path`; none for text that is only white space.

        Raises:
            UnsupportedFieldError: Converse has nothing that could hold it. Leaving it out would change what
                the client says, so that is an error under every policy.
            RequestError: it is empty, or misshapen.
        """
        match part:
            case TextPart():
                return write_text(part.text)
            case RefusalPart():
                return write_text(part.refusal)
            case ImagePart():
                return [_image(part, path)]
            case FilePart():
                return [self._file(part, path)]
            case AudioPart():
                if part.format not in _AUDIO:
                    raise _unsupported(f"audio of format {part.format!r}", path)
                return [{"audio": {"format": part.format, "source": _bytes(part.data, path)}}]
            case NativePart():
                return [_native(part, path)]

    def _file(self, part: FilePart, path: str) -> Block:
        media_type = part.media_type or ""
        if part.file_id is not None:
            raise _unsupported("a file by its id", path)
        if media_type in _IMAGES:
            return _image(ImagePart(media_type=media_type, data=part.data), path)
        if media_type in _VIDEOS:
            return _video(media_type, part.data, path)
        kind = _document_format(part)
        if kind is None:
            what = "a file by URL" if part.url is not None else f"a file of type {media_type!r}"
            raise _unsupported(what, path)
        name = self._document_name(part.filename)
        return {"document": {"format": kind, "name": name, "source": _source(part.url, part.data, path)}}

    def _document_name(self, filename: str | None) -> str:
        """A name in the alphabet that Converse allows; two documents of one name are refused."""
        stem = (filename or "").rpartition(".")[0] or filename or ""
        base = _NOT_IN_A_NAME.sub(" ", stem).strip()[:_MAX_NAME].strip() or "document"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base} {number}"
        self._names.add(name)
        return name


def _document_format(part: FilePart) -> str | None:
    """By the type, or the name's ending where the type is only text, or unknown."""
    media_type = part.media_type or ""
    ending = (part.filename or part.url or "").rpartition(".")[2].lower()
    if ending in _FORMATS and media_type in ("", "text/plain", "application/octet-stream"):
        return ending
    if media_type in _DOCUMENTS:
        return _DOCUMENTS[media_type]
    return "txt" if media_type.startswith("text/") else None


def _image(part: ImagePart, path: str) -> Block:
    if part.url is not None:
        ending = part.url.rpartition(".")[2].lower()
        kind = _IMAGES.get(f"image/{ending}", "png")
        return {"image": {"format": kind, "source": _source(part.url, None, path)}}
    known = _IMAGES.get(part.media_type or "")
    if known is None:
        raise _unsupported(f"an image of type {part.media_type!r}", path)
    return {"image": {"format": known, "source": _bytes(part.data, path)}}


def _video(media_type: str, data: str | None, path: str) -> Block:
    return {"video": {"format": _VIDEOS[media_type], "source": _bytes(data, path)}}


def _native(part: NativePart, path: str) -> Block:
    if part.type in _OWN:
        fields = read_field(part.raw, dict[str, Raw], path)
        if part.type not in fields:
            missing = f"{path}.{part.type}"
            raise RequestError(f"{missing}: required field is missing", param=missing)
        return {part.type: fields[part.type]}
    if part.type == "video_url":  # the name that vLLM and OpenRouter have for it
        return _video_url(read_field(part.raw, _VideoURL, path).video_url.url, path)
    raise _unsupported(f"content of type {part.type!r}", path)


def _video_url(url: str, path: str) -> Block:
    head, _, data = url.partition(",")
    media_type = head.removeprefix("data:").partition(";")[0].lower()
    if head.startswith("data:") and head.endswith(";base64") and media_type in _VIDEOS:
        return _video(media_type, data, path)
    kind = next((kind for kind in _VIDEOS.values() if url.lower().endswith(f".{kind}")), "mp4")
    return {"video": {"format": kind, "source": _source(url, None, path)}}


def _source(url: str | None, data: str | None, path: str) -> dict[str, Any]:
    if url is None:
        return _bytes(data, path)
    if not url.startswith("s3://"):
        raise _unsupported("content by URL: only its bytes, as a base64 data URI, or s3://", path)
    return {"s3Location": {"uri": url}}


def _bytes(data: str | None, path: str) -> dict[str, Any]:
    if not data:
        raise RequestError(f"{path}: has no data", param=path)
    return {"bytes": data}


def _unsupported(what: str, path: str) -> UnsupportedFieldError:
    return UnsupportedFieldError(f"{path}: the provider cannot take {what}", param=path)
