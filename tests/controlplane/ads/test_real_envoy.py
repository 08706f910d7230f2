"""The real Envoy binary against the real server, both API types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import trustme
from ads_envoy import RealEnvoy, running_envoy, serving, until

from controlplane.ads.server import Observer
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, SECRET, Snapshot
from protos.loader import from_dict

TYPES = "type.googleapis.com/envoy"
ADS = {"ads": {}, "resource_api_version": "V3"}
CA = trustme.CA().cert_pem.bytes().decode()


@pytest.fixture(params=["GRPC", "DELTA_GRPC"])
def api_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def envoy(tmp_path: Path, api_type: str) -> AsyncIterator[RealEnvoy]:
    async with running_envoy(tmp_path, api_type) as running:
        yield running


def listener(folder: Any, *, extension: str = "") -> Any:
    """On a unix socket; `extension`: the name of a fault filter that comes by ECDS."""
    fault = {
        "name": extension,
        "config_discovery": {
            "config_source": ADS,
            "type_urls": [f"{TYPES}.extensions.filters.http.fault.v3.HTTPFault"],
        },
    }
    manager = {
        "@type": f"{TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "rds": {"route_config_name": "gateway", "config_source": ADS},
        "http_filters": [
            *([fault] if extension else []),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPES}.extensions.filters.http.router.v3.Router"},
            },
        ],
    }
    return from_dict(
        "envoy.config.listener.v3.Listener",
        {
            "name": "gateway",
            "address": {"pipe": {"path": str(folder / "listener.sock")}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        },
    )


def routes(answer: str, *clusters: str) -> Any:
    here = {"match": {"path": "/"}, "direct_response": {"status": 200, "body": {"inline_string": answer}}}
    away = [{"match": {"prefix": f"/{name}"}, "route": {"cluster": name}} for name in clusters]
    hosts = [{"name": "all", "domains": ["*"], "routes": [here, *away]}]
    return from_dict("envoy.config.route.v3.RouteConfiguration", {"name": "gateway", "virtual_hosts": hosts})


def cluster(name: str, *, ca: str = "", ca_secret: str = "", connect_timeout: str = "1s") -> Any:
    """On a port where nobody listens; with TLS if a CA is given, in the cluster or as a secret."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    data: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": connect_timeout,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    validation = {}
    if ca:
        validation = {"validation_context": {"trusted_ca": {"inline_string": ca}}}
    if ca_secret:
        validation = {"validation_context_sds_secret_config": {"name": ca_secret, "sds_config": ADS}}
    if validation:
        data["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": f"{TYPES}.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": validation,
            },
        }
    return from_dict("envoy.config.cluster.v3.Cluster", data)


def secret(name: str, ca: str) -> Any:
    return from_dict(
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        {"name": name, "validation_context": {"trusted_ca": {"inline_string": ca}}},
    )


def fault(name: str, status: int) -> Any:
    """Answers every request with `status`."""
    config = {
        "@type": f"{TYPES}.extensions.filters.http.fault.v3.HTTPFault",
        "abort": {"http_status": status, "percentage": {"numerator": 100}},
    }
    return from_dict("envoy.config.core.v3.TypedExtensionConfig", {"name": name, "typed_config": config})


def eds_cluster(name: str, *, connect_timeout: str) -> Any:
    """One that waits for its endpoints for ever."""
    source = {**ADS, "initial_fetch_timeout": "0s"}
    data = {
        "name": name,
        "type": "EDS",
        "connect_timeout": connect_timeout,
        "eds_cluster_config": {"eds_config": source},
    }
    return from_dict("envoy.config.cluster.v3.Cluster", data)


def endpoints(name: str) -> Any:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    data = {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}
    return from_dict("envoy.config.endpoint.v3.ClusterLoadAssignment", data)


def snapshot(folder: Any, answer: str, *clusters: Any, more: tuple[Any, ...] = ()) -> Snapshot:
    names = [item.name for item in clusters]
    return Snapshot.of([listener(folder), routes(answer, *names), *clusters, *more])


