"""ext_proc over both transports, in this process, with grpc's own client as the peer."""

from __future__ import annotations

import asyncio
import json
import logging
import socket as unix
from base64 import b64decode

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from extproc.server import Stream
from tests.extproc import envoy
from tests.extproc.streams import BEGIN, BLOCK, END, MESSAGE, delta
from tests.extproc.transcript import JSON_TYPE, OPENAI, REQUEST, SSE_TYPE, STREAM
from tests.extproc.transport.client import Call, channel, exchange
from tests.extproc.transport.servers import TRANSPORTS, serving

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
GRACE = 20.0
"""Seconds that no test should need."""


@pytest.fixture(params=["unix", "tcp"])
async def peer(request, transport):
    """A channel to a server of its own."""
    listen = request.getfixturevalue("socket") if request.param == "unix" else "127.0.0.1:0"
    async with serving(transport, listen) as server, channel(server.addresses[0]) as over:
        yield over


async def test_a_whole_answer(peer):
    await exchange(peer)


async def test_a_stream(peer):
    call = Call(peer)
    await call.begin(body=STREAM)
    await call.tell(
        envoy.response_headers(200, SSE_TYPE), envoy.response_body(BEGIN), envoy.response_body(BLOCK)
    )
    await call.tell(envoy.response_body(delta("Hello")))
    assert "response_headers" in await call.hear()
    text = [await call.hear() for _ in range(3)]
    assert all("response_body" in reply for reply in text)
    await call.tell(envoy.response_body(END), envoy.response_body(b"", end=True))
    done = b64decode((await call.hear())["response_body"]["response"]["body_mutation"]["body"])
    assert done.endswith(b"data: [DONE]\n\n")
    assert (await call.hear())["response_body"]["response"]["body_mutation"] == {"clear_body": True}
    await call.stream.done_writing()
    assert await call.end() == (grpc.StatusCode.OK, "")


async def test_it_steps_aside_with_ok(peer):
    call = Call(peer)
    assert "request_body" in await call.begin(OPENAI, hold_headers=False)
    assert await call.end() == (grpc.StatusCode.OK, "")


async def test_an_answer_of_our_own_ends_the_call(peer):
    call = Call(peer)
    assert "immediate_response" in await call.begin(body=b"{")
    assert await call.end() == (grpc.StatusCode.OK, "")


async def test_messages_far_above_four_mebibytes(peer):
    text = "x" * (12 * 1024 * 1024)
    call = Call(peer)
    sent = await call.begin(body=REQUEST.replace(b"Hi", text.encode()))
    body = b64decode(sent["request_body"]["response"]["body_mutation"]["body"])
    assert f'"{text}"'.encode() in body
    answer = json.dumps({**MESSAGE, "content": [{"type": "text", "text": text}]}).encode()
    await call.tell(envoy.response_headers(200, JSON_TYPE), envoy.response_body(answer, end=True))
    assert "response_headers" in await call.hear()
    translated = b64decode((await call.hear())["response_body"]["response"]["body_mutation"]["body"])
    assert json.loads(translated)["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff", "not a ProcessingRequest"),
        (envoy.response_body(b"x"), "ResponseBody while awaiting the request headers"),
    ],
)
async def test_a_broken_protocol_ends_its_own_stream_only(peer, data, reason):
    other = Call(peer)
    await other.begin()
    broken = Call(peer)
    await broken.tell(data)
    status, told = await broken.end()
    assert status is grpc.StatusCode.INTERNAL
    assert reason in told
    await other.tell(envoy.response_headers(500, {}, end=True))
    assert "response_headers" in await other.hear()


