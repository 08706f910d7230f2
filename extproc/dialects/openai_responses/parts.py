"""The parts of messages and of tools' outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Raw

from extproc.chat.media import data_uri, file_type
from extproc.chat.model import AudioPart, FilePart, ImagePart, NativePart, Part, RefusalPart, TextPart
from extproc.dialects.openai_responses import shapes
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.wire.rawjson import raw

T = TypeVar("T")

RawPart = Callable[[int], Raw]
"""The text of part n of the content at hand."""

_EPHEMERAL: Final = raw({"type": "ephemeral"})
_EPHEMERAL_LONG: Final = raw({"type": "ephemeral", "ttl": "1h"})


def read_parts(content: str | list[shapes.Part] | None, path: str, raw_part: RawPart) -> tuple[Part, ...]:
    """path: where the client wrote `content`.

    Raises:
        RequestError: a part lacks what its type demands, or is one that needs OpenAI's files.
    """
    if content is None:
        return ()
    if isinstance(content, str):
        return (TextPart(text=content),)
    return tuple([_part(part, f"{path}[{n}]", n, raw_part) for n, part in enumerate(content)])


def need(value: T | None, path: str) -> T:
    if value is None:
        raise RequestError(f"{path}: required field is missing", param=path)
    return value


def _part(part: shapes.Part, path: str, n: int, raw_part: RawPart) -> Part:
    cache = _cache(part.prompt_cache_breakpoint)
    match part.type:
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return TextPart(text=need(part.text, f"{path}.text"), cache=cache)
        case "refusal":
            return RefusalPart(refusal=need(part.refusal, f"{path}.refusal"))
        case "input_image":
            return _image(part, cache, path)
        case "input_file":
            return _file(part, cache, path)
        case "input_audio":
            audio = need(part.input_audio, f"{path}.input_audio")
            return AudioPart(data=audio.data, format=audio.format)
        case other:
            return NativePart(type=other, raw=raw_part(n))


def _cache(mark: shapes.Breakpoint | None) -> Raw | None:
    """Anthropic's words for the mark; its longer time to live is the nearest to each of OpenAI's."""
    if mark is None:
        return None
    return _EPHEMERAL_LONG if mark.ttl else _EPHEMERAL


def _image(part: shapes.Part, cache: Raw | None, path: str) -> ImagePart:
    if part.image_url is None and part.file_id is not None:
        raise UnsupportedFieldError(
            f"{path}.file_id: only images by image_url can go to this model's provider",
            param=f"{path}.file_id",
        )
    url = need(part.image_url, f"{path}.image_url")
    embedded = data_uri(url)
    if embedded is None:
        return ImagePart(url=url, detail=part.detail, cache=cache)
    return ImagePart(media_type=embedded[0], data=embedded[1], detail=part.detail, cache=cache)


def _file(part: shapes.Part, cache: Raw | None, path: str) -> FilePart:
    if part.file_data:
        embedded = data_uri(part.file_data)
        media_type, data = embedded or (file_type(part.file_data, part.filename), part.file_data)
        return FilePart(media_type=media_type, data=data, filename=part.filename, cache=cache)
    if part.file_url:
        return FilePart(url=part.file_url, filename=part.filename, cache=cache)
    if part.file_id:
        return FilePart(file_id=part.file_id, filename=part.filename, cache=cache)
    raise RequestError(f"{path}: needs file_data, file_url or file_id", param=path)