class Recorder(Observer):
    def __init__(self) -> None:
        self.accepted_versions: list[str] = []
        self.nacks: list[tuple[str, str]] = []
        self.rollbacks: list[str] = []
        self.acks: list[str] = []
        self.streams = 0

    def stream_opened(self, stream: Any) -> None:
        self.streams += 1

    def acked(self, stream: Any, type_url: str, version: str) -> None:
        self.acks.append(type_url)

    def nacked(self, stream: Any, type_url: str, version: str, message: str) -> None:
        self.nacks.append((type_url, message))

    def rolled_back(self, rejection: Any) -> None:
        self.rollbacks.append(rejection.rolled_back_to)

    def accepted(self, version: str) -> None:
        self.accepted_versions.append(version)


async def test_initial_configuration_is_served_and_changes_live(tmp_path, envoy: RealEnvoy, caplog):
    seen = Recorder()
    async with serving(tmp_path, seen) as server:
        first = snapshot(
            tmp_path, "one", cluster("a"), cluster("b", ca_secret="ca"), more=(secret("ca", CA),)
        )
        server.publish(first)
        await until(lambda: seen.accepted_versions == [first.version])
        assert await envoy.get("/") == (200, "one")
        assert (await envoy.get("/a"))[0] == 503

        (status,) = server.streams()
        assert (status.node_id, status.node_cluster, status.envoy_version) == ("envoy-1", "test", "1.40.0")
        assert status.synced == first.version
        assert {url: status.types[url].version_acked for url in (CLUSTER, LISTENER, ROUTES, SECRET)} == {
            url: first.versions[url] for url in (CLUSTER, LISTENER, ROUTES, SECRET)
        }

        seen.acks.clear()
        second = snapshot(
            tmp_path, "two", cluster("c"), cluster("b", ca_secret="ca"), more=(secret("ca", CA),)
        )
        server.publish(second)
        await until(lambda: seen.accepted_versions == [first.version, second.version])
        assert await envoy.get("/") == (200, "two")
        assert (await envoy.get("/a"))[0] == 404
        # The new cluster, the routes to it, the old cluster's removal; neither listener nor secret.
        assert seen.acks == [CLUSTER, ROUTES, CLUSTER]
        assert "a::" not in await envoy.admin("/clusters")
        assert await envoy.counter("listener_manager.listener_modified") == 0
    assert caplog.records == []


async def test_a_refused_snapshot_is_rolled_back_and_told_in_envoys_words(tmp_path, envoy: RealEnvoy):
    seen = Recorder()
    async with serving(tmp_path, seen) as server:
        good = snapshot(tmp_path, "good", cluster("a"))
        server.publish(good)
        await until(lambda: seen.accepted_versions == [good.version])

        bad = snapshot(tmp_path, "bad", cluster("a", connect_timeout="7s"), cluster("b", ca="garbage"))
        server.publish(bad)
        await until(lambda: seen.rollbacks == [good.version])
        await until(lambda: server.streams()[0].synced == good.version)
        # Envoy had applied the half that was fine.
        assert '"7s"' not in await envoy.admin("/config_dump?resource=dynamic_active_clusters")
        assert await envoy.get("/") == (200, "good")
        rejection = server.publisher.rejection
        assert rejection.snapshot == bad.version
        assert "Failed to load trusted CA certificates from <inline>" in rejection.message
        assert server.streams()[0].types[CLUSTER].last_nack.message == rejection.message

        fixed = snapshot(tmp_path, "fixed", cluster("a"), cluster("b", ca=CA))
        server.publish(fixed)
        await until(lambda: seen.accepted_versions[-1] == fixed.version)
        assert await envoy.get("/") == (200, "fixed")
        assert server.publisher.rejection is None
        assert len(seen.nacks) == 1


