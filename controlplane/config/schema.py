"""The whole of the YAML, as types. The contract with users: docs/configuration.md is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from controlplane.config.addresses import FilePath, IpAddress, Port
from controlplane.config.base import LATER, Section
from controlplane.config.schema_later import (
    CacheConfig,
    ClientConfig,
    JwtConfig,
    LimitsConfig,
    RuleConfig,
    TelemetryConfig,
)
from controlplane.config.schema_models import ModelConfig
from controlplane.config.schema_providers import ProviderConfig
from controlplane.config.values import BodySize

PROVIDER_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""A provider's name: it stands before the first slash of a target."""
MODEL_NAME = r"^(?=.{1,256}$)[!-)+-~]*\*?$"
"""A public model name: visible ASCII, and a star only at the end."""


class ListenerTlsConfig(Section):
    """Clients reach the gateway with HTTPS."""

    cert_file: FilePath = Field(
        description="PEM file: the gateway's certificate, then the intermediate ones; watched.",
        examples=["/etc/gateway/tls.crt"],
    )
    key_file: FilePath = Field(
        description="PEM file: the certificate's private key, without a passphrase; watched.",
        examples=["/etc/gateway/tls.key"],
    )
    client_ca_file: FilePath | None = Field(
        default=None,
        description=(
            "PEM file: clients must show a certificate that one of these authorities signed; watched. "
            "Unset: none needed."
        ),
        examples=["/etc/gateway/ca.crt"],
    )
    min_version: Literal["1.2", "1.3"] = Field(
        default="1.3", description="The oldest version of TLS to accept."
    )


class ListenerConfig(Section):
    """Where clients reach the gateway."""

    address: IpAddress = Field(default="0.0.0.0", description="IP address to listen on.")
    port: Port = Field(default=8080, description="TCP port.")
    max_request_body: BodySize = Field(
        default=32 * 1024 * 1024, description="A larger body is answered 413; from 1KiB to 1GiB."
    )
    tls: ListenerTlsConfig | None = Field(
        default=None,
        description="Unset: plain HTTP.",
        examples=[{"cert_file": "/etc/gateway/tls.crt", "key_file": "/etc/gateway/tls.key"}],
    )


class AdminConfig(Section):
    """Where operators and probes ask: `/metrics`, `/health/live`, `/health/ready`, `/status`."""

    address: IpAddress = Field(default="127.0.0.1", description="IP address to listen on.")
    port: Port = Field(default=9901, description="TCP port.")


class Config(Section):
    """A configuration whose every part has been checked."""

    model_config = ConfigDict(title="llm-inference-gateway configuration")

    listener: ListenerConfig = Field(default=ListenerConfig(), description="Where clients reach the gateway.")
    admin: AdminConfig = Field(
        default=AdminConfig(),
        description="Where operators and probes ask: `/metrics`, `/health/live`, `/health/ready`, `/status`.",
    )
    providers: Annotated[Mapping[str, ProviderConfig], Field(min_length=1)] = Field(
        description="Accounts, by a name of your choice: where they are, and with which credential.",
        examples=[{"openai": {"type": "openai", "api_key": {"env": "OPENAI_API_KEY"}}}],
        json_schema_extra={"propertyNames": {"pattern": PROVIDER_NAME}},
    )
    models: Annotated[Mapping[str, ModelConfig], Field(min_length=1)] = Field(
        description="What a client may write in `model`, and what answers to it.",
        examples=[{"gpt-4o": {"target": "openai/gpt-4o"}}],
        json_schema_extra={"propertyNames": {"pattern": MODEL_NAME}},
    )
    rules: tuple[RuleConfig, ...] | None = Field(
        default=None,
        description="Decide before `models`; the first match wins.",
        examples=[[{"name": "canary", "match": {"models": ["fast"], "percent": 5}, "use": "fast-next"}]],
        json_schema_extra=LATER,
    )
    clients: tuple[ClientConfig, ...] | None = Field(
        default=None,
        description="Who may use the gateway.",
        examples=[[{"name": "team-a", "api_keys": [{"env": "TEAM_A_KEY"}]}]],
        json_schema_extra=LATER,
    )
    jwt: JwtConfig | None = Field(
        default=None,
        description="Tokens of an identity provider.",
        examples=[{"issuer": "https://idp.example.com", "jwks_file": "/etc/gateway/jwks.json"}],
        json_schema_extra=LATER,
    )
    limits: LimitsConfig | None = Field(
        default=None,
        description="Limits that are not one client's.",
        examples=[{"default": {"requests": "60/min"}}],
        json_schema_extra=LATER,
    )
    cache: CacheConfig | None = Field(
        default=None,
        description="Exact answers; off unless present.",
        examples=[{"ttl": "10m"}],
        json_schema_extra=LATER,
    )
    telemetry: TelemetryConfig | None = Field(
        default=None,
        description="Logs and traces.",
        examples=[{"access_log": {"path": "/dev/stdout"}}],
        json_schema_extra=LATER,
    )
