"""What the gateway is to do, fully resolved: no YAML, no protobuf, no default left open.

The emitters in ``controlplane.xds`` are total functions of these values. Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from controlplane.catalogue.prices import Price
from controlplane.config.secrets import Secret
from extproc.contract.target import DialectName, RoutePolicy, Target

LoadBalancing: TypeAlias = Literal["round_robin", "least_request", "random"]


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """PEM texts for the listener; `client_ca`: clients must show a certificate that it signed."""

    certificate: bytes
    key: Secret
    client_ca: bytes | None
    min_version: Literal["1.2", "1.3"]


@dataclass(frozen=True, slots=True)
class ListenerPlan:
    address: str
    port: int
    max_request_body: int
    tls: ListenerTls | None

    @property
    def url(self) -> str:
        """Where a client on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.address, self.address)
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`host`: an IP address or a name."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Tls:
    """`ca`: PEM text; None: the system's trust store."""

    ca: bytes | None


@dataclass(frozen=True, slots=True)
class Credential:
    """Header that carries the provider's key; `secret` names the SDS resource."""

    header: str
    prefix: str
    secret: str


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """They are a part of Envoy's filter: AWS's signatures know no SDS."""

    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None

    def secrets(self) -> tuple[Secret, ...]:
        given = (self.access_key_id, self.secret_access_key, self.session_token)
        return tuple(secret for secret in given if secret is not None)


@dataclass(frozen=True, slots=True)
class Signing:
    """AWS's signatures. keys: None: what Envoy finds itself (environment, web identity, instance role)."""

    region: str
    keys: AwsKeys | None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    path: str
    interval: float
    timeout: float


@dataclass(frozen=True, slots=True)
class Breaker:
    consecutive_errors: int
    open_for: float
    max_open_for: float


@dataclass(frozen=True, slots=True)
class Leaf:
    """One provider account as an Envoy cluster.

    A model that lists an account twice gets a second leaf for it, so that Envoy can tell the two apart.
    """

    target: Target
    endpoints: tuple[Endpoint, ...]
    tls: Tls | None
    credential: Credential | None
    headers: Mapping[str, str]
    connect_timeout: float
    request_timeout: float | None
    load_balancing: LoadBalancing
    health_check: HealthCheck | None
    max_concurrent_requests: int | None
    breaker: Breaker
    signing: Signing | None = None

    @property
    def name(self) -> str:
        return self.target.leaf


@dataclass(frozen=True, slots=True)
class Choice:
    """With probability `weight` / sum of weights, try these leaves in this order."""

    weight: int
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """attempts: the first included. statuses: answers that are tried again.

    backoff: base and maximum before the same target is asked again, in seconds.
    """

    attempts: int
    resets: bool
    connect: bool
    statuses: tuple[int, ...]
    backoff: tuple[float, float]
    honor_retry_after: bool


@dataclass(frozen=True, slots=True)
class Way:
    """How requests for a model go that are in one dialect.

    ext_proc: None where Envoy carries them natively, else why it cannot.
    """

    policy: RoutePolicy
    ext_proc: str | None


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One public model.

    ways: by what the client speaks; at least one.
    base_path, query: before and after an endpoint at the only target, where Envoy carries requests natively.
    first_token_timeout: for streams, from the request's end to the first content.
    idle_timeout: between two pieces of an answer.
    price: for all targets, instead of what the catalogue knows; None: the catalogue holds.
    """

    ways: Mapping[DialectName, Way]
    choices: tuple[Choice, ...]
    retry: Retry
    timeout: float | None
    first_token_timeout: float | None
    idle_timeout: float | None
    base_path: str = "/v1"
    query: str = ""
    price: Price | None = None

    @property
    def policy(self) -> RoutePolicy:
        """What is the same for all dialects, which is all but `hold_headers`."""
        return next(iter(self.ways.values())).policy

    @property
    def name(self) -> str:
        return self.policy.model


@dataclass(frozen=True, slots=True)
class MutualTls:
    """Files, as Envoy sees them, for TLS with another piece of the gateway: both sides prove who they are."""

    ca_file: str
    cert_file: str
    key_file: str


@dataclass(frozen=True, slots=True)
class Environment:
    """What the machine decides, not the YAML.

    ext_proc: addresses of the workers, ``unix:PATH`` or ``HOST:PORT``.
    ca_file: the system's trust store, as Envoy sees it.
    ext_proc_tls: None: plain, for unix sockets or loopback.
    """

    ext_proc: tuple[str, ...]
    ca_file: str
    ext_proc_tls: MutualTls | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    listener: ListenerPlan
    leaves: tuple[Leaf, ...]
    models: tuple[ModelPlan, ...]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
