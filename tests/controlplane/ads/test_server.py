"""The server with grpc clients of every kind of behaviour."""

# ruff: noqa: ASYNC240 - nothing else runs that could be kept waiting

from __future__ import annotations

import asyncio
import contextlib
import socket as stale
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from ads_envoy import until
from ads_world import cluster, gateway

from controlplane.ads.server import AdsServer, Endpoint, Observer
from controlplane.ads.tls import mutual_tls
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot
from protos.api import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
SOTW = (f"{SERVICE}StreamAggregatedResources", DiscoveryRequest, DiscoveryResponse)
DELTA = (f"{SERVICE}DeltaAggregatedResources", DeltaDiscoveryRequest, DeltaDiscoveryResponse)


class Client:
    """One stream that takes everything unless told otherwise."""

    def __init__(self, channel: grpc.aio.Channel, method: Any = DELTA) -> None:
        path, self.request, response = method
        self.call = channel.stream_stream(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )()

    async def ask(self, type_url: str, **fields: Any) -> None:
        await self.call.write(self.request(type_url=type_url, **fields))

    async def read(self) -> Any:
        async with asyncio.timeout(20):
            return await self.call.read()

    async def answer(self, response: Any, refusal: str = "") -> None:
        fields: dict[str, Any] = {"error_detail": {"message": refusal}} if refusal else {}
        if self.request is DiscoveryRequest and response.type_url == ROUTES:
            fields["resource_names"] = ["gateway"]
        await self.ask(response.type_url, response_nonce=response.nonce, **fields)

    async def take(self, *type_urls: str) -> None:
        for type_url in type_urls:
            response = await self.read()
            assert response.type_url == type_url
            await self.answer(response)

    async def begin(self) -> None:
        """Ask for all that a gateway asks for, and take it."""
        names = "resource_names_subscribe" if self.request is DeltaDiscoveryRequest else "resource_names"
        await self.ask(CLUSTER, node={"id": "client"})
        await self.take(CLUSTER)
        await self.ask(LISTENER)
        await self.take(LISTENER)
        await self.ask(ROUTES, **{names: ["gateway"]})
        await self.take(ROUTES)


