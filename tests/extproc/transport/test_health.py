"""gRPC health over both transports, with grpc's own client."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from extproc.transport.health import Health
from tests.extproc.transport.client import channel
from tests.extproc.transport.servers import TRANSPORTS, serving
from tests.extproc.transport.talk import Talk, data, framed, names

STATES = health_pb2.HealthCheckResponse
SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"
WATCH = "/grpc.health.v1.Health/Watch"


def asked(name: str) -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=name)


@pytest.fixture
async def stub(address):
    async with channel(address) as over:
        yield health_pb2_grpc.HealthStub(over)


@pytest.mark.parametrize("name", ["", SERVICE])
async def test_check(stub, name):
    assert (await stub.Check(asked(name))).status == STATES.SERVING


async def test_check_of_what_nobody_serves(stub):
    for name in ("other", "x" * 100_000):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.Check(asked(name))
        assert error.value.code() is grpc.StatusCode.NOT_FOUND
        assert error.value.details() == f"no service named {name[:100]!r}"


async def test_watch_of_what_nobody_serves(stub):
    watch = stub.Watch(asked("other"))
    assert (await watch.read()).status == STATES.SERVICE_UNKNOWN
    watch.cancel()


@pytest.mark.parametrize("method", ["Check", "Watch"])
async def test_what_is_no_request(address, method):
    async with channel(address) as over:
        for said, told in (
            ((b"\xff",), "not a HealthCheckRequest: "),
            ((), "a message was expected"),
            ((b"", b""), "one message was expected"),
        ):
            call = over.stream_stream(f"/grpc.health.v1.Health/{method}")()
            for message in said:
                await call.write(message)
            await call.done_writing()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                while await call.read() is not grpc.aio.EOF:
                    pass
            assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert error.value.details().startswith(told)


async def test_everybody_hears_that_it_shuts_down_before_anything_else_happens(transport, socket):
    server = TRANSPORTS[transport]([socket])
    await server.start()
    async with channel(socket) as over:
        stub = health_pb2_grpc.HealthStub(over)
        watches = [stub.Watch(asked(name)) for name in ("", SERVICE, "other") for _ in range(3)]
        first = [(await watch.read()).status for watch in watches]
        assert first == [STATES.SERVING] * 6 + [STATES.SERVICE_UNKNOWN] * 3
        draining = asyncio.create_task(server.drain(20))
        assert [(await watch.read()).status for watch in watches[:6]] == [STATES.NOT_SERVING] * 6
        assert not draining.done()
        for watch in watches:
            watch.cancel()
        await draining


async def test_watchers_that_leave_are_forgotten(transport, socket):
    async with serving(transport, socket) as server, channel(socket) as over:
        stub = health_pb2_grpc.HealthStub(over)
        watches = [stub.Watch(asked("")) for _ in range(20)]
        for watch in watches:
            assert (await watch.read()).status == STATES.SERVING
        assert len(server._health._watchers) == 20
        for watch in watches:
            watch.cancel()
        async with asyncio.timeout(10):
            while True:
                if not server._health._watchers:
                    break
                await asyncio.sleep(0.01)


def test_not_serving_comes_before_goaway():
    health = Health()
    talk = Talk(health.methods())
    talk.tell(talk.opening(1, WATCH), data(1, framed(b""), 1))
    health.shut_down()
    talk.connection.drain()
    heard = talk.heard()
    assert names(heard) == ["DATA 1", "GOAWAY 0 NO_ERROR", "PING 0"]
    assert heard[0].data == framed(STATES(status="NOT_SERVING").SerializeToString())
    talk.tell(talk.opening(3, "/grpc.health.v1.Health/Watch"), data(3, framed(b""), 1))
    assert len(health._watchers) == 2


def test_a_watcher_that_breaks_the_method_is_forgotten():
    health = Health()
    talk = Talk(health.methods())
    heard = talk.tell(talk.opening(1, WATCH), data(1, framed(b"", b"")))
    assert names(heard) == ["HEADERS 1", "DATA 1", "HEADERS 1 END"]
    assert health._watchers == {}
