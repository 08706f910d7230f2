"""A small HTTP/1.1 server for a handful of pages: GET and HEAD, one request a connection, no library.

The control plane's admin listener needs no more, and a library for it would be a quarter of its start and of
its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

log = logging.getLogger("controlplane")

_LONGEST_HEAD: Final = 16 * 1024
_PATIENCE: Final = 10.0
"""Seconds for a client to send its request, and to take the answer."""


@dataclass(frozen=True, slots=True)
class Page:
    body: str
    content_type: str
    status: int = HTTPStatus.OK


Pages = Mapping[str, Callable[[], Awaitable[Page]]]


class PageServer:
    """pages: by path; a query is ignored."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, address: str, port: int) -> None:
        """Raises: OSError: the address is taken, or not ours."""
        self._server = await asyncio.start_server(
            self._serve, address, port, limit=_LONGEST_HEAD, reuse_address=True
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            # A client that is slow, leaves, or sends no HTTP: its own affair.
            with contextlib.suppress(
                OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
            ):
                async with asyncio.timeout(_PATIENCE):
                    writer.write(await self._answer(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _answer(self, head: bytes) -> bytes:
        method, target, *rest = (*head.split(b"\r\n")[0].decode("latin-1").split(" "), "")
        page = await self._page(method, target.partition("?")[0]) if rest else _error(HTTPStatus.BAD_REQUEST)
        return _encode(page, with_body=method != "HEAD")

    async def _page(self, method: str, path: str) -> Page:
        make = self._pages.get(path)
        if make is None:
            return _error(HTTPStatus.NOT_FOUND)
        if method not in ("GET", "HEAD"):
            return _error(HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            return await make()
        except Exception:
            log.exception("bug in %s", path)
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR)


def _error(status: HTTPStatus) -> Page:
    return Page(f"{status.value} {status.phrase}\n", "text/plain; charset=utf-8", status)


def _encode(page: Page, *, with_body: bool) -> bytes:
    body = page.body.encode()
    lines = [
        f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}",
        f"content-type: {page.content_type}",
        f"content-length: {len(body)}",
        "connection: close",
        *(["allow: GET, HEAD"] if page.status == HTTPStatus.METHOD_NOT_ALLOWED else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + (body if with_body else b"")
