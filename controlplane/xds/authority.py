"""The host header of requests to a provider."""

from __future__ import annotations

from controlplane.plan import Endpoint, Leaf


def authority(leaf: Leaf, endpoint: Endpoint) -> str:
    """The host header, which ``auto_host_rewrite`` takes from the endpoint."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    default_port = endpoint.port == (443 if leaf.tls else 80)
    # With several TLS names the endpoint's is its SNI too, and that has no port.
    return host if default_port or (leaf.tls and len(hosts(leaf)) > 1) else f"{host}:{endpoint.port}"


def hosts(leaf: Leaf) -> list[str]:
    return sorted({endpoint.host for endpoint in leaf.endpoints})
