"""The admin listener's server, byte by byte."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from controlplane import pages
from controlplane.pages import Page, PageServer

Ask = Callable[[bytes], Awaitable[bytes]]


async def hello() -> Page:
    return Page("héllo", "text/plain; charset=utf-8")


async def ill() -> Page:
    return Page("{}", "application/json", 503)


async def bug() -> Page:
    raise KeyError("secret")


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    server = PageServer({"/hello": hello, "/ill": ill, "/bug": bug})
    await server.start("127.0.0.1", 0)
    assert server._server is not None
    port = server._server.sockets[0].getsockname()[1]

    async def asked(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            return await reader.read()
        finally:
            writer.close()

    yield asked
    await server.stop()


async def test_a_page(ask: Ask) -> None:
    head, _, body = (await ask(b"GET /hello?x=1 HTTP/1.1\r\nhost: x\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"content-type: text/plain; charset=utf-8",
        b"content-length: 6",
        b"connection: close",
    ]
    assert body.decode() == "héllo"


async def test_head_has_no_body(ask: Ask) -> None:
    answer = await ask(b"HEAD /hello HTTP/1.0\r\n\r\n")
    assert b"content-length: 6" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /ill HTTP/1.1\r\n\r\n", b"503 Service Unavailable"),
        (b"GET /nowhere HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /hello HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"\xff\xfe \r\n\r\n", b"404 Not Found"),
    ],
)
async def test_statuses(ask: Ask, request_: bytes, status: bytes) -> None:
    answer = await ask(request_)
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert (b"allow: GET, HEAD" in answer) == status.startswith(b"405")


async def test_a_bug_is_a_500_without_details(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    answer = await ask(b"GET /bug HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer
    assert "bug in /bug" in caplog.text


async def test_who_sends_too_much_or_nothing_is_cut(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_PATIENCE", 0.1)
    assert await ask(b"GET /hello") == b""
    with contextlib.suppress(ConnectionError):  # it did not wait for all of it
        assert await ask(b"x" * 100_000) == b""
