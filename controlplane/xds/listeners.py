"""The listener. No edit of models, providers or secrets changes a byte of it (trap 9)."""

from __future__ import annotations

from typing import Any, Final

from controlplane.plan import ListenerPlan, ListenerTls
from controlplane.xds.filters import http_filters
from controlplane.xds.local_replies import local_reply_config
from controlplane.xds.resources import ADS, extension, seconds
from extproc.contract.names import LISTENER, ROUTE_CONFIGURATION
from protos.api import DownstreamTlsContext, HttpConnectionManager, Listener

SECRET_CERTIFICATE: Final = "listener/certificate"
SECRET_CLIENT_CA: Final = "listener/client_ca"

_TLS_VERSIONS: Final = {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}
_HEADERS: Final = 15.0
"""Seconds in which a client must have sent the headers of its request."""
STREAM_IDLE: Final = 600.0
"""Seconds without a byte either way before Envoy gives a stream up; models may set less."""


def listener(plan: ListenerPlan) -> Listener:
    chain: dict[str, Any] = {
        "filters": [extension("envoy.filters.network.http_connection_manager", _connection_manager())]
    }
    if plan.tls:
        chain["transport_socket"] = extension("envoy.transport_sockets.tls", _tls(plan.tls))
    return Listener(
        name=LISTENER,
        address={"socket_address": {"address": plan.address, "port_value": plan.port}},
        # Filters that read the body before the route is known are bounded by this, not by the
        # virtual host's limit (trap 7).
        per_connection_buffer_limit_bytes={"value": plan.max_request_body},
        filter_chains=[chain],
    )


def _connection_manager() -> HttpConnectionManager:
    return HttpConnectionManager(
        stat_prefix="gateway",
        codec_type="AUTO",
        rds={"route_config_name": ROUTE_CONFIGURATION, "config_source": ADS},
        http_filters=http_filters(),
        local_reply_config=local_reply_config(),
        stream_idle_timeout=seconds(STREAM_IDLE),
        # Some servers read x_api_key as x-api-key: such a header is not passed on.
        common_http_protocol_options={"headers_with_underscores_action": "DROP_HEADER"},
        request_headers_timeout=seconds(_HEADERS),
        http2_protocol_options={"max_concurrent_streams": {"value": 1000}},
        use_remote_address={"value": True},
        normalize_path={"value": True},
        merge_slashes=True,
        # SDKs write a model's name in a URL with %2F.
        path_with_escaped_slashes_action="UNESCAPE_AND_FORWARD",
        always_set_request_id_in_response=True,
        server_name="llm-gateway",
    )


def _tls(tls: ListenerTls) -> DownstreamTlsContext:
    common: dict[str, Any] = {
        "tls_params": {"tls_minimum_protocol_version": _TLS_VERSIONS[tls.min_version]},
        "tls_certificate_sds_secret_configs": [{"name": SECRET_CERTIFICATE, "sds_config": ADS}],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    if tls.client_ca is None:
        return DownstreamTlsContext(common_tls_context=common)
    common["validation_context_sds_secret_config"] = {"name": SECRET_CLIENT_CA, "sds_config": ADS}
    return DownstreamTlsContext(common_tls_context=common, require_client_certificate={"value": True})
