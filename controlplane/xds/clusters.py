"""Clusters: one leaf per provider account, one aggregate per order of leaves, and ext_proc's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from controlplane.plan import Endpoint, Environment, HealthCheck, Leaf, Plan, Tls
from controlplane.xds.authority import authority, hosts
from controlplane.xds.bootstrap import address
from controlplane.xds.mutual_tls import host_of, transport_socket
from controlplane.xds.resources import (
    client_tls,
    extension,
    http_options,
    is_ip,
    metadata,
    seconds,
    socket_address,
)
from controlplane.xds.upstream_filters import ext_proc_chain, native_chain
from extproc.contract import names
from extproc.contract.target import encode
from protos.api import (
    AggregateCluster,
    Cluster,
    ClusterHealthCheck,
    HttpProtocolOptions,
    TransportSocket,
    UpstreamTlsContext,
)
from protos.loader import any_of

_UNLIMITED: Final = {"value": 1_000_000}
_POLICIES: Final = {"round_robin": "ROUND_ROBIN", "least_request": "LEAST_REQUEST", "random": "RANDOM"}
_SWEEP: Final = 1.0
"""Seconds between two looks at who may come back from ejection."""
_IDLE_CONNECTION: Final = 50.0
"""Seconds; below what providers keep an idle connection, so that requests seldom meet a closing one."""


def leaf_cluster_name(leaf: str) -> str:
    return f"provider/{leaf}"


def cluster_name(order: Sequence[str], *, native: bool) -> str:
    """The cluster that tries these leaves in this order; native: without ext_proc."""
    if native:
        [leaf] = order
        return leaf_cluster_name(leaf)
    return ("failover/" if len(order) > 1 else "ext_proc/") + ">".join(order)


def clusters(plan: Plan, environment: Environment) -> list[Cluster]:
    leaves = {leaf.name: leaf for leaf in plan.leaves}
    # One of each single leaf in any case: which of its models need ext_proc is an edit of routes alone.
    orders: set[tuple[str, ...]] = {(leaf.name,) for leaf in plan.leaves}
    orders |= {
        choice.order
        for model in plan.models
        if any(way.ext_proc for way in model.ways.values())
        for choice in model.choices
    }
    return [
        _ext_proc_cluster(environment),
        *(_leaf_cluster(leaf, environment) for leaf in plan.leaves),
        *(_aggregate_cluster([leaves[name] for name in order]) for order in sorted(orders)),
    ]


def _leaf_cluster(leaf: Leaf, environment: Environment) -> Cluster:
    name = leaf_cluster_name(leaf.name)
    cluster = Cluster(
        name=name,
        type=_discovery(leaf.endpoints),
        dns_lookup_family="V4_PREFERRED",
        connect_timeout=seconds(leaf.connect_timeout),
        lb_policy=_POLICIES[leaf.load_balancing],
        load_assignment={
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [_endpoint(leaf, endpoint) for endpoint in leaf.endpoints]}],
        },
        circuit_breakers=_limits(leaf.max_concurrent_requests),
        outlier_detection={
            "consecutive_5xx": {"value": leaf.breaker.consecutive_errors},
            "interval": seconds(_SWEEP),
            "base_ejection_time": seconds(leaf.breaker.open_for),
            "max_ejection_time": seconds(leaf.breaker.max_open_for),
            "max_ejection_percent": {"value": 100},
            "enforcing_success_rate": {"value": 0},
        },
        # An ejected provider is skipped, not tried in panic: the next one is asked at once, also where the
        # ejection follows upon another change (Envoy gathers changes for a second unless told).
        common_lb_config={"healthy_panic_threshold": {"value": 0}, "update_merge_window": seconds(0)},
        upstream_connection_options={"tcp_keepalive": {}},
        typed_extension_protocol_options=http_options(_leaf_protocol(leaf)),
    )
    if leaf.tls:
        cluster.transport_socket.CopyFrom(_transport_socket(leaf, leaf.tls, environment))
    if leaf.health_check:
        cluster.health_checks.append(_health_check(leaf.health_check))
    return cluster


def _discovery(endpoints: Sequence[Endpoint]) -> str:
    """A single name is one logical host however its addresses rotate, so the breaker counts the provider."""
    if all(is_ip(endpoint.host) for endpoint in endpoints):
        return "STATIC"
    return "LOGICAL_DNS" if len(endpoints) == 1 else "STRICT_DNS"


def _endpoint(leaf: Leaf, endpoint: Endpoint) -> dict[str, Any]:
    about = {
        names.METADATA_TARGET: encode(leaf.target),
        names.METADATA_LEAF: leaf.name,
        names.METADATA_PROVIDER: leaf.target.provider,
    }
    return {
        "endpoint": {
            "address": socket_address(endpoint.host, endpoint.port),
            "hostname": authority(leaf, endpoint),
            "health_check_config": {"hostname": authority(leaf, endpoint)},
        },
        "metadata": metadata(names.METADATA_NAMESPACE, about),
    }


def _limits(max_requests: int | None) -> dict[str, Any]:
    """Envoy's defaults (1,024 requests, 3 retries) would fail requests in an outage (trap 16)."""
    threshold: dict[str, Any] = {
        "max_connections": _UNLIMITED,
        "max_pending_requests": _UNLIMITED,
        "max_requests": _UNLIMITED if max_requests is None else {"value": max_requests},
        "retry_budget": {"budget_percent": {"value": 100.0}, "min_retry_concurrency": {"value": 1000}},
    }
    return {"thresholds": [threshold]}