@pytest.mark.interpreted
async def test_a_bug_outside_the_session_ends_its_own_stream_only(peer, monkeypatch):
    other = Call(peer)
    await other.begin()
    with monkeypatch.context() as broken:
        broken.setattr("extproc.server.encode", lambda _: 1 // 0)
        call = Call(peer)
        await call.tell(envoy.request_headers())
        assert await call.end() == (grpc.StatusCode.INTERNAL, "internal error")
    await other.tell(envoy.response_headers(500, {}, end=True))
    assert "response_headers" in await other.hear()


async def test_a_thousand_streams_at_once(peer):
    everybody = asyncio.Barrier(1000)
    async with asyncio.TaskGroup() as group:
        for _ in range(1000):
            group.create_task(exchange(peer, everybody))


@pytest.mark.interpreted
async def test_streams_end_with_their_client(peer, monkeypatch, caplog):
    """Nothing of a stream stays behind: neither its state nor a line in the log."""
    caplog.set_level(logging.DEBUG, logger="extproc")
    alive = 0
    gone = asyncio.Event()

    class Counted(Stream):
        def __init__(self) -> None:
            nonlocal alive
            super().__init__()
            alive += 1

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1
            if alive == 0:
                gone.set()

    monkeypatch.setattr("extproc.transport.calls.Stream", Counted)
    calls = [Call(peer) for _ in range(20)]
    for call in calls:
        await call.begin()
    assert alive == 20
    for call in calls:
        call.stream.cancel()
    await gone.wait()
    assert caplog.text == ""


async def test_several_addresses_at_once(transport, socket):
    async with serving(transport, socket, "127.0.0.1:0", "127.0.0.1:0") as server:
        assert len(set(server.addresses)) == 3
        for address in server.addresses:
            async with channel(address) as over:
                await exchange(over)


async def test_an_address_that_is_taken(transport, socket):
    async with serving(transport, socket, "127.0.0.1:0") as server:
        for address in server.addresses:
            with pytest.raises(OSError, match=f"cannot listen on {address}: "):
                await TRANSPORTS[transport]([address]).start()
        async with channel(socket) as over:
            await exchange(over)


async def test_the_socket_of_a_process_that_died_is_taken_over(transport, socket):
    async with serving(transport, socket), channel(socket) as over:
        await exchange(over)
    with unix.socket(unix.AF_UNIX) as dead:
        dead.bind(socket.removeprefix("unix:"))
    async with serving(transport, socket), channel(socket) as over:
        await exchange(over)


class TestDraining:
    async def test_running_streams_finish_and_health_says_so(self, transport, socket):
        server = TRANSPORTS[transport]([socket])
        await server.start()
        async with channel(socket) as over:
            health = health_pb2_grpc.HealthStub(over)
            assert (await health.Check(health_pb2.HealthCheckRequest())).status == SERVING
            watch = health.Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == SERVING
            call = Call(over)
            await call.begin(body=STREAM)
            draining = asyncio.create_task(server.drain(GRACE))
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()
            await call.tell(
                envoy.response_headers(200, SSE_TYPE), envoy.response_body(BEGIN + BLOCK + delta("Hel"))
            )
            assert "response_headers" in await call.hear()
            assert "response_body" in await call.hear()
            assert not draining.done()
            await call.tell(envoy.response_body(delta("lo") + END, end=True))
            assert "response_body" in await call.hear()
            await call.stream.done_writing()
            assert await call.end() == (grpc.StatusCode.OK, "")
            await draining

    async def test_a_stream_that_does_not_finish_is_cut_and_leaves_no_line(self, transport, socket, caplog):
        caplog.set_level(logging.DEBUG, logger="extproc")
        server = TRANSPORTS[transport]([socket])
        await server.start()
        async with channel(socket) as over:
            call = Call(over)
            await call.begin()
            await server.drain(0.01)
            assert await call.stream.code() is not grpc.StatusCode.OK
        assert caplog.text == ""

    async def test_new_streams_go_elsewhere(self, transport, socket):
        server = TRANSPORTS[transport]([socket])
        await server.start()
        async with channel(socket) as over:
            running = Call(over)
            await running.begin()
            draining = asyncio.create_task(server.drain(GRACE))
            health = health_pb2_grpc.HealthStub(over)
            with pytest.raises(grpc.aio.AioRpcError):
                while True:
                    await health.Check(health_pb2.HealthCheckRequest())
            assert not draining.done()
            running.stream.cancel()
            await draining