class Recorder(Observer):
    """Every event as a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stream_opened(self, stream: Any) -> None:
        self.lines.append(f"opened {stream.id}")

    def stream_closed(self, stream: Any) -> None:
        self.lines.append(f"closed {stream.id}")

    def acked(self, stream: Any, type_url: str, version: str) -> None:
        self.lines.append(f"{stream.id} acked {type_url.rsplit('.', maxsplit=1)[-1]} {version}")

    def nacked(self, stream: Any, type_url: str, version: str, message: str) -> None:
        self.lines.append(f"{stream.id} nacked {type_url.rsplit('.', maxsplit=1)[-1]} {version}: {message}")

    def rolled_back(self, rejection: Any) -> None:
        self.lines.append(f"back to {rejection.rolled_back_to}")

    def accepted(self, version: str) -> None:
        self.lines.append(f"accepted {version}")


@contextlib.asynccontextmanager
async def serving(endpoint: Endpoint, **options: Any) -> AsyncIterator[AdsServer]:
    server = AdsServer(endpoint, settle=options.pop("settle", 0), **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "ads.sock"


@contextlib.asynccontextmanager
async def channel_to(target: Path | str) -> AsyncIterator[grpc.aio.Channel]:
    address = f"unix:{target}" if isinstance(target, Path) else target
    # Of its own: channels to one address would otherwise share a connection.
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


@pytest.mark.parametrize("method", [SOTW, DELTA])
async def test_the_events_of_a_stream(socket: Path, method: Any):
    seen = Recorder()
    first, second, third = gateway("a"), gateway("a", revision=1), gateway("a", revision=2)
    async with serving(Endpoint(unix_socket=socket), observer=seen, clock=lambda: 5.0) as server:
        server.publish(first)
        async with channel_to(socket) as channel:
            client = Client(channel, method)
            await client.begin()
            await until(lambda: server.publisher.accepted)
            server.publish(second)
            await client.answer(await client.read(), "no thanks")
            await client.take(CLUSTER)
            await until(lambda: server.streams()[0].synced == first.version)
            server.publish(third)
            await client.take(CLUSTER)
            await until(lambda: server.publisher.accepted)
            (status,) = server.streams()
            assert (status.node_id, status.connected_since, status.peer) == ("client", 5.0, "unix:")
            await client.call.done_writing()
            assert await client.read() is grpc.aio.EOF
            assert await client.call.code() == grpc.StatusCode.OK
        await until(lambda: not server.streams())
    assert seen.lines == [
        "opened 1",
        f"1 acked Cluster {first.versions[CLUSTER]}",
        f"1 acked Listener {first.versions[LISTENER]}",
        f"1 acked RouteConfiguration {first.versions[ROUTES]}",
        f"accepted {first.version}",
        f"1 nacked Cluster {second.versions[CLUSTER]}: no thanks",
        f"back to {first.version}",
        f"1 acked Cluster {first.versions[CLUSTER]}",
        f"1 acked Cluster {third.versions[CLUSTER]}",
        f"accepted {third.version}",
        "closed 1",
    ]


async def test_many_envoys_at_once_and_one_that_refuses_for_all(socket: Path):
    first, second = gateway("a"), gateway("b")
    async with serving(Endpoint(unix_socket=socket)) as server, contextlib.AsyncExitStack() as stack:
        server.publish(first)
        channels = [await stack.enter_async_context(channel_to(socket)) for _ in range(20)]
        clients = [Client(channel, (SOTW, DELTA)[number % 2]) for number, channel in enumerate(channels)]
        await asyncio.gather(*(client.begin() for client in clients))
        await until(lambda: server.publisher.accepted)
        assert len(server.streams()) == 20

        server.publish(second)
        await asyncio.gather(*(client.take(CLUSTER, ROUTES) for client in clients[1:]))
        await clients[0].answer(await clients[0].read(), "not me")
        await until(lambda: server.publisher.current is first)

        async def go_on(client: Client) -> None:
            while True:
                await client.answer(await client.read())

        tasks = [asyncio.create_task(go_on(client)) for client in clients]
        await until(lambda: {status.synced for status in server.streams()} == {first.version})
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_client_that_does_not_read_costs_nothing(socket: Path):
    """Nor does it hold up others, and it gets the newest in the end."""
    async with serving(Endpoint(unix_socket=socket)) as server, channel_to(socket) as channel:
        server.publish(gateway("a"))
        lazy, eager = Client(channel), Client(channel)
        await lazy.begin()
        await eager.begin()
        filler = [cluster(f"{'x' * 1000}{number}") for number in range(500)]
        for revision in range(1, 40):
            newest = Snapshot.of([*filler, cluster("a", revision)])
            server.publish(newest)
            await asyncio.sleep(0)
        version = ""
        while version != newest.versions[CLUSTER]:
            response = await eager.read()
            await eager.answer(response)
            if response.type_url == CLUSTER:
                version = response.system_version_info
        responses = 0
        version = ""
        while version != newest.versions[CLUSTER]:
            response = await lazy.read()
            responses += 1
            await lazy.answer(response)
            if response.type_url == CLUSTER:
                version = response.system_version_info
        assert responses < 15


async def test_routes_settle_after_new_clusters(socket: Path):
    async with serving(Endpoint(unix_socket=socket), settle=0.05) as server, channel_to(socket) as channel:
        server.publish(gateway("a"))
        client = Client(channel)
        await client.begin()
        server.publish(gateway("b"))
        await client.take(CLUSTER, ROUTES, CLUSTER)
        await until(lambda: server.publisher.accepted)


async def test_clients_that_go_leave_no_trace_in_the_log(socket: Path, caplog: pytest.LogCaptureFixture):
    async with serving(Endpoint(unix_socket=socket)) as server:
        server.publish(gateway("a"))
        async with channel_to(socket) as channel:
            cancelled, closed = Client(channel), Client(channel)
            await cancelled.begin()
            await closed.begin()
            cancelled.call.cancel()
            await until(lambda: len(server.streams()) == 1)
            server.publish(gateway("b"))
        await until(lambda: not server.streams())
        async with channel_to(socket) as channel:
            await Client(channel).begin()
            await server.stop(0)
    assert caplog.records == []


async def test_garbage_is_refused_without_a_traceback(socket: Path, caplog: pytest.LogCaptureFixture):
    async with serving(Endpoint(unix_socket=socket)) as server, channel_to(socket) as channel:
        call = channel.stream_stream(DELTA[0])()
        await call.write(b"\xff\xff")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        await until(lambda: not server.streams())
    assert caplog.records == []


async def test_stopping_ends_streams_cleanly(socket: Path):
    async with channel_to(socket) as channel, serving(Endpoint(unix_socket=socket)) as server:
        server.publish(gateway("a"))
        client = Client(channel)
        await client.begin()
        await server.stop(5)
        assert await client.read() is grpc.aio.EOF
        assert await client.call.code() == grpc.StatusCode.OK
    assert server.streams() == []


async def test_a_server_that_never_started_stops():
    server = AdsServer(Endpoint(address="127.0.0.1:0"))
    await server.stop(0)
    assert server.port == 0


async def test_the_socket_is_for_its_owner_only(socket: Path):
    # What a killed server left behind is in nobody's way.
    with stale.socket(stale.AF_UNIX) as left:
        left.bind(str(socket))
    socket.chmod(0o777)
    async with serving(Endpoint(unix_socket=socket)):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600


async def test_addresses_that_cannot_be_had(tmp_path: Path):
    async with serving(Endpoint(address="127.0.0.1:0")) as server:
        with pytest.raises(OSError, match=f"ADS cannot listen on 127.0.0.1:{server.port}: "):
            await AdsServer(Endpoint(address=f"127.0.0.1:{server.port}")).start()
    with pytest.raises(OSError, match="ADS cannot listen on unix:"):
        await AdsServer(Endpoint(unix_socket=tmp_path / "no" / "such" / "folder")).start()


class Certificates:
    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"
        self.client_ca = folder / "ca.crt"
        self.ca.cert_pem.write_to_path(self.client_ca)
        self.write()

    def write(self) -> None:
        """A new certificate for the server."""
        made = self.ca.issue_cert("localhost")
        made.private_key_pem.write_to_path(self.key)
        made.cert_chain_pems[0].write_to_path(self.certificate)

    def client(self, ca: trustme.CA | None = None) -> grpc.ChannelCredentials:
        made = (ca or self.ca).issue_cert("envoy")
        return grpc.ssl_channel_credentials(
            self.ca.cert_pem.bytes(), made.private_key_pem.bytes(), made.cert_chain_pems[0].bytes()
        )


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@contextlib.asynccontextmanager
async def secure(port: int, credentials: grpc.ChannelCredentials) -> AsyncIterator[grpc.aio.Channel]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials, options=options) as channel:
        yield channel


async def test_mutual_tls(certificates: Certificates):
    credentials = mutual_tls(
        certificate=certificates.certificate, key=certificates.key, client_ca=certificates.client_ca
    )
    async with serving(Endpoint(address="localhost:0", credentials=credentials)) as server:
        server.publish(gateway("a"))
        async with secure(server.port, certificates.client()) as channel:
            await Client(channel).begin()
        # Certificates rotate, and files that are gone for a moment do no harm.
        certificates.key.unlink()
        async with secure(server.port, certificates.client()) as channel:
            await Client(channel).begin()
        certificates.write()
        async with secure(server.port, certificates.client()) as channel:
            await Client(channel).begin()
        for stranger in (
            certificates.client(trustme.CA()),
            grpc.ssl_channel_credentials(certificates.ca.cert_pem.bytes()),
        ):
            async with secure(server.port, stranger) as channel:
                with pytest.raises(grpc.aio.AioRpcError):
                    await Client(channel).begin()
    with pytest.raises(FileNotFoundError):
        mutual_tls(
            certificate=certificates.certificate.with_name("none"),
            key=certificates.key,
            client_ca=certificates.client_ca,
        )
