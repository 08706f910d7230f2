"""The Envoy messages that we use: a short name for each full name."""

from typing import Final

_FILTER = "envoy.extensions.filters.http"
_MATCH = "envoy.type.matcher.v3"

MESSAGES: Final = {
    # discovery
    "DiscoveryRequest": "envoy.service.discovery.v3.DiscoveryRequest",
    "DiscoveryResponse": "envoy.service.discovery.v3.DiscoveryResponse",
    "DeltaDiscoveryRequest": "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    "DeltaDiscoveryResponse": "envoy.service.discovery.v3.DeltaDiscoveryResponse",
    "Bootstrap": "envoy.config.bootstrap.v3.Bootstrap",
    # resources
    "Listener": "envoy.config.listener.v3.Listener",
    "RouteConfiguration": "envoy.config.route.v3.RouteConfiguration",
    "Cluster": "envoy.config.cluster.v3.Cluster",
    "Secret": "envoy.extensions.transport_sockets.tls.v3.Secret",
    # parts of listeners
    "HttpConnectionManager": "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "DownstreamTlsContext": "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    "UpstreamTlsContext": "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    "CelExpressionFilter": "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
    # filters
    "Router": f"{_FILTER}.router.v3.Router",
    "UpstreamCodec": f"{_FILTER}.upstream_codec.v3.UpstreamCodec",
    "HeaderMutationFilter": f"{_FILTER}.header_mutation.v3.HeaderMutation",
    "HealthCheckFilter": f"{_FILTER}.health_check.v3.HealthCheck",
    "Lua": f"{_FILTER}.lua.v3.Lua",
    "SetFilterState": f"{_FILTER}.set_filter_state.v3.Config",
    "CustomResponse": f"{_FILTER}.custom_response.v3.CustomResponse",
    "LocalResponsePolicy": "envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy",
    "CredentialInjector": f"{_FILTER}.credential_injector.v3.CredentialInjector",
    "GenericCredential": "envoy.extensions.http.injected_credentials.generic.v3.Generic",
    "AwsRequestSigning": f"{_FILTER}.aws_request_signing.v3.AwsRequestSigning",
    "ExternalProcessor": f"{_FILTER}.ext_proc.v3.ExternalProcessor",
    "ExtProcPerRoute": f"{_FILTER}.ext_proc.v3.ExtProcPerRoute",
    "ExtensionWithMatcher": "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
    "SkipFilter": "envoy.extensions.filters.common.matcher.action.v3.SkipFilter",
    # matching
    "Matcher": "xds.type.matcher.v3.Matcher",
    "FilterStateInput": "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
    "HttpRequestHeaderMatchInput": f"{_MATCH}.HttpRequestHeaderMatchInput",
    "HttpResponseHeaderMatchInput": f"{_MATCH}.HttpResponseHeaderMatchInput",
    "HttpResponseStatusCodeMatchInput": f"{_MATCH}.HttpResponseStatusCodeMatchInput",
    # routes
    "Route": "envoy.config.route.v3.Route",
    "RouteAction": "envoy.config.route.v3.RouteAction",
    "RetryPolicy": "envoy.config.route.v3.RetryPolicy",
    "PreviousHostsPredicate": "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    "PreviousPrioritiesConfig": "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
    # clusters
    "TransportSocket": "envoy.config.core.v3.TransportSocket",
    "ClusterHealthCheck": "envoy.config.core.v3.HealthCheck",
    "AggregateCluster": "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
    "HttpProtocolOptions": "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    # ext_proc service
    "ProcessingRequest": "envoy.service.ext_proc.v3.ProcessingRequest",
    "ProcessingResponse": "envoy.service.ext_proc.v3.ProcessingResponse",
    "DownstreamConnectionsConfig": "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
    # other
    "Percent": "envoy.type.v3.Percent",
    "Duration": "google.protobuf.Duration",
}
