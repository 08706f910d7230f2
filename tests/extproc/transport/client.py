"""Envoy's side of ext_proc, played by grpc's own client."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import grpc
import grpc.aio

from extproc.contract.target import Target
from extproc.server import PROCESS_METHOD
from tests.extproc import envoy
from tests.extproc.streams import MESSAGE
from tests.extproc.transcript import CLAUDE, JSON_TYPE, REQUEST, policy

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Else a channel to the same address takes up the dying connection of the last one.
    ("grpc.use_local_subchannel_pool", 1),
)


def channel(address: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address, options=OPTIONS)


class Call:
    """One ``Process`` call. Its messages are plain bytes."""

    def __init__(self, over: grpc.aio.Channel) -> None:
        self.stream: Any = over.stream_stream(PROCESS_METHOD)()

    async def tell(self, *messages: bytes) -> None:
        for message in messages:
            await self.stream.write(message)

    async def hear(self) -> dict[str, Any]:
        message = await self.stream.read()
        assert message is not grpc.aio.EOF, "the server ended the call"
        return envoy.understood(message)

    async def begin(self, target: Target = CLAUDE, body: bytes = REQUEST, **changes: Any) -> dict[str, Any]:
        """As far as the provider's turn; the reply to the body."""
        await self.tell(envoy.request_headers(target, policy(**changes)))
        assert await self.hear() == {"request_headers": {}}
        await self.tell(envoy.request_body(body))
        return await self.hear()

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """The status, after nothing more has come."""
        with contextlib.suppress(grpc.aio.AioRpcError):
            assert await self.stream.read() is grpc.aio.EOF
        return await self.stream.code(), await self.stream.details()


ANSWER = json.dumps(MESSAGE).encode()


async def exchange(over: grpc.aio.Channel, everybody: asyncio.Barrier | None = None) -> None:
    """A translated answer from beginning to end. everybody: wait for the others while the call is open."""
    call = Call(over)
    assert "request_body" in await call.begin()
    if everybody is not None:
        await everybody.wait()
    await call.tell(envoy.response_headers(200, JSON_TYPE), envoy.response_body(ANSWER, end=True))
    assert "response_headers" in await call.hear()
    assert "response_body" in await call.hear()
    assert await call.end() == (grpc.StatusCode.OK, "")
