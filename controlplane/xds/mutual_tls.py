"""TLS from Envoy to another piece of the gateway, each side with a certificate of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from controlplane.plan import MutualTls
from controlplane.xds.resources import client_tls, extension, is_ip
from protos.api import UpstreamTlsContext


def host_of(address: str) -> str:
    """The host of ``HOST:PORT``, without the brackets of an IPv6 address."""
    return address.rpartition(":")[0].strip("[]")


def transport_socket(addresses: Sequence[str], tls: MutualTls) -> dict[str, Any]:
    """For a cluster whose endpoints are `addresses` (``HOST:PORT``): who answers must be one of them."""
    hosts = sorted({host_of(address) for address in addresses})
    names = [host for host in hosts if not is_ip(host)]
    context = UpstreamTlsContext(
        common_tls_context={
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": tls.cert_file},
                    "private_key": {"filename": tls.key_file},
                    # Read again when the directory changes: certificates rotate live.
                    "watched_directory": {"path": str(PurePath(tls.cert_file).parent)},
                }
            ],
            "validation_context": {
                "trusted_ca": {"filename": tls.ca_file},
                "match_typed_subject_alt_names": [
                    {"san_type": "IP_ADDRESS" if is_ip(host) else "DNS", "matcher": {"exact": host}}
                    for host in hosts
                ],
            },
            "tls_params": client_tls("TLSv1_3"),
            # gRPC hangs up on who does not say it, as Envoy's health checks would not by themselves.
            "alpn_protocols": ["h2"],
        },
        # Of several hosts none is asked for: our own servers have one certificate each.
        sni=hosts[0] if hosts == names and len(hosts) == 1 else "",
    )
    return extension("envoy.transport_sockets.tls", context)
