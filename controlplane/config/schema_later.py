"""Sections whose features are not there yet: editors know them, the loader refuses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from controlplane.config.addresses import FilePath
from controlplane.config.base import Section
from controlplane.config.secrets import SecretRef
from controlplane.config.values import CacheSize, Duration, SizeText

Rate = Annotated[str, Field(pattern=r"^[0-9]+/(s|min|hour|day)$")]
CostRate = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)? USD/(min|hour|day|month)$")]
Store = Annotated[str, Field(pattern=r"^(memory|rediss?://.+)$")]


class MatchConfig(Section):
    """All of what is given must hold."""

    models: tuple[str, ...] | None = Field(
        default=None, description="What the client asks for; `*` at the end allowed.", examples=[["gpt-4o"]]
    )
    headers: Mapping[str, str] | None = Field(
        default=None, description="Request headers with exactly these values.", examples=[{"x-region": "eu"}]
    )
    clients: tuple[str, ...] | None = Field(
        default=None, description="Names under `clients`.", examples=[["team-eu"]]
    )
    percent: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None, description="This share of the requests, at random.", examples=[5]
    )
    body_larger_than: SizeText | None = Field(
        default=None, description="The request's body.", examples=["200KiB"]
    )


class RuleConfig(Section):
    """Sends some requests to another model."""

    name: str = Field(description="For logs and `explain`.", examples=["eu-stays-in-eu"])
    match: MatchConfig = Field(description="Which requests.", examples=[{"models": ["fast"], "percent": 5}])
    use: str = Field(description="A name under `models`.", examples=["fast-next"])


class ClientLimitsConfig(Section):
    """What a client may use."""

    requests: Rate | None = Field(default=None, description="Requests in a time.", examples=["600/min"])
    tokens: Rate | None = Field(default=None, description="Tokens in a time.", examples=["200000/min"])
    cost: CostRate | None = Field(default=None, description="Money in a time.", examples=["50 USD/day"])
    concurrent: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Requests at the same time.", examples=[20]
    )


class ClientConfig(Section):
    """Who may use the gateway."""

    name: str = Field(description="For logs, metrics, rules and limits.", examples=["team-a"])
    api_keys: Annotated[tuple[SecretRef, ...], Field(min_length=1)] = Field(
        description="Any of them admits; two, so that keys can rotate.", examples=[[{"env": "TEAM_A_KEY"}]]
    )
    models: tuple[str, ...] | None = Field(
        default=None, description="What it may ask for. Unset: all.", examples=[["gpt-*", "fast"]]
    )
    limits: ClientLimitsConfig | None = Field(
        default=None, description="Unset: `limits.default`.", examples=[{"requests": "600/min"}]
    )


class JwtConfig(Section):
    """Admits clients with a token of an identity provider."""

    issuer: str = Field(description="The `iss` claim.", examples=["https://idp.example.com"])
    audiences: tuple[str, ...] | None = Field(
        default=None, description="One of them must be in the `aud` claim.", examples=[["llm"]]
    )
    jwks_file: FilePath | None = Field(
        default=None, description="The issuer's public keys.", examples=["/etc/gateway/jwks.json"]
    )
    jwks_uri: str | None = Field(
        default=None, description="Where to fetch them.", examples=["https://idp.example.com/jwks.json"]
    )
    client_claim: str = Field(default="sub", description="The claim that names the client.")
    models_claim: str | None = Field(
        default=None, description="The claim that lists the models it may ask for.", examples=["llm_models"]
    )


class LimitsConfig(Section):
    """Limits that are not one client's."""

    default: ClientLimitsConfig | None = Field(
        default=None, description="For each client without its own.", examples=[{"requests": "60/min"}]
    )
    models: Mapping[str, ClientLimitsConfig] | None = Field(
        default=None, description="For all clients together.", examples=[{"fast": {"tokens": "1000000/min"}}]
    )
    store: Store = Field(default="memory", description="Where the counts are kept: `memory`, or a Redis URL.")


class CacheConfig(Section):
    """Answers to equal requests, kept."""

    ttl: Duration = Field(description="For how long.", examples=["10m"])
    max_size: CacheSize | None = Field(
        default=None, description="Of all answers in memory.", examples=["256MiB"]
    )
    store: Store = Field(default="memory", description="Where they are kept: `memory`, or a Redis URL.")


class AccessLogConfig(Section):
    """One JSON line for each request."""

    path: str = Field(default="/dev/stdout", description="The file.")


class AuditLogConfig(Section):
    """Who asked what."""

    path: str = Field(description="The file; JSON lines.", examples=["/var/log/gateway/audit.jsonl"])
    bodies: Literal["off", "redacted", "full"] = Field(
        default="off", description="Whether requests and answers are in it."
    )


class TracesConfig(Section):
    """OpenTelemetry traces."""

    otlp_endpoint: str = Field(description="The collector.", examples=["http://otel-collector:4317"])
    sample: Annotated[float, Field(ge=0, le=1)] = Field(default=1.0, description="The share that is traced.")


class TelemetryConfig(Section):
    """What the gateway tells about its work."""

    access_log: AccessLogConfig | None = Field(
        default=None, description="Lines for requests.", examples=[{"path": "/dev/stdout"}]
    )
    audit_log: AuditLogConfig | None = Field(
        default=None,
        description="Lines for auditors.",
        examples=[{"path": "/var/log/gateway/audit.jsonl", "bodies": "redacted"}],
    )
    traces: TracesConfig | None = Field(
        default=None,
        description="Spans.",
        examples=[{"otlp_endpoint": "http://otel-collector:4317", "sample": 0.1}],
    )
