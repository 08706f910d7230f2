"""Images and files as OpenAI's clients send them: data URIs, bare base64, names."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import unquote_to_bytes

_PDF_START: Final = base64.b64encode(b"%PDF-1")[:6].decode()
_FILE_TYPES: Final = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/plain",
    "csv": "text/plain",
    "json": "text/plain",
    "html": "text/plain",
    "xml": "text/plain",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
"""What a file is by the ending of its name, where the client does not say it in a data URI."""


def data_uri(url: str) -> tuple[str, str] | None:
    """Media type and base64 data of a ``data:`` URI (RFC 2397); None for other URLs."""
    if url[:5].lower() != "data:":
        return None
    head, comma, data = url[5:].partition(",")
    if not comma:
        return None
    media_type, *parameters = head.split(";")
    if not any(parameter.strip().lower() == "base64" for parameter in parameters):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return media_type.strip().lower() or "text/plain", data


def file_type(data: str, filename: str | None) -> str:
    """The media type of a file whose sender did not say it, by its first bytes or its name."""
    if data.startswith(_PDF_START):
        return "application/pdf"
    ending = (filename or "").rpartition(".")[2].lower()
    return _FILE_TYPES.get(ending, "application/octet-stream" if filename else "application/pdf")
