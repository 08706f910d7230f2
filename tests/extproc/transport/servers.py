"""Both transports, in this process."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from extproc.transport.calls import Methods
from extproc.transport.grpcio import GrpcioServer
from extproc.transport.h2.server import H2Server
from tests.extproc.transport.methods import methods as served

TRANSPORTS: dict[str, Any] = {"h2": H2Server, "grpcio": GrpcioServer}


@contextlib.contextmanager
def socket_address() -> Iterator[str]:
    """Short: the path of a socket has 107 bytes, and tmp_path may be longer."""
    directory = Path(tempfile.mkdtemp(prefix="extproc-"))
    yield f"unix:{directory / 's'}"
    shutil.rmtree(directory)


@contextlib.asynccontextmanager
async def serving(transport: str, *listen: str, methods: Methods | None = None) -> AsyncIterator[Any]:
    server = TRANSPORTS[transport](listen, methods or served())
    await server.start()
    try:
        yield server
    finally:
        await server.drain(0)
