"""What Envoy starts with: who it is, where its control plane and admin interface are; ADS has the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controlplane.plan import MutualTls
from controlplane.xds.mutual_tls import transport_socket
from controlplane.xds.resources import ADS, extension, http_options, seconds, socket_address
from extproc.contract.names import CLUSTER_ADS
from protos.api import Bootstrap, DownstreamConnectionsConfig, HttpProtocolOptions

_MAX_CONNECTIONS = 50_000
_RUNTIME = {"envoy.reloadable_features.grpc_side_stream_flow_control": False}
"""With it, Envoy 1.40.0 crashes (the whole process) when a client leaves while a connection to a worker has
more to write than its limit of 1 MiB: docs/decisions/0010."""


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """Addresses are ``unix:PATH`` or ``HOST:PORT``.

    node_id: names this Envoy in `status`.
    tls: secrets travel over ADS. None: plain, for a unix socket or loopback.
    """

    node_id: str
    ads: str
    admin: str
    tls: MutualTls | None = None


def bootstrap(plan: BootstrapPlan) -> Bootstrap:
    return Bootstrap(
        # Secrets by SDS need a node (trap 13).
        node={"id": plan.node_id, "cluster": "llm-gateway"},
        admin={"address": address(plan.admin)},
        dynamic_resources={
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [
                    {
                        "envoy_grpc": {
                            "cluster_name": CLUSTER_ADS,
                            # Envoy's own are 0.5 and 30 s: edits would be live long after a restart.
                            "retry_policy": {
                                "retry_back_off": {"base_interval": seconds(0.1), "max_interval": seconds(1)}
                            },
                        }
                    }
                ],
                "set_node_on_first_message_only": True,
            },
            "cds_config": ADS,
            "lds_config": ADS,
        },
        static_resources={"clusters": [_ads_cluster(plan.ads, plan.tls)]},
        overload_manager={"resource_monitors": [_connections()]},
        layered_runtime={"layers": [{"name": "llm-gateway", "static_layer": _RUNTIME}]},
    )


def address(text: str) -> dict[str, Any]:
    """``envoy.config.core.v3.Address`` of ``unix:PATH`` or ``HOST:PORT``."""
    if text.startswith("unix:"):
        return {"pipe": {"path": text.removeprefix("unix:")}}
    host, _, port = text.rpartition(":")
    return socket_address(host.strip("[]"), int(port))


def _ads_cluster(ads: str, tls: MutualTls | None) -> dict[str, Any]:
    options = HttpProtocolOptions(
        explicit_http_config={
            "http2_protocol_options": {
                "connection_keepalive": {"interval": seconds(30), "timeout": seconds(10)}
            }
        }
    )
    return {
        "name": CLUSTER_ADS,
        "type": "STATIC" if ads.startswith("unix:") else "STRICT_DNS",
        "connect_timeout": seconds(1),
        "load_assignment": {
            "cluster_name": CLUSTER_ADS,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(ads)}}]}],
        },
        "typed_extension_protocol_options": http_options(options),
        **({"transport_socket": transport_socket([ads], tls)} if tls else {}),
    }


def _connections() -> dict[str, Any]:
    limit = DownstreamConnectionsConfig(max_active_downstream_connections=_MAX_CONNECTIONS)
    return extension("envoy.resource_monitors.global_downstream_max_connections", limit)
