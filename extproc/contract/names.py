"""Every name that Envoy's configuration, the ext_proc service and clients must agree on."""

from typing import Final

# Response headers a client sees.
HEADER_MODEL: Final = "x-llm-gateway-model"
HEADER_PROVIDER: Final = "x-llm-gateway-provider"
HEADER_ATTEMPTS: Final = "x-llm-gateway-attempts"
HEADER_DEGRADED: Final = "x-llm-gateway-degraded"

# Internal request headers: removed from what clients send, and before a provider sees them.
INTERNAL_HEADER_PREFIX: Final = "x-llm-gateway-"
HEADER_LEAF: Final = "x-llm-gateway-leaf"
"""Which leaf cluster this attempt picked; chooses the credential (architecture.md, trap 21)."""

HEADER_TARGET: Final = "x-llm-gateway-target"
HEADER_POLICY: Final = "x-llm-gateway-policy"
"""How the Target and the RoutePolicy of this attempt reach ext_proc, and nobody else."""

HEADER_PATH: Final = "x-llm-gateway-path"
"""The path that the client called, likewise: an earlier attempt may have left another in ``:path``."""

HEADER_ANSWERED: Final = "x-llm-gateway-answered"
"""On what a provider answered and no ext_proc saw, not on Envoy's own replies; removed before the client."""

# Headers that carry a credential of a client or of a provider. No attempt may inherit one.
CREDENTIAL_HEADERS: Final = (
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-goog-user-project",
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-security-token",
    "cookie",
)

# Headers that say whose bill it is: never the client's to choose, but a provider's entry may set them.
ACCOUNT_HEADERS: Final = ("openai-organization", "openai-project")

# Metadata. Endpoint metadata carries the Target, route metadata the RoutePolicy, each as JSON text.
METADATA_NAMESPACE: Final = "llm"
METADATA_TARGET: Final = "target"
METADATA_LEAF: Final = "leaf"
METADATA_PROVIDER: Final = "provider"
METADATA_POLICY: Final = "policy"

REQUEST_NAMESPACE: Final = "llm.request"
"""Dynamic metadata that Envoy extracts from the request body (json_to_metadata)."""

# Response code details of replies that ext_proc itself makes begin so; their bodies are final.
DETAILS_PREFIX: Final = "llm_"

# Filter state that routes are matched on.
STATE_ENDPOINT: Final = "llm.endpoint"
STATE_PATH: Final = "llm.path"
STATE_MODEL: Final = "llm.model"
STATE_STREAM: Final = "llm.stream"
STATE_ERROR: Final = "llm.error"

# Fixed cluster, route and listener names.
CLUSTER_EXT_PROC: Final = "ext_proc"
CLUSTER_ADS: Final = "ads"
LISTENER: Final = "gateway"
ROUTE_CONFIGURATION: Final = "gateway"
EXT_PROC_FILTER: Final = "envoy.filters.http.ext_proc"
