"""The HTTP server: takes requests apart, asks a format for the answer, and puts it on the wire."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from simulator.control import PREFIX, Control
from simulator.delivery import Cut, HangUp, Head, Send, Stall, Step, Wait, steps
from simulator.faults import HEALTH_PATH, Fault, Target
from simulator.formats.registry import all_formats, find, vendor_of
from simulator.formats.seam import Vendor
from simulator.formats.vendor_azure import split_deployment, without_prefix
from simulator.formats.vendor_bedrock import asked as asked_of_bedrock
from simulator.formats.vendor_google import asked as asked_of_google
from simulator.recorder import Outcome, Recorded
from simulator.wire import ApiError, Call, Event, Reply

MAX_BODY: Final = 48 * 1024 * 1024
_VERSION_SEGMENTS: Final = frozenset({"v1", "v1beta", "v1beta1"})
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: the connection ends with a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where to listen: a TCP port (0: a free one), or a unix socket if `uds` is set.

    tls_cert, tls_key: PEM files.
    """

    host: str = "127.0.0.1"
    port: int = 0
    uds: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def tls(self) -> ssl.SSLContext | None:
        if self.tls_cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.tls_cert, self.tls_key)
        return context


class Server:
    """The simulator, on the running loop from `start` to `stop`."""

    def __init__(self) -> None:
        self.control = Control()
        self._formats = all_formats()
        self._serials = count(1)
        self._runner: web.AppRunner | None = None

    async def start(self, listen: Listen) -> str:
        """Listens; returns the URL, ``unix:PATH`` for a unix socket.

        Raises: OSError if the address is taken or a file is not readable.
        """
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,  # a client that goes away must end a stalled or slow answer
            shutdown_timeout=0.1,
            keepalive_timeout=3600,  # closing an idle connection races with a proxy's next request on it
        )
        await self._runner.setup()
        tls = listen.tls()
        if listen.uds is not None:
            await web.UnixSite(self._runner, listen.uds, ssl_context=tls).start()
            url = f"unix:{listen.uds}"
        else:
            await web.TCPSite(self._runner, listen.host, listen.port, ssl_context=tls, backlog=1024).start()
            host = f"[{listen.host}]" if ":" in listen.host else listen.host
            url = f"{'http' if tls is None else 'https'}://{host}:{self._runner.addresses[0][1]}"
        for each in self._formats:
            each.warm_up()
        return url

    async def stop(self) -> None:
        """Ends all connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path.startswith(PREFIX):
            status, shown = self.control.handle(request.method, path, request.query, await request.read())
            return web.Response(
                status=status, body=msgspec.json.encode(shown), content_type="application/json"
            )
        account, endpoint = split_account(path)
        if endpoint == HEALTH_PATH:
            fault = self.control.faults.take(Target(account, endpoint, None, stream=False))
            reply = Reply(status=200 if fault is None else fault.status or 200, headers=())
            return await _deliver(request, steps(reply, fault or Fault(), Event(b"")), None)
        return await self._provide(request, account, endpoint)

    async def _provide(self, request: web.Request, account: str, endpoint: str) -> web.StreamResponse:
        try:
            body, refused = await request.read(), None
        except web.HTTPRequestEntityTooLarge:
            body, refused = b"", ApiError(413, "")
        now = time.time()
        recorded = Recorded(
            account=account,
            method=request.method,
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            headers=[
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers
            ],
            body=body,
            time=now,
        )
        self.control.recorder.add(recorded)
        call = Call(
            account=self.control.account(account),
            method=request.method,
            path=endpoint,
            headers=request.headers,
            body=body,
            serial=next(self._serials),
            now=int(now),
            full_path=recorded.path,
            query=recorded.query,
        )
        fault = self._fault(call)
        recorded.fault = fault.id if fault else None
        vendor = vendor_of(find(self._formats, endpoint, request.headers), self._formats, request.headers)
        reply = vendor.error(refused, call.serial) if refused else self._reply(call, vendor, fault)
        if fault is None and reply.events is None:
            recorded.status, recorded.outcome = reply.status, Outcome.COMPLETE
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        plan = steps(reply, fault or Fault(), _error_event(vendor, fault, call.serial))
        try:
            response = await _deliver(request, plan, recorded)
        except (asyncio.CancelledError, ConnectionError) as gone:
            recorded.outcome = Outcome.DISCONNECTED
            # aiohttp ends the connection for the former, and prints a traceback for the latter.
            raise asyncio.CancelledError from gone
        if recorded.outcome is Outcome.OPEN:
            recorded.outcome = Outcome.COMPLETE
        return response

    def _fault(self, call: Call) -> Fault | None:
        if not self.control.faults:
            return None
        try:
            asked = msgspec.json.decode(call.body, type=_Asked)
        except msgspec.DecodeError:
            asked = _Asked()
        named = asked_of_google(call.path) or asked_of_bedrock(call.path)
        if named is not None:  # their bodies say neither
            asked = _Asked(named.model, named.stream)
        return self.control.faults.take(
            Target(call.account.name, call.path, asked.model, asked.stream or False)
        )

    def _reply(self, call: Call, vendor: Vendor, fault: Fault | None) -> Reply:
        if fault is not None and fault.body is not msgspec.UNSET:
            body = fault.body.encode() if isinstance(fault.body, str) else msgspec.json.encode(fault.body)
            return Reply(status=200, headers=(("content-type", "application/json"),), body=body)
        if fault is not None and fault.status is not None and fault.status >= HTTPStatus.BAD_REQUEST:
            return vendor.error(ApiError(fault.status, "", type=fault.error_type), call.serial)
        try:
            return self._answer(call, vendor)
        except ApiError as error:
            return vendor.error(error, call.serial)

    def _answer(self, call: Call, vendor: Vendor) -> Reply:
        format_ = find(self._formats, call.path, call.headers)
        if format_ is None:
            raise ApiError(404, f"Invalid URL ({call.method} {call.path})")
        if call.method not in format_.methods:
            raise ApiError(405, f"Not allowed to {call.method} on {call.path}")
        vendor.authenticate(call)
        return format_.reply(call)


class _Asked(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None


def split_account(path: str) -> tuple[str, str]:
    """The account and the endpoint, e.g. ``/claude/v1/messages`` -> ``claude``, ``/v1/messages``."""
    if path.endswith(HEALTH_PATH):
        return path.removesuffix(HEALTH_PATH).strip("/"), HEALTH_PATH
    if (deployed := split_deployment(path)) is not None:
        return deployed
    segments = path.split("/")
    at = next((at for at, segment in enumerate(segments) if segment in _VERSION_SEGMENTS), None)
    if at is None:
        return "", path
    return without_prefix("/".join(segments[1:at])), "/" + "/".join(segments[at:])


def _error_event(vendor: Vendor, fault: Fault | None, serial: int) -> Event:
    error = vendor.overloaded()
    if fault is not None and fault.error_type is not None:
        error = replace(error, type=fault.error_type)
    return vendor.error_event(error, serial)


async def _deliver(
    request: web.Request, plan: Iterator[Step], recorded: Recorded | None
) -> web.StreamResponse:
    response = web.StreamResponse()
    for step in plan:
        match step:
            case Send(data):
                await response.write(data)
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Head(status, headers):
                response = web.StreamResponse(status=status, headers=headers)
                if recorded is not None:
                    recorded.status = status
                await response.prepare(request)
            case Stall():
                await asyncio.Event().wait()
            case Cut() | HangUp():
                if recorded is not None:
                    recorded.outcome = Outcome.FAULT
                _end_connection(request, reset=isinstance(step, Cut))
                return response
    return response


def _end_connection(request: web.Request, *, reset: bool) -> None:
    transport: Any = request.transport
    if transport is None:
        return
    if reset:
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    else:
        transport.close()
