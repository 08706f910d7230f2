"""ext_proc and gRPC health over grpc.aio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from extproc.messages import ProtocolError
from extproc.server import MAX_MESSAGE, PROCESS_METHOD, Stream
from extproc.transport.address import check_free

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_concurrent_streams", 10_000),
    ("grpc.so_reuseport", 0),
)


async def _process(messages: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    stream = Stream()
    try:
        async for data in messages:
            output = stream.receive(data)
            for message in output.messages:
                yield message
            if output.close:
                return
    except ProtocolError as error:
        await context.abort(grpc.StatusCode.INTERNAL, str(error))
    except asyncio.CancelledError:
        # Envoy resets a stream whose attempt is over; that is not an error (trap 14).
        return


class GrpcioServer:
    """Serves ext_proc on `listen`: ``unix:PATH`` or ``HOST:PORT`` each (port 0: a free one).

    addresses: where it listens once it has started.
    """

    def __init__(self, listen: Sequence[str]) -> None:
        self._listen = listen
        self._health = health.aio.HealthServicer()
        self.addresses: list[str] = []

    async def start(self) -> None:
        """Raises: OSError: an address cannot be bound."""
        self._server = grpc.aio.server(options=_OPTIONS)
        service, _, method = PROCESS_METHOD.strip("/").partition("/")
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(_process)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.addresses = [self._bind(address) for address in self._listen]
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    def _bind(self, address: str) -> str:
        check_free(address)
        port = self._server.add_insecure_port(address)
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"

    async def drain(self, grace: float) -> None:
        """Fail the health checks, let streams finish for `grace` seconds, then stop."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)
