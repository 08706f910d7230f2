"""Short names of the Envoy messages we use. Written by ``python -m protos.generate``."""
# fmt: off
# ruff: noqa

from typing import TYPE_CHECKING

from protos.loader import message

if TYPE_CHECKING:
    from envoy.extensions.clusters.aggregate.v3.cluster_pb2 import ClusterConfig as AggregateCluster
    from envoy.extensions.filters.http.aws_request_signing.v3.aws_request_signing_pb2 import AwsRequestSigning
    from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
    from envoy.extensions.access_loggers.filters.cel.v3.cel_pb2 import ExpressionFilter as CelExpressionFilter
    from envoy.config.cluster.v3.cluster_pb2 import Cluster
    from envoy.config.core.v3.health_check_pb2 import HealthCheck as ClusterHealthCheck
    from envoy.extensions.filters.http.credential_injector.v3.credential_injector_pb2 import CredentialInjector
    from envoy.extensions.filters.http.custom_response.v3.custom_response_pb2 import CustomResponse
    from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest
    from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryResponse
    from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest
    from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse
    from envoy.extensions.resource_monitors.downstream_connections.v3.downstream_connections_pb2 import DownstreamConnectionsConfig
    from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext
    from google.protobuf.duration_pb2 import Duration
    from envoy.extensions.filters.http.ext_proc.v3.ext_proc_pb2 import ExtProcPerRoute
    from envoy.extensions.common.matching.v3.extension_matcher_pb2 import ExtensionWithMatcher
    from envoy.extensions.filters.http.ext_proc.v3.ext_proc_pb2 import ExternalProcessor
    from envoy.extensions.matching.common_inputs.network.v3.network_inputs_pb2 import FilterStateInput
    from envoy.extensions.http.injected_credentials.generic.v3.generic_pb2 import Generic as GenericCredential
    from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import HeaderMutation as HeaderMutationFilter
    from envoy.extensions.filters.http.health_check.v3.health_check_pb2 import HealthCheck as HealthCheckFilter
    from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager
    from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
    from envoy.type.matcher.v3.http_inputs_pb2 import HttpRequestHeaderMatchInput
    from envoy.type.matcher.v3.http_inputs_pb2 import HttpResponseHeaderMatchInput
    from envoy.type.matcher.v3.status_code_input_pb2 import HttpResponseStatusCodeMatchInput
    from envoy.config.listener.v3.listener_pb2 import Listener
    from envoy.extensions.http.custom_response.local_response_policy.v3.local_response_policy_pb2 import LocalResponsePolicy
    from envoy.extensions.filters.http.lua.v3.lua_pb2 import Lua
    from xds.type.matcher.v3.matcher_pb2 import Matcher
    from envoy.type.v3.percent_pb2 import Percent
    from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate
    from envoy.extensions.retry.priority.previous_priorities.v3.previous_priorities_config_pb2 import PreviousPrioritiesConfig
    from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
    from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingResponse
    from envoy.config.route.v3.route_components_pb2 import RetryPolicy
    from envoy.config.route.v3.route_components_pb2 import Route
    from envoy.config.route.v3.route_components_pb2 import RouteAction
    from envoy.config.route.v3.route_pb2 import RouteConfiguration
    from envoy.extensions.filters.http.router.v3.router_pb2 import Router
    from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
    from envoy.extensions.filters.http.set_filter_state.v3.set_filter_state_pb2 import Config as SetFilterState
    from envoy.extensions.filters.common.matcher.action.v3.skip_action_pb2 import SkipFilter
    from envoy.config.core.v3.base_pb2 import TransportSocket
    from envoy.extensions.filters.http.upstream_codec.v3.upstream_codec_pb2 import UpstreamCodec
    from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
