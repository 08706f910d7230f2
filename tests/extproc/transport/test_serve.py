"""``python -m extproc serve`` as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.extproc import envoy
from tests.extproc.streams import BEGIN, BLOCK, END, delta
from tests.extproc.transcript import OPENAI, SSE_TYPE, STREAM
from tests.extproc.transport.client import Call, channel, exchange


async def start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "extproc", *arguments, stdout=PIPE, stderr=PIPE
    )


@contextlib.asynccontextmanager
async def serving(transport: str, address: str, *options: str) -> AsyncIterator[tuple[Process, str]]:
    """The process, once it serves, and where: port 0 becomes the one it got."""
    process = await start("serve", "--transport", transport, "--listen", address, *options)
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        assert "extproc INFO serving on " in line, line + (await process.stderr.read()).decode()
        yield process, line.rpartition("serving on ")[2].strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: Process) -> tuple[int, str]:
    """Exit status, and all that it has written since it served."""
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_it_is_told_to_stop(transport, socket, number):
    async with serving(transport, socket) as (process, address):
        assert address == socket
        async with channel(address) as over:
            health = health_pb2_grpc.HealthStub(over)
            answer = await health.Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            await exchange(over)
        process.send_signal(number)
        assert await ended(process) == (0, "")


async def test_tcp(transport):
    async with serving(transport, "127.0.0.1:0") as (process, address):
        async with channel(address) as over:
            await exchange(over)
        process.terminate()
        assert await ended(process) == (0, "")


async def test_it_waits_for_running_streams(transport, socket):
    async with serving(transport, socket, "--drain", "60") as (process, address), channel(address) as over:
        call = Call(over)
        await call.begin(body=STREAM)
        watch = health_pb2_grpc.HealthStub(over).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        process.terminate()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        await call.tell(
            envoy.response_headers(200, SSE_TYPE),
            envoy.response_body(BEGIN + BLOCK + delta("Hello") + END, end=True),
        )
        assert "response_headers" in await call.hear()
        assert "response_body" in await call.hear()
        await call.stream.done_writing()
        assert await call.end() == (grpc.StatusCode.OK, "")
        assert await ended(process) == (0, "")


async def test_a_client_that_leaves_at_any_point_leaves_no_line(transport, socket):
    """Envoy resets the stream of an attempt that is over, whatever is under way (architecture.md, trap 14)."""
    said = [
        envoy.request_headers(),
        envoy.request_body(STREAM),
        envoy.response_headers(200, SSE_TYPE),
        envoy.response_body(BEGIN),
        envoy.response_body(BLOCK + delta("Hel")),
        envoy.response_body(delta("lo")),
        envoy.response_body(END, end=True),
    ]

    async def leave(over: grpc.aio.Channel, after: int, how: str) -> None:
        call = Call(over)
        await call.tell(*said[:after])
        if how == "after a reply" and after:
            await call.hear()
        if how == "half closed":
            await call.stream.done_writing()
        if how != "with its connection":
            call.stream.cancel()

    async with serving(transport, socket) as (process, address):
        for _ in range(3):
            async with channel(address) as over, asyncio.TaskGroup() as group:
                for after in range(len(said) + 1):
                    for how in ("at once", "after a reply", "half closed", "with its connection"):
                        group.create_task(leave(over, after, how))
        async with channel(address) as over:
            await exchange(over)
        process.terminate()
        assert await ended(process) == (0, "")


async def test_a_broken_protocol_is_one_line_and_costs_one_stream(transport, socket):
    async with serving(transport, socket) as (process, address):
        async with channel(address) as over:
            broken = Call(over)
            await broken.tell(envoy.response_body(b"x"))
            status, reason = await broken.end()
            assert (status, reason) == (
                grpc.StatusCode.INTERNAL,
                "ResponseBody while awaiting the request headers",
            )
            assert "request_body" in await Call(over).begin(OPENAI, hold_headers=False)
        process.terminate()
        code, log = await ended(process)
    assert code == 0
    [line] = log.splitlines()
    assert line.endswith(
        "extproc ERROR ext_proc stream ended: ResponseBody while awaiting the request headers"
    )


@pytest.mark.parametrize(
    ("address", "line"),
    [
        (
            "unix:/nowhere/at/all",
            "extproc: cannot listen on unix:/nowhere/at/all: No such file or directory\n",
        ),
        ("8080", "extproc: cannot listen on 8080: not unix:PATH or HOST:PORT\n"),
    ],
)
async def test_an_address_that_cannot_be_bound_is_one_line(transport, address, line):
    assert await ended(await start("serve", "--transport", transport, "--listen", address)) == (2, line)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:1", "[::]:0", "worker.example:9000", ":9000"])
async def test_nothing_is_served_to_a_network_without_tls(transport, address):
    told = f"extproc: --listen {address}: requests travel over it; beyond this machine it needs "
    code, text = await ended(await start("serve", "--transport", transport, "--listen", address))
    assert (code, text[: len(told)]) == (1, told)
    assert len(text.splitlines()) == 1


async def test_the_fast_transport_does_without_grpc():
    """It would cost each worker memory, and its start."""
    code = "import sys, extproc.__main__, extproc.transport.h2.server; sys.exit('grpc' in sys.modules)"
    assert await ended(
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=PIPE, stdout=PIPE)
    ) == (0, "")


async def test_an_address_that_is_taken_is_one_line(transport, socket):
    async with serving(transport, socket) as (_, address):
        line = f"extproc: cannot listen on {address}: another process serves it\n"
        assert await ended(await start("serve", "--transport", transport, "--listen", address)) == (2, line)
        async with channel(address) as over:
            await exchange(over)


async def test_help():
    code, text = await ended(await start("--help"))
    assert code == 0
    assert "serve" in text
    code, text = await ended(await start("serve", "--help"))
    assert code == 0
    assert "unix:PATH or HOST:PORT" in text
    assert "SIGTERM" in text


async def test_wrong_arguments():
    code, text = await ended(await start("serve"))
    assert code == 2
    assert "--listen" in text
