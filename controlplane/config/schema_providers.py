"""`providers`: accounts, with their addresses and credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from controlplane.config.addresses import FilePath, Url, UrlPath
from controlplane.config.base import VARIANT_SECTION, VARIANT_TEXT, Section
from controlplane.config.secrets import SecretRef
from controlplane.config.values import Duration

ProviderTypeName = Literal[
    "openai",
    "anthropic",
    "together",
    "ollama",
    "vllm",
    "google_ai",
    "vertex_ai",
    "azure_openai",
    "aws_bedrock",
    "groq",
    "mistral",
    "deepseek",
    "openrouter",
    "xai",
    "cerebras",
    "fireworks",
]
LoadBalancing = Literal["round_robin", "least_request", "random"]

_REGION: Final = "[a-z]{2,4}(-[a-z]+)+-[0-9]+"
_API_VERSION: Final = r"\d{4}-\d{2}-\d{2}(-preview)?"


def _check_region(value: str) -> str:
    if not re.fullmatch(_REGION, value):
        raise ValueError("expected the name of an AWS region, e.g. us-east-1")
    return value


def _check_api_version(value: str) -> str:
    if not re.fullmatch(_API_VERSION, value):
        raise ValueError("expected a dated version such as 2024-10-21; leave it out for /openai/v1")
    return value


_ApiVersion = Annotated[
    str,
    AfterValidator(_check_api_version),
    WithJsonSchema({"type": "string", "pattern": f"^{_API_VERSION}$", "kind": "date"}),
]

_Region = Annotated[
    str,
    AfterValidator(_check_region),
    WithJsonSchema({"type": "string", "pattern": f"^{_REGION}$", "kind": "region"}),
]

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class HealthCheckConfig(Section):
    """Ask each endpoint regularly whether it lives; one that does not answer 200 gets no requests."""

    path: UrlPath = Field(description="What to ask for with GET.", examples=["/health"])
    interval: Duration = Field(
        default=timedelta(seconds=5), description="Between two checks of one endpoint."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=1), description="A check without an answer by then failed."
    )


class TimeoutsConfig(Section):
    """How long to wait for this provider."""

    connect: Duration = Field(
        default=timedelta(seconds=5), description="Until the connection stands, TLS included."
    )
    request: Duration | None = Field(
        default=None,
        description="For one whole answer, streams included. Unset: no limit.",
        examples=["120s"],
    )
    first_token: Duration | None = Field(
        default=None,
        description=(
            "For a stream: from the end of the request to the first content; then the next target is tried. "
            "A model's `first_token_timeout` overrules it; else a model with several targets has the longest "
            "of theirs. Unset: no limit of its own."
        ),
        examples=["20s"],
    )
    idle: Duration | None = Field(
        default=None,
        description=(
            "Between two pieces of a stream. A model with several targets has the longest of theirs. "
            "Unset: no limit of its own, but 10m for all."
        ),
        examples=["60s"],
    )


class CircuitBreakerConfig(Section):
    """Leave a provider alone for a while when it keeps failing."""

    consecutive_errors: Count = Field(
        default=5, description="Failures in a row (5xx, refused or reset connections, timeouts) that open it."
    )
    open_for: Duration = Field(
        default=timedelta(seconds=30),
        description="How long it is open the first time; longer each time after.",
    )
    max_open_for: Duration = Field(default=timedelta(minutes=5), description="The longest that it is open.")


class ProviderTlsConfig(Section):
    """How to check the provider's certificate."""

    ca_file: FilePath = Field(
        description=(
            "PEM file with the authorities to trust, instead of the system's; watched, so that a new one is "
            "used at once."
        ),
        examples=["/etc/ssl/internal.pem"],
    )


class AwsCredentialsConfig(Section):
    """Static AWS credentials."""

    access_key_id: SecretRef = Field(
        description="The access key's id.", examples=[{"env": "AWS_ACCESS_KEY_ID"}]
    )
    secret_access_key: SecretRef = Field(
        description="The access key itself.", examples=[{"env": "AWS_SECRET_ACCESS_KEY"}]
    )
    session_token: SecretRef | None = Field(
        default=None, description="For temporary credentials.", examples=[{"env": "AWS_SESSION_TOKEN"}]
    )


def _kind_of_aws(value: object) -> str:
    return VARIANT_TEXT if isinstance(value, str) else VARIANT_SECTION


_Aws = Annotated[
    Annotated[Literal["default"], Tag(VARIANT_TEXT)] | Annotated[AwsCredentialsConfig, Tag(VARIANT_SECTION)],
    Discriminator(_kind_of_aws),
]


class ProviderConfig(Section):
    """One account at one provider."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["base_url", "endpoints"]}})

    type: ProviderTypeName = Field(
        description=(
            "What kind of provider it is; decides the wire format, the default address and how the "
            "credential is sent."
        ),
        examples=["openai"],
    )
    api_key: SecretRef | None = Field(
        default=None,
        description="The credential. Required at a vendor's own address, except of ollama and vllm.",
        examples=[{"env": "OPENAI_API_KEY"}],
    )
    base_url: Url | None = Field(
        default=None,
        description=(
            "What stands before `/chat/completions` or `/messages`; without a path, the vendor's own, mostly "
            "`/v1`. Unset: the vendor's own address, for ollama `http://127.0.0.1:11434`; vllm, "
            "azure_openai and vertex_ai have none, so they need this or `endpoints`. Of vertex_ai it ends in "
            "`/v1/projects/PROJECT/locations/LOCATION`."
        ),
        examples=["http://127.0.0.1:11434"],
    )
    endpoints: Annotated[tuple[Url, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Servers that are all the same, instead of `base_url`; with one scheme and one path.",
        examples=[["http://10.0.0.5:8000", "http://10.0.0.6:8000"]],
    )
    load_balancing: LoadBalancing = Field(
        default="least_request", description="How to choose among the endpoints."
    )
    health_check: HealthCheckConfig | None = Field(
        default=None, description="Unset: the endpoints are not asked.", examples=[{"path": "/health"}]
    )
    timeouts: TimeoutsConfig = Field(default=TimeoutsConfig(), description="How long to wait.")
    max_concurrent_requests: Count | None = Field(
        default=None,
        description="Beyond it a request is answered 503 at once, code `overloaded`. Unset: no limit.",
        examples=[200],
    )
    circuit_breaker: CircuitBreakerConfig = Field(
        default=CircuitBreakerConfig(), description="When to leave the provider alone."
    )
    headers: Mapping[str, str] = Field(
        default={},
        description="Sent with every request. Credentials and headers of the connection itself are refused.",
        examples=[{"x-team": "platform"}],
    )
    tls: ProviderTlsConfig | None = Field(
        default=None,
        description="Unset: the system's authorities are trusted.",
        examples=[{"ca_file": "ca.pem"}],
    )
    api_version: _ApiVersion | None = Field(
        default=None,
        description=(
            "Of azure_openai: a dated version of its API, where deployments are parts of the path. Unset: "
            "the newer `/openai/v1`."
        ),
        examples=["2024-10-21"],
    )
    region: _Region | None = Field(
        default=None,
        description="Of aws_bedrock: the AWS region; decides the default address, and is in every signature.",
        examples=["us-east-1"],
    )
    aws: _Aws | None = Field(
        default=None,
        description=(
            "Of aws_bedrock, in the place of `api_key`: static keys, or `default` for those that Envoy finds "
            "itself (its environment, web identity, instance role)."
        ),
        examples=["default"],
    )
