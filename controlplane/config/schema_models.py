"""`models`: the names that clients may ask for, and what answers to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from controlplane.config.base import LATER, Section
from controlplane.config.schema_later import CacheConfig
from controlplane.config.values import Duration
from extproc.contract.target import UnsupportedFields

Strategy = Literal["weighted", "round_robin", "least_latency", "lowest_cost"]
LATER_STRATEGIES: Final = frozenset({"least_latency", "lowest_cost"})
RetryCondition = Literal["connect", "reset", "timeout", "5xx", "429", "stream_error"]
_CONDITIONS: Final = get_args(RetryCondition)

_Text = Annotated[str, Field(min_length=1)]


def _status_as_text(value: object) -> object:
    return "429" if value == 429 and isinstance(value, int) else value  # noqa: PLR2004 - it is its own name


_Condition = Annotated[
    RetryCondition,
    BeforeValidator(_status_as_text),
    PlainSerializer(lambda condition: int(condition) if condition.isdigit() else condition, when_used="json"),
    WithJsonSchema({"enum": [*_CONDITIONS, 429]}),
]
"""Without quotes, YAML reads 429 as a number."""


def _check_target(value: str) -> str:
    provider, slash, model = value.partition("/")
    if not (provider and slash and model):
        raise ValueError("expected provider/model, e.g. openai/gpt-4o")
    return value


_TargetText = Annotated[
    str,
    AfterValidator(_check_target),
    WithJsonSchema({"type": "string", "pattern": "^[^/]+/.", "kind": "provider/model"}),
]


class TargetConfig(Section):
    """A model at a provider."""

    provider: _Text = Field(description="A name under `providers`.", examples=["claude"])
    model: _Text = Field(
        description=(
            "The model's name at that provider. A `*` at its end stands for what the star of the public name "
            "stands for."
        ),
        examples=["claude-haiku-4-5"],
    )
    weight: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="Share of the requests among the targets of the same priority. Unset: 1.",
        examples=[80],
    )
    priority: Annotated[int, Field(ge=0, le=100)] = Field(
        default=0,
        description="Targets of a higher number are tried when those of lower ones failed or are open.",
    )


class BackoffConfig(Section):
    """How long to wait before another attempt."""

    base: Duration = Field(
        default=timedelta(milliseconds=100), description="Before the first; doubled each time."
    )
    max: Duration = Field(default=timedelta(seconds=5), description="Never longer than this.")


class RetryConfig(Section):
    """When a failed attempt is followed by another, at the next target first."""

    attempts: Annotated[int, Field(ge=1, le=20)] | None = Field(
        default=None,
        description="In all; 1 means no retry. Unset: 3, or the number of targets if that is higher.",
        examples=[3],
    )
    on: Annotated[tuple[_Condition, ...], Field(min_length=1)] = Field(
        default=("connect", "reset", "timeout", "5xx", "429", "stream_error"),
        description=(
            "What is tried again: no connection; a connection lost before the answer; no answer in time; "
            "these statuses; an error inside a stream before its first content."
        ),
    )
    backoff: BackoffConfig = Field(default=BackoffConfig(), description="How long to wait in between.")
    honor_retry_after: bool = Field(
        default=True,
        description=(
            "Before the same target is asked again, wait as long as its `retry-after` header says, up to "
            "`backoff.max`. A move to another target never waits for it."
        ),
    )


class PriceConfig(Section):
    """USD per million tokens; overrules the catalogue."""

    input: Annotated[float, Field(ge=0)] = Field(description="Tokens of the prompt.", examples=[0.25])
    output: Annotated[float, Field(ge=0)] = Field(description="Tokens of the answer.", examples=[1.25])
    cached_input: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Tokens of the prompt that the provider had cached.", examples=[0.03]
    )


class ModelConfig(Section):
    """A public model name. One that ends in `*` stands for all names that begin so."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["target"]}, {"required": ["targets"]}]}
    )

    target: _TargetText | None = Field(
        default=None,
        description=(
            "The one thing that answers: provider/model, where the model is named as the provider names it. "
            "`openai/*` passes the name's rest through and needs a public name that ends in `*`."
        ),
        examples=["openai/gpt-4o"],
    )
    targets: Annotated[tuple[TargetConfig, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Several things that answer, instead of `target`.",
        examples=[[{"provider": "claude", "model": "claude-haiku-4-5", "weight": 80}]],
    )
    strategy: Strategy = Field(
        default="weighted",
        description=(
            "How the first target is chosen among those of the lowest priority number. "
            "Not supported in this version: least_latency, lowest_cost."
        ),
    )
    retry: RetryConfig = Field(default=RetryConfig(), description="What happens after a failed attempt.")
    timeout: Duration | None = Field(
        default=None,
        description="For the whole request, all attempts and the stream included. Unset: no limit.",
        examples=["120s"],
    )
    first_token_timeout: Duration | None = Field(
        default=None,
        description=(
            "For a stream: from the end of the request to the first content, for each attempt. Unset: what "
            "the provider's `timeouts.first_token` says."
        ),
        examples=["15s"],
    )
    unsupported_fields: UnsupportedFields = Field(
        default="warn",
        description=(
            "What to do with a field of the request that the target cannot honour: `warn` leaves it out and "
            "says so (header, metric, log), `reject` answers 400 naming it, `ignore` leaves it out."
        ),
    )
    price: PriceConfig | None = Field(
        default=None,
        description="Of all its targets; overrules the catalogue, which knows most vendors' models.",
        examples=[{"input": 0.25, "output": 1.25}],
    )
    cache: Literal["off"] | CacheConfig | None = Field(
        default=None,
        description="`off`, or other than the top-level `cache`.",
        examples=["off"],
        json_schema_extra=LATER,
    )

    @property
    def all_targets(self) -> tuple[TargetConfig, ...]:
        """`target` or `targets`, in one form."""
        if self.target is None:
            return self.targets or ()
        provider, _, model = self.target.partition("/")
        return (TargetConfig(provider=provider, model=model),)
