"""Envoy's admin interface over its unix socket: as much of HTTP/1.1 as that needs, and no library.

https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

_TIMEOUT: Final = 5.0
_OK: Final = 200


class EnvoyAdminError(Exception):
    """Envoy is not there, or did not answer as expected."""


async def ask(socket: Path, method: str, target: str) -> bytes:
    """The body of a 200. Raises: EnvoyAdminError."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            answer = await _exchange(socket, method, target)
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
        raise EnvoyAdminError(str(error) or type(error).__name__) from error
    status, body = answer
    if status != _OK:
        raise EnvoyAdminError(f"{target}: {status}")
    return body


async def _exchange(socket: Path, method: str, target: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(f"{method} {target} HTTP/1.1\r\nhost: envoy\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    return parse(answer)


def parse(answer: bytes) -> tuple[int, bytes]:
    """Status and body of one whole response. Raises: EnvoyAdminError."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    if not blank or not first.startswith(b"HTTP/1.1 "):
        raise EnvoyAdminError("no HTTP response")
    if any(line.lower().replace(b" ", b"") == b"transfer-encoding:chunked" for line in lines):
        body = _unchunked(body)
    return int(first.split()[1]), body


def _unchunked(body: bytes) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc9112#section-7.1"""
    parts: list[bytes] = []
    while True:
        size, line_end, rest = body.partition(b"\r\n")
        if not line_end:
            raise EnvoyAdminError("a response that was cut")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return b"".join(parts)
        parts.append(rest[:length])
        body = rest[length + 2 :]