def _counts_as_error() -> dict[str, Any]:
    """What opens a breaker: 5xx, and 429, which Envoy does not count by itself (trap 19)."""
    status = {"name": ":status", "string_match": {"safe_regex": {"regex": "429|5.."}}}
    return {"error_matcher": {"http_response_headers_match": {"headers": [status]}}}


def _leaf_protocol(leaf: Leaf) -> HttpProtocolOptions:
    common: dict[str, Any] = {"idle_timeout": seconds(_IDLE_CONNECTION), **_durations(leaf)}
    # ALPN chooses HTTP/2 where the provider has it; without TLS there is no ALPN.
    protocol: dict[str, Any] = (
        {"auto_config": {"http_protocol_options": {}, "http2_protocol_options": {}}}
        if leaf.tls
        else {"explicit_http_config": {"http_protocol_options": {}}}
    )
    return HttpProtocolOptions(
        **protocol,
        common_http_protocol_options=common,
        http_filters=native_chain(leaf),
        outlier_detection=_counts_as_error(),
    )


def _durations(leaf: Leaf) -> dict[str, Any]:
    return {} if leaf.request_timeout is None else {"max_stream_duration": seconds(leaf.request_timeout)}


def _transport_socket(leaf: Leaf, tls: Tls, environment: Environment) -> Any:
    named = hosts(leaf)
    ca = {"filename": environment.ca_file} if tls.ca is None else {"inline_bytes": tls.ca}
    names_of_server = [
        {"san_type": "IP_ADDRESS" if is_ip(host) else "DNS", "matcher": {"exact": host}} for host in named
    ]
    context = UpstreamTlsContext(
        common_tls_context={
            "validation_context": {"trusted_ca": ca, "match_typed_subject_alt_names": names_of_server},
            "tls_params": client_tls("TLSv1_2"),
        },
        sni="" if is_ip(named[0]) else named[0],
        # Several names need one SNI each: the endpoint's own.
        auto_host_sni=len(named) > 1,
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=any_of(context))


def _health_check(check: HealthCheck) -> Any:
    return ClusterHealthCheck(
        timeout=seconds(check.timeout),
        interval=seconds(check.interval),
        # Otherwise a provider without traffic is asked once a minute, and comes back that late.
        no_traffic_interval=seconds(check.interval),
        unhealthy_threshold={"value": 2},
        healthy_threshold={"value": 1},
        http_health_check={"path": check.path},
    )


def _aggregate_cluster(leaves: Sequence[Leaf]) -> Cluster:
    order = [leaf.name for leaf in leaves]
    members = [leaf_cluster_name(name) for name in order]
    options = HttpProtocolOptions(
        explicit_http_config={"http_protocol_options": {}},
        # Connections are the leaves'; how long a request may take is asked of the route's own cluster.
        common_http_protocol_options=_durations(leaves[0]) if len(leaves) == 1 else None,
        http_filters=ext_proc_chain(leaves),
        outlier_detection=_counts_as_error(),
    )
    return Cluster(
        name=cluster_name(order, native=False),
        connect_timeout=seconds(5.0),
        lb_policy="CLUSTER_PROVIDED",
        cluster_type=extension("envoy.clusters.aggregate", AggregateCluster(clusters=members)),
        circuit_breakers=_limits(None),
        typed_extension_protocol_options=http_options(options),
    )


def _ext_proc_cluster(environment: Environment) -> Cluster:
    workers, tls = environment.ext_proc, environment.ext_proc_tls
    named = any(not text.startswith("unix:") and not is_ip(host_of(text)) for text in workers)
    return Cluster(
        name=names.CLUSTER_EXT_PROC,
        type="STRICT_DNS" if named else "STATIC",
        connect_timeout=seconds(1.0),
        lb_policy="LEAST_REQUEST",
        load_assignment={
            "cluster_name": names.CLUSTER_EXT_PROC,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": address(text)}} for text in environment.ext_proc]}
            ],
        },
        transport_socket=transport_socket(workers, tls) if tls else None,
        circuit_breakers=_limits(None),
        # A dead worker has the fewest requests, so it would draw all new ones: its first refused connection
        # or broken stream ejects it, and what was refused goes to another one (docs/decisions/0005).
        outlier_detection={
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": {"value": 1},
            "enforcing_consecutive_local_origin_failure": {"value": 100},
            "enforcing_local_origin_success_rate": {"value": 0},
            "enforcing_consecutive_5xx": {"value": 0},
            "enforcing_success_rate": {"value": 0},
            "interval": seconds(0.1),
            "base_ejection_time": seconds(0.5),
            "max_ejection_time": seconds(0.5),
            "max_ejection_percent": {"value": 100},
        },
        common_lb_config={
            # With any worker left, nobody asks the dead ones; with none left, trying them is all there is.
            "healthy_panic_threshold": {"value": 1},
            # By default an ejection less than a second after another change of health waits for its turn.
            "update_merge_window": seconds(0),
        },
        # A worker that dies costs its own streams only: the others take over within a second (trap 6).
        # One that is merely slow answers late, and where all seem ill, trying them beats refusing: hence
        # the patience, and Envoy's own panic threshold.
        health_checks=[
            {
                "timeout": seconds(5.0),
                "interval": seconds(1.0),
                "no_traffic_interval": seconds(1.0),
                # One that starts is found soon: the group's start waits for it.
                "unhealthy_interval": seconds(0.2),
                "unhealthy_threshold": {"value": 2},
                "healthy_threshold": {"value": 1},
                "grpc_health_check": {},
            }
        ],
        typed_extension_protocol_options=http_options(
            HttpProtocolOptions(
                explicit_http_config={"http2_protocol_options": {"max_concurrent_streams": {"value": 10_000}}}
            )
        ),
    )
