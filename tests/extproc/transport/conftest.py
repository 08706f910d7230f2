"""A server of each transport, and where it listens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.extproc.transport.servers import TRANSPORTS, serving, socket_address


@pytest.fixture(params=list(TRANSPORTS))
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def socket() -> Iterator[str]:
    with socket_address() as address:
        yield address


@pytest.fixture
async def address(transport: str, socket: str) -> AsyncIterator[str]:
    """Of a server with the test's methods."""
    async with serving(transport, socket) as server:
        yield server.addresses[0]
