"""The second transport: the same calls over grpc.aio, which has TLS."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Final

import grpc

from extproc.server import MAX_MESSAGE
from extproc.transport.address import check_free
from extproc.transport.calls import PROCESS, Methods, Open, Status, log_bug
from extproc.transport.health import Health

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_concurrent_streams", 10_000),
    ("grpc.so_reuseport", 0),
)
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class _Replies:
    """See `extproc.transport.calls.Replies`: what is still to be written."""

    def __init__(self) -> None:
        self.messages: deque[bytes] = deque()
        self.status: Status | None = None
        self.text = ""
        self.news = asyncio.Event()

    def send(self, messages: Sequence[bytes]) -> None:
        if self.status is None:
            self.messages += messages
            self.news.set()

    def finish(self, status: Status, text: str = "") -> None:
        if self.status is None:
            self.status, self.text = status, text
            self.news.set()


async def _handle(opener: Open, messages: AsyncIterator[bytes], context: Any) -> None:
    """One call. The answers to a message are written before the next message is read."""
    replies = _Replies()
    try:
        call = opener(replies)
        try:
            async for data in messages:
                call.message(data)
                await _write(replies, context)
                if replies.status is not None:
                    break
            else:
                call.half_close()
            while replies.status is None or replies.messages:
                await replies.news.wait()
                replies.news.clear()
                await _write(replies, context)
        except (asyncio.CancelledError, grpc.aio.BaseError):
            # Envoy resets a stream whose attempt is over; that is not an error (trap 14).
            call.lost()
            return
    except Exception as error:  # noqa: BLE001 - it costs this call only
        log_bug(error)
        replies.finish(Status.INTERNAL, "internal error")
    if replies.status:
        await context.abort(_CODES[replies.status], replies.text)


async def _write(replies: _Replies, context: Any) -> None:
    while replies.messages:
        await context.write(replies.messages.popleft())


class GrpcioServer:
    """Serves ext_proc on `listen`: ``unix:PATH`` or ``HOST:PORT`` each (port 0: a free one).

    methods: beyond ext_proc and health.
    credentials: for ``HOST:PORT``; None: without TLS.
    addresses: where it listens once it has started.
    """

    def __init__(
        self,
        listen: Sequence[str],
        methods: Methods | None = None,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._listen = listen
        self._health = Health()
        self._methods: Methods = {**PROCESS, **self._health.methods(), **(methods or {})}
        self._credentials = credentials
        self.addresses: list[str] = []

    async def start(self) -> None:
        """Raises: OSError: an address cannot be bound."""
        self._server = grpc.aio.server(options=_OPTIONS)
        self._server.add_generic_rpc_handlers(tuple(_service(*method) for method in self._methods.items()))
        self.addresses = [self._bind(address) for address in self._listen]
        await self._server.start()

    def _bind(self, address: str) -> str:
        check_free(address)
        if address.startswith("unix:"):
            self._server.add_insecure_port(address)
            return address
        if self._credentials is None:
            port = self._server.add_insecure_port(address)
        else:
            port = self._server.add_secure_port(address, self._credentials)
        return f"{address.rpartition(':')[0]}:{port}"

    async def drain(self, grace: float) -> None:
        """Fail the health checks, let streams finish for `grace` seconds, then stop."""
        self._health.shut_down()
        await self._server.stop(grace)


def _service(path: str, opener: Open) -> grpc.GenericRpcHandler:
    service, _, method = path.strip("/").partition("/")
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
        partial(_handle, opener)
    )
    return grpc.method_handlers_generic_handler(service, {method: handler})
