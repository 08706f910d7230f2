"""The same resources for an Envoy that reads files, because no control plane answers when it starts.

https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol#filesystem-subscriptions
Clusters and listeners are one file each; of every other type Envoy wants a file for each resource. Whatever
would come over ADS comes from a file instead, and from the next one when the directory's ``current`` changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from controlplane.snapshot import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET
from controlplane.xds.bootstrap import BootstrapPlan, bootstrap
from protos.loader import TYPE_URL_PREFIX, to_dict

_CLUSTERS: Final = "clusters.json"
_LISTENERS: Final = "listeners.json"
_WHOLE: Final = {CLUSTER: _CLUSTERS, LISTENER: _LISTENERS}


@dataclass(frozen=True, slots=True)
class Where:
    """directory: in which `current` is exchanged. current: the directory, or symlink, with the files."""

    directory: Path
    current: Path


def files(
    resources: Iterable[Message], version: str, plan: BootstrapPlan, where: Where, *, bootstrap_name: str
) -> dict[str, bytes]:
    """Name -> content, the bootstrap among them. It holds the secrets in clear.

    Raises: ValueError: a resource refers to ADS in a way that is not known here.
    """
    collected: dict[str, list[dict[str, Any]]] = {_CLUSTERS: [], _LISTENERS: []}
    for message in resources:
        kind = TYPE_URL_PREFIX + message.DESCRIPTOR.full_name
        found = {"@type": kind, **_redirected(to_dict(message), where)}
        name = _WHOLE.get(kind) or _file(kind, _name(message, kind))
        collected.setdefault(name, []).append(found)
    given = {
        name: json.dumps({"version_info": version, "resources": found}).encode()
        for name, found in collected.items()
    }
    return {**given, bootstrap_name: json.dumps(_bootstrap(plan, where)).encode()}


def _name(message: Any, kind: str) -> str:
    return str(message.cluster_name if kind == ENDPOINTS else message.name)


def _file(kind: str, name: str) -> str:
    """A name may have any character, and be long."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{kind.rpartition('.')[2]}-{digest}.json"


def _bootstrap(plan: BootstrapPlan, where: Where) -> dict[str, Any]:
    found: dict[str, Any] = to_dict(bootstrap(plan))
    found["dynamic_resources"] = {
        "cds_config": _path(_CLUSTERS, where),
        "lds_config": _path(_LISTENERS, where),
    }
    del found["static_resources"]  # the way to the control plane
    return found


def _path(name: str, where: Where) -> dict[str, Any]:
    source = {"path": str(where.current / name), "watched_directory": {"path": str(where.directory)}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def _redirected(value: Any, where: Where, around: dict[str, Any] | None = None) -> Any:
    """`value` with every ADS source replaced. around: the object that `value` is a field of."""
    if isinstance(value, list):
        return [_redirected(item, where) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and "ads" in item:
            found[key] = _path(_referred(key, value, around or {}), where)
        else:
            found[key] = _redirected(item, where, value)
    return found


def _referred(key: str, value: dict[str, Any], around: dict[str, Any]) -> str:
    """The file of what the ADS source in `value[key]` is to bring."""
    if key == "sds_config":
        return _file(SECRET, value["name"])
    if key == "eds_config":
        return _file(ENDPOINTS, value.get("service_name") or around["name"])
    if key == "config_source" and "route_config_name" in value:
        return _file(ROUTES, value["route_config_name"])
    if key == "config_source" and "name" in around:
        return _file(EXTENSION, around["name"])  # config_discovery of a filter
    raise ValueError(f"an ADS source in {key} of {sorted(value)}")
