"""Both transports under nghttp2's load generator: another HTTP/2 implementation, many streams, small windows."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.extproc.transport.methods import ECHO, UPPER
from tests.extproc.transport.servers import serving
from tests.extproc.transport.talk import framed

pytestmark = pytest.mark.skipif(
    shutil.which("h2load") is None, reason="h2load (nghttp2-client) is not installed"
)


async def load(address: str, path: str, body: Path, *options: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("h2load", "-d", str(body), "-H", "content-type: application/grpc", "-H", "te: trailers", *options),
        f"http://{address}{path}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.parametrize(
    ("path", "size", "options"),
    [
        (ECHO, 10, ("-n", "3000", "-c", "4", "-m", "100")),
        (ECHO, 10, ("-n", "2000", "-c", "1", "-m", "1000")),
        (ECHO, 0, ("-n", "500", "-c", "50", "-m", "1")),
        (ECHO, 20_000, ("-n", "200", "-c", "2", "-m", "10", "-w", "10", "-W", "12")),
        (ECHO, 200, ("-n", "100", "-c", "1", "-m", "100", "-w", "1")),
        (ECHO, 2_000_000, ("-n", "20", "-c", "2", "-m", "5", "-w", "16")),
        (UPPER, 100, ("-n", "2000", "-c", "4", "-m", "50")),
    ],
)
async def test_every_request_succeeds(tmp_path, transport, path, size, options):
    body = tmp_path / "body"
    body.write_bytes(framed(b"x" * size))
    async with serving(transport, "127.0.0.1:0") as server:
        said = await load(server.addresses[0], path, body, *options)
    requests = int(options[1])
    found = re.search(
        r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout",
        said,
    )
    assert found, said
    assert [int(number) for number in found.groups()] == [requests, requests, requests, 0, 0, 0]
    data = re.search(r"(\d+)\) data$", said, re.MULTILINE)
    assert data, said
    assert int(data[1]) == requests * (size + 5)
