"""The resources as one static bootstrap, for ``envoy --mode validate``: no control plane answers there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from protos.api import Cluster, Listener, RouteConfiguration, Secret
from protos.loader import to_dict


def static_bootstrap(resources: Iterable[Message]) -> dict[str, Any]:
    """Bootstrap as plain data. It holds the secrets in clear: write it where only the owner can read."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        kinds.setdefault(resource.DESCRIPTOR.full_name, []).append(to_dict(resource))
    routes = {route["name"]: route for route in kinds.get(RouteConfiguration.DESCRIPTOR.full_name, [])}
    listeners = kinds.get(Listener.DESCRIPTOR.full_name, [])
    clusters = kinds.get(Cluster.DESCRIPTOR.full_name, [])
    return {
        "node": {"id": "check", "cluster": "check"},
        "static_resources": {
            "listeners": [_inline(listener, routes) for listener in listeners],
            "clusters": [_inline(cluster, routes) for cluster in clusters],
            "secrets": kinds.get(Secret.DESCRIPTOR.full_name, []),
        },
    }


def _inline(value: Any, routes: dict[str, dict[str, Any]]) -> Any:
    """`value` with RDS replaced by the routes themselves, and secrets looked up among the static ones."""
    if isinstance(value, list):
        return [_inline(item, routes) for item in value]
    if not isinstance(value, dict):
        return value
    inlined = {key: _inline(item, routes) for key, item in value.items() if key not in ("sds_config", "rds")}
    if "rds" in value:
        inlined["route_config"] = routes[value["rds"]["route_config_name"]]
    return inlined