async def test_after_a_restart_of_the_control_plane_only_the_difference_is_sent(tmp_path, envoy, api_type):
    seen = Recorder()
    first = snapshot(tmp_path, "one", cluster("a"), cluster("b"))
    async with serving(tmp_path, seen) as server:
        server.publish(first)
        await until(lambda: seen.accepted_versions == [first.version])
    assert await envoy.get("/") == (200, "one")

    seen = Recorder()
    async with serving(tmp_path, seen) as server:
        second = snapshot(tmp_path, "two", cluster("a"), cluster("b"))
        server.publish(second)
        await until(lambda: seen.accepted_versions == [second.version])
        assert await envoy.get("/") == (200, "two")
        if api_type == "DELTA_GRPC":
            assert seen.acks == [ROUTES]
        else:
            assert sorted(seen.acks) == sorted([CLUSTER, LISTENER, ROUTES])
    assert await envoy.counter("listener_manager.listener_modified") == 0
    assert await envoy.counter("cluster_manager.cluster_modified") == 0


async def test_refused_routes_leave_the_clusters_as_they_were(tmp_path, envoy: RealEnvoy):
    seen = Recorder()
    async with serving(tmp_path, seen) as server:
        good = snapshot(tmp_path, "good", cluster("a"))
        server.publish(good)
        await until(lambda: seen.accepted_versions == [good.version])

        bad_routes = routes("bad", "b")
        bad_routes.virtual_hosts.add(name="more", domains=["*"])
        server.publish(Snapshot.of([listener(tmp_path), bad_routes, cluster("b")]))
        await until(lambda: seen.rollbacks == [good.version])
        await until(lambda: server.streams()[0].synced == good.version)
        assert [
            (url, "Only a single wildcard domain is permitted" in words) for url, words in seen.nacks
        ] == [(ROUTES, True)]
        active = await envoy.admin("/clusters")
        assert "a::" in active
        assert "b::" not in active
        assert await envoy.get("/") == (200, "good")


async def test_a_first_snapshot_that_is_refused_waits_for_a_better_one(tmp_path, envoy: RealEnvoy):
    seen = Recorder()
    async with serving(tmp_path, seen) as server:
        server.publish(snapshot(tmp_path, "bad", cluster("a"), cluster("b", ca="garbage")))
        rejection = await until(lambda: server.publisher.rejection)
        assert rejection.rolled_back_to == ""
        assert await envoy.get("/") == (0, "")
        good = snapshot(tmp_path, "good", cluster("a"))
        server.publish(good)
        await until(lambda: seen.accepted_versions == [good.version])
        await until(lambda: server.publisher.rejection is None)
        assert await until_served(envoy) == "good"


async def until_served(envoy: RealEnvoy) -> str:
    """A listener that is accepted still warms for a moment."""

    async def body() -> str:
        return (await envoy.get("/"))[1]

    return str(await until(body))


async def test_endpoints_and_extensions(tmp_path, envoy: RealEnvoy):
    seen = Recorder()

    def world(connect_timeout: str, status: int) -> Snapshot:
        return Snapshot.of(
            [
                listener(tmp_path, extension="fault"),
                routes("never", "e"),
                eds_cluster("e", connect_timeout=connect_timeout),
                endpoints("e"),
                fault("fault", status),
            ]
        )

    async with serving(tmp_path, seen) as server:
        for snapshot_, status in (
            (world("1s", 418), 418),
            # Endpoints that are the same as before make the changed cluster warm.
            (world("2s", 418), 418),
            (world("2s", 503), 503),
        ):
            server.publish(snapshot_)
            await until(lambda version=snapshot_.version: seen.accepted_versions[-1:] == [version])

            async def answered(status: int = status) -> bool:
                return (await envoy.get("/"))[0] == status

            await until(answered)
        assert (await envoy.admin("/config_dump?resource=dynamic_warming_clusters")).strip() == "{}"
        assert await envoy.counter("listener_manager.listener_modified") == 0
    assert seen.nacks == []


async def test_keepalives_do_not_end_the_stream(tmp_path: Path, envoy: RealEnvoy) -> None:
    """Envoy pings twenty times a second here; grpc's default is to hang up after two in five minutes."""
    async with serving(tmp_path) as server:
        (first,) = await until(server.streams)
        await asyncio.sleep(1.0)
        assert [stream.id for stream in server.streams()] == [first.id]
        assert "Too many pings" not in envoy.log
