"""What `llm-gateway status` and the admin listener's /status show. Pure: facts in, plain data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from controlplane.ads.reply import StreamStatus
from controlplane.gateway import ControlPlane, Failure
from controlplane.group.state import GroupState
from controlplane.plan import Leaf, Plan
from controlplane.xds.clusters import leaf_cluster_name
from extproc.contract.names import CLUSTER_EXT_PROC

Clusters = Sequence[Mapping[str, Any]]


def status(
    gateway: ControlPlane, clusters: Clusters | None, group: GroupState | None = None
) -> dict[str, Any]:
    """`clusters`: Envoy's `/clusters`, None where it is not known. `group`: None where no supervisor is."""
    compiled = gateway.compiled
    streams = gateway.ads.streams()
    current = gateway.ads.publisher.current
    by_name = {cluster["name"]: cluster for cluster in clusters or ()}
    return {
        "config": {
            "files": [] if compiled is None else sorted(str(path) for path in compiled.loaded.files),
            "version": None if current is None else current.version,
            "loaded_at": _time(gateway.loaded_at),
            "in_force": gateway.failing is None,
            "problems": list(gateway.failing.messages) if gateway.failing else [],
            "warnings": [] if compiled is None else [str(w) for w in compiled.loaded.warnings],
        },
        "group": None if group is None else asdict(group),
        "envoys": [_envoy(stream) for stream in streams],
        "ext_proc": None if clusters is None else [_host(h) for h in _hosts(by_name, CLUSTER_EXT_PROC)],
        "providers": {} if compiled is None else _providers(compiled.plan, by_name),
        "recent_errors": [_failure(failure) for failure in gateway.failures],
    }


def is_ready(
    gateway: ControlPlane, clusters: Clusters | None, group: GroupState | None = None
) -> tuple[bool, str]:
    """Ready: an Envoy has taken a whole configuration, and a worker of ext_proc is healthy; else why not."""
    if group is not None and group.draining:
        return False, "draining"
    if gateway.compiled is None:
        return False, "no configuration is loaded"
    from_files = group is not None and group.from_files
    if not from_files and not any(stream.synced for stream in gateway.ads.streams()):
        return False, "no Envoy has accepted a configuration"
    if clusters is None:
        return True, "ready; Envoy's view of ext_proc is not known here"
    workers = [h for c in clusters if c["name"] == CLUSTER_EXT_PROC for h in c.get("host_statuses", [])]
    if not any(_healthy(worker) for worker in workers):
        return False, "no ext_proc worker is healthy"
    return True, "ready"


def _envoy(stream: StreamStatus) -> dict[str, Any]:
    types = {
        url.rpartition(".")[2]: {
            "sent": state.version_sent,
            "accepted": state.version_acked,
            "refused": None
            if state.last_nack is None
            else {"time": _time(state.last_nack.time), "message": state.last_nack.message},
        }
        for url, state in stream.types.items()
    }
    return {
        "id": stream.node_id,
        "version": stream.envoy_version,
        "connected_since": _time(stream.connected_since),
        "config_version": stream.synced or None,
        "types": types,
    }


def _providers(plan: Plan, clusters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {leaf.name: _provider(leaf, clusters) for leaf in plan.leaves}


def _provider(leaf: Leaf, clusters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "type": leaf.target.type,
        "max_concurrent_requests": leaf.max_concurrent_requests,
        "endpoints": [_host(host) for host in _hosts(clusters, leaf_cluster_name(leaf.name))],
    }


def _hosts(clusters: Mapping[str, Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    hosts: list[Mapping[str, Any]] = list(clusters.get(name, {}).get("host_statuses", []))
    return hosts


def _healthy(host: Mapping[str, Any]) -> bool:
    health = host.get("health_status", {})
    return not (health.get("failed_outlier_check") or health.get("failed_active_health_check"))


def _host(host: Mapping[str, Any]) -> dict[str, Any]:
    address = host.get("address", {})
    socket = address.get("socket_address")
    health = host.get("health_status", {})
    stats = {stat["name"]: int(stat.get("value", 0)) for stat in host.get("stats", [])}
    return {
        "address": f"{socket['address']}:{socket['port_value']}"
        if socket
        else address.get("pipe", {}).get("path"),
        "healthy": _healthy(host),
        "breaker": "open" if health.get("failed_outlier_check") else "closed",
        "health_check_failed": bool(health.get("failed_active_health_check")),
        "active_requests": stats.get("rq_active", 0),
        "requests": stats.get("rq_total", 0),
        "errors": stats.get("rq_error", 0),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {"time": _time(failure.time), "messages": list(failure.messages)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
