"""What happens to a request for a model, and why: a pure function of the plan."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from controlplane import describe
from controlplane.catalogue.models import Lookup, nothing_known
from controlplane.catalogue.prices import Price
from controlplane.config.problems import quote, suggestion
from controlplane.plan import Breaker, HealthCheck, Leaf, ModelPlan, Plan
from controlplane.xds.clusters import cluster_name, leaf_cluster_name
from controlplane.xds.listeners import STREAM_IDLE
from controlplane.xds.routes import fits_pattern, route_name
from extproc.contract.endpoints import ENDPOINTS, Endpoint
from extproc.contract.target import upstream_model


@dataclass(frozen=True, slots=True)
class Attempt:
    """One place in the order: a leaf cluster and what it is asked for.

    model: its name at the provider.
    addresses: ``scheme://host:port/path``.
    credential: the header that carries it; None: none is sent.
    price, context_window: None: not known; the latter in tokens.
    """

    leaf: str
    provider: str
    model: str
    wire_format: str
    addresses: tuple[str, ...]
    credential: str | None
    cluster: str
    price: Price | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """With probability `weight` / `of`, the leaves that are tried, and in which order."""

    weight: int
    of: int
    leaves: tuple[str, ...]
    cluster: str


@dataclass(frozen=True, slots=True)
class Account:
    """What holds for one provider, whichever model asks; seconds, or None for no limit."""

    provider: str
    connect_timeout: float
    request_timeout: float | None
    breaker: Breaker
    max_concurrent_requests: int | None
    health_check: HealthCheck | None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that apply to this request, None for no limit.

    request: the whole of it. first_token: each attempt, to the first content. idle: between two pieces of
    the stream. silence: without a byte either way, whatever the model says.
    """

    request: float | None
    first_token: float | None
    idle: float | None
    silence: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """matched: the public name or pattern; star: what its star stands for. why: of ext_proc; None: native."""

    model: str
    endpoint: str
    stream: bool
    matched: str
    star: str | None
    route: str
    why_ext_proc: str | None
    attempts: tuple[Attempt, ...]
    orders: tuple[Order, ...]
    retry: describe.RetryFacts
    timeouts: Timeouts
    accounts: tuple[Account, ...]
    unsupported_fields: str


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No model answers to the name: the client gets 404 `model_not_found`."""

    model: str
    hint: str

    def __str__(self) -> str:
        return f"404 model_not_found: no model named {quote(self.model)}{self.hint}"


def explain_request(
    plan: Plan,
    model: str,
    *,
    endpoint: Endpoint = ENDPOINTS[0],
    stream: bool = False,
    lookup: Lookup = nothing_known,
) -> Explanation | NoRoute:
    """What a request for `model` meets at `endpoint`.

    stream: it has ``"stream": true``. lookup: the catalogue of models.
    """
    found = find_model(plan, model)
    if found is None:
        return NoRoute(model, suggestion(model, (known.name for known in plan.models)))
    leaves = {leaf.name: leaf for leaf in plan.leaves}
    used = dict.fromkeys(leaf for choice in found.choices for leaf in choice.order)
    why = found.ways[endpoint.dialect].ext_proc
    whole = sum(choice.weight for choice in found.choices)
    return Explanation(
        model=model,
        endpoint=endpoint.path,
        stream=stream,
        matched=found.name,
        star=model[len(found.name) - 1 :] if found.name.endswith("*") else None,
        route=route_name(found, endpoint.dialect, stream=stream),
        why_ext_proc=why,
        attempts=tuple(_attempt(found, leaves[leaf], model, lookup) for leaf in used),
        orders=tuple(
            Order(choice.weight, whole, choice.order, cluster_name(choice.order, native=why is None))
            for choice in found.choices
        ),
        retry=describe.RetryFacts.of(found),
        timeouts=Timeouts(
            request=found.timeout,
            first_token=found.first_token_timeout if stream else None,
            idle=found.idle_timeout if stream else None,
            silence=STREAM_IDLE,
        ),
        accounts=tuple(_accounts(leaves[leaf] for leaf in used)),
        unsupported_fields=found.policy.unsupported_fields,
    )


def find_model(plan: Plan, name: str) -> ModelPlan | None:
    """The exact name, else the pattern with the longest text before its star, as Envoy's matchers choose."""
    exact = {model.name: model for model in plan.models if not model.name.endswith("*")}
    if name in exact:
        return exact[name]
    patterns = [
        model for model in plan.models if model.name.endswith("*") and name.startswith(model.name[:-1])
    ]
    longest = max(patterns, key=lambda model: len(model.name), default=None)
    return longest if longest and re.fullmatch(fits_pattern(longest.name[:-1]), name) else None


def _attempt(model: ModelPlan, leaf: Leaf, requested: str, lookup: Lookup) -> Attempt:
    name = upstream_model(model.policy, leaf.name, requested)
    known = lookup(leaf.target.type, name)
    return Attempt(
        leaf=leaf.name,
        provider=leaf.target.provider,
        model=name,
        wire_format=leaf.target.wire_format,
        addresses=describe.addresses(leaf),
        credential=leaf.credential.header if leaf.credential else "authorization" if leaf.signing else None,
        cluster=leaf_cluster_name(leaf.name),
        price=model.price or known.price,
        context_window=known.context_window,
    )


def _accounts(leaves: Iterable[Leaf]) -> Iterator[Account]:
    by_provider = {leaf.target.provider: leaf for leaf in leaves}
    for provider, leaf in by_provider.items():
        yield Account(
            provider=provider,
            connect_timeout=leaf.connect_timeout,
            request_timeout=leaf.request_timeout,
            breaker=leaf.breaker,
            max_concurrent_requests=leaf.max_concurrent_requests,
            health_check=leaf.health_check,
        )


def to_json(explanation: Explanation | NoRoute) -> dict[str, Any]:
    """Plain data for ``json.dumps``; keys are the fields' names."""
    if isinstance(explanation, NoRoute):
        message = str(explanation)
        return {"model": explanation.model, "status": 404, "code": "model_not_found", "message": message}
    return dataclasses.asdict(explanation)