else:
    AggregateCluster = message("envoy.extensions.clusters.aggregate.v3.ClusterConfig")
    AwsRequestSigning = message("envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning")
    Bootstrap = message("envoy.config.bootstrap.v3.Bootstrap")
    CelExpressionFilter = message("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter")
    Cluster = message("envoy.config.cluster.v3.Cluster")
    ClusterHealthCheck = message("envoy.config.core.v3.HealthCheck")
    CredentialInjector = message("envoy.extensions.filters.http.credential_injector.v3.CredentialInjector")
    CustomResponse = message("envoy.extensions.filters.http.custom_response.v3.CustomResponse")
    DeltaDiscoveryRequest = message("envoy.service.discovery.v3.DeltaDiscoveryRequest")
    DeltaDiscoveryResponse = message("envoy.service.discovery.v3.DeltaDiscoveryResponse")
    DiscoveryRequest = message("envoy.service.discovery.v3.DiscoveryRequest")
    DiscoveryResponse = message("envoy.service.discovery.v3.DiscoveryResponse")
    DownstreamConnectionsConfig = message("envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig")
    DownstreamTlsContext = message("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext")
    Duration = message("google.protobuf.Duration")
    ExtProcPerRoute = message("envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute")
    ExtensionWithMatcher = message("envoy.extensions.common.matching.v3.ExtensionWithMatcher")
    ExternalProcessor = message("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor")
    FilterStateInput = message("envoy.extensions.matching.common_inputs.network.v3.FilterStateInput")
    GenericCredential = message("envoy.extensions.http.injected_credentials.generic.v3.Generic")
    HeaderMutationFilter = message("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation")
    HealthCheckFilter = message("envoy.extensions.filters.http.health_check.v3.HealthCheck")
    HttpConnectionManager = message("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager")
    HttpProtocolOptions = message("envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
    HttpRequestHeaderMatchInput = message("envoy.type.matcher.v3.HttpRequestHeaderMatchInput")
    HttpResponseHeaderMatchInput = message("envoy.type.matcher.v3.HttpResponseHeaderMatchInput")
    HttpResponseStatusCodeMatchInput = message("envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput")
    Listener = message("envoy.config.listener.v3.Listener")
    LocalResponsePolicy = message("envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy")
    Lua = message("envoy.extensions.filters.http.lua.v3.Lua")
    Matcher = message("xds.type.matcher.v3.Matcher")
    Percent = message("envoy.type.v3.Percent")
    PreviousHostsPredicate = message("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")
    PreviousPrioritiesConfig = message("envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig")
    ProcessingRequest = message("envoy.service.ext_proc.v3.ProcessingRequest")
    ProcessingResponse = message("envoy.service.ext_proc.v3.ProcessingResponse")
    RetryPolicy = message("envoy.config.route.v3.RetryPolicy")
    Route = message("envoy.config.route.v3.Route")
    RouteAction = message("envoy.config.route.v3.RouteAction")
    RouteConfiguration = message("envoy.config.route.v3.RouteConfiguration")
    Router = message("envoy.extensions.filters.http.router.v3.Router")
    Secret = message("envoy.extensions.transport_sockets.tls.v3.Secret")
    SetFilterState = message("envoy.extensions.filters.http.set_filter_state.v3.Config")
    SkipFilter = message("envoy.extensions.filters.common.matcher.action.v3.SkipFilter")
    TransportSocket = message("envoy.config.core.v3.TransportSocket")
    UpstreamCodec = message("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec")
    UpstreamTlsContext = message("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")

__all__ = [
    "AggregateCluster",
    "AwsRequestSigning",
    "Bootstrap",
    "CelExpressionFilter",
    "Cluster",
    "ClusterHealthCheck",
    "CredentialInjector",
    "CustomResponse",
    "DeltaDiscoveryRequest",
    "DeltaDiscoveryResponse",
    "DiscoveryRequest",
    "DiscoveryResponse",
    "DownstreamConnectionsConfig",
    "DownstreamTlsContext",
    "Duration",
    "ExtProcPerRoute",
    "ExtensionWithMatcher",
    "ExternalProcessor",
    "FilterStateInput",
    "GenericCredential",
    "HeaderMutationFilter",
    "HealthCheckFilter",
    "HttpConnectionManager",
    "HttpProtocolOptions",
    "HttpRequestHeaderMatchInput",
    "HttpResponseHeaderMatchInput",
    "HttpResponseStatusCodeMatchInput",
    "Listener",
    "LocalResponsePolicy",
    "Lua",
    "Matcher",
    "Percent",
    "PreviousHostsPredicate",
    "PreviousPrioritiesConfig",
    "ProcessingRequest",
    "ProcessingResponse",
    "RetryPolicy",
    "Route",
    "RouteAction",
    "RouteConfiguration",
    "Router",
    "Secret",
    "SetFilterState",
    "SkipFilter",
    "TransportSocket",
    "UpstreamCodec",
    "UpstreamTlsContext",
]
