"""What an edit changes for users, and what of it reaches Envoy. Pure; no value of a secret is ever shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from controlplane import describe
from controlplane.config.schema import AdminConfig
from controlplane.config.values import format_size
from controlplane.plan import Leaf, ListenerPlan, ModelPlan, Plan, Tls
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SECRET,
    Snapshot,
    changed_names,
    changed_types,
)

DRAINS: Final = "connections to the old listener are drained: streams that outlast the drain time are cut"

DISCOVERY: Final = {
    SECRET: "SDS",
    CLUSTER: "CDS",
    ENDPOINTS: "EDS",
    EXTENSION: "ECDS",
    LISTENER: "LDS",
    ROUTES: "RDS",
}
"""Envoy's name of the service that each type travels by."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that users may notice.

    name: empty where there is only one such thing. details: one line each.
    """

    subject: Literal["model", "model list", "provider", "listener", "admin"]
    name: str
    action: Literal["added", "removed", "changed"]
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Touched:
    """Names of one type of xDS resource, each tuple sorted. service: ``CDS`` and so on."""

    service: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def plan_changes(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Models, then providers, then the listener; each in the order of names."""
    return (
        *_models(old, new),
        *_model_list(old, new),
        *_providers(old, new),
        *_listener(old.listener, new.listener),
    )


def admin_changes(old: AdminConfig, new: AdminConfig) -> tuple[Change, ...]:
    """The admin address is no part of a plan: Envoy knows nothing of it."""
    before, after = f"{old.address}:{old.port}", f"{new.address}:{new.port}"
    if before == after:
        return ()
    return (
        Change("admin", "", "changed", (_from_to("address", before, after), "takes effect at a restart")),
    )


def touched(old: Snapshot, new: Snapshot) -> tuple[Touched, ...]:
    """The xDS resources that Envoy gets or loses, in the order in which it does."""
    found = []
    for type_url in changed_types(old, new):
        names = changed_names(old, new, type_url)
        found.append(Touched(DISCOVERY[type_url], names.added, names.changed, names.removed))
    return tuple(found)


def _models(old: Plan, new: Plan) -> Iterator[Change]:
    before = {model.name: _ModelFacts.of(model, old) for model in old.models}
    after = {model.name: _ModelFacts.of(model, new) for model in new.models}
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield Change("model", name, "removed")
        elif name not in before:
            facts = after[name]
            yield Change("model", name, "added", (f"order: {facts.order}", f"path: {facts.words['path']}"))
        elif details := tuple(_model_differences(before[name], after[name])):
            yield Change("model", name, "changed", details)


def _model_list(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = [model.name for model in old.models], [model.name for model in new.models]
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield Change("model list", "", "changed", ("another order in GET /v1/models",))


@dataclass(frozen=True, slots=True)
class _ModelFacts:
    """What users see of a model: whatever differs here is a change.

    targets: ``provider/model`` of all. shares: of those that may be first. order: of the first of them; the
    others' are rotations of it.
    """

    targets: tuple[str, ...]
    shares: Mapping[str, str]
    order: str
    words: Mapping[str, str]

    @classmethod
    def of(cls, model: ModelPlan, plan: Plan) -> _ModelFacts:
        labels = _labels(model, plan)
        whole = sum(choice.weight for choice in model.choices)
        return cls(
            targets=tuple(labels.values()),
            shares={
                labels[choice.order[0]]: describe.percent(choice.weight, whole) for choice in model.choices
            },
            order=" > ".join(labels[leaf] for leaf in model.choices[0].order),
            words={
                "path": describe.by_dialect(
                    {dialect: describe.path(way.ext_proc) for dialect, way in model.ways.items()}
                ),
                "retry": "; ".join(describe.RetryFacts.of(model).lines()),
                "timeout": describe.duration(model.timeout),
                "first_token_timeout": describe.duration(model.first_token_timeout),
                "idle timeout": describe.duration(model.idle_timeout),
                "error in a stream before its first content": describe.by_dialect(
                    {
                        dialect: "held back" if way.policy.hold_headers else "passed on"
                        for dialect, way in model.ways.items()
                    }
                ),
                "unsupported_fields": model.policy.unsupported_fields,
                "price": "as the catalogue has it" if model.price is None else describe.price(model.price),
            },
        )


def _labels(model: ModelPlan, plan: Plan) -> dict[str, str]:
    """Leaf -> ``provider/model``, numbered where a model lists the same twice."""
    providers = {leaf.name: leaf.target.provider for leaf in plan.leaves}
    seen: Counter[str] = Counter()
    labels = {}
    for leaf, name in model.policy.models.items():
        label = f"{providers[leaf]}/{name}"
        seen[label] += 1
        labels[leaf] = label if seen[label] == 1 else f"{label} ({seen[label]})"
    return labels


def _model_differences(old: _ModelFacts, new: _ModelFacts) -> Iterator[str]:
    yield from (f"target added: {target}" for target in new.targets if target not in old.targets)
    yield from (f"target removed: {target}" for target in old.targets if target not in new.targets)
    for target in new.targets:
        before, after = old.shares.get(target, "none"), new.shares.get(target, "none")
        if before != after:
            yield _from_to(f"share of {target}", before, after)
    if old.order != new.order:
        yield _from_to("order", old.order, new.order)
    yield from _word_differences(old.words, new.words)


def _providers(old: Plan, new: Plan) -> Iterator[Change]:
    before = {leaf.target.provider: leaf for leaf in old.leaves}
    after = {leaf.target.provider: leaf for leaf in new.leaves}
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield Change("provider", name, "removed")
        elif name not in before:
            words = _provider_words(after[name])
            yield Change("provider", name, "added", tuple(f"{k}: {words[k]}" for k in ("type", "address")))
        else:
            details = [
                *_word_differences(_provider_words(before[name]), _provider_words(after[name])),
                *_header_differences(before[name].headers, after[name].headers),
                *_hidden_differences(before[name], old, after[name], new),
            ]
            if details:
                yield Change("provider", name, "changed", tuple(details))


def _provider_words(leaf: Leaf) -> dict[str, str]:
    most = leaf.max_concurrent_requests
    return {
        "type": leaf.target.type,
        "address": " ".join(describe.addresses(leaf)),
        "key": _key(leaf),
        "trusts": _authorities(leaf.tls),
        "connect timeout": describe.duration(leaf.connect_timeout),
        "request timeout": describe.duration(leaf.request_timeout),
        "load balancing": leaf.load_balancing,
        "health check": describe.health_check(leaf.health_check),
        "concurrent requests": describe.NO_LIMIT if most is None else str(most),
        "circuit breaker": describe.breaker(leaf.breaker),
    }


def _key(leaf: Leaf) -> str:
    if leaf.signing is not None:
        whose = "Envoy's own" if leaf.signing.keys is None else "given"
        return f"signs for AWS in {leaf.signing.region}, keys {whose}"
    return f"in {leaf.credential.header}" if leaf.credential else "none"


def _authorities(tls: Tls | None) -> str:
    if tls is None:
        return "nobody: no TLS"
    return "the system's authorities" if tls.ca is None else "its ca_file"


def _header_differences(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """Names only: what a header says may be meant for the provider alone."""
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"header removed: {name}"
        elif name not in old:
            yield f"header added: {name}"
        elif old[name] != new[name]:
            yield f"header changed: {name}"


def _hidden_differences(old: Leaf, old_plan: Plan, new: Leaf, new_plan: Plan) -> Iterator[str]:
    if old.credential and new.credential:
        before, after = old_plan.secrets[old.credential.secret], new_plan.secrets[new.credential.secret]
        if before != after:
            yield "key: rotated; no stream is cut"
    was, now = old.signing and old.signing.keys, new.signing and new.signing.keys
    if was and now and was != now:
        yield "AWS keys: rotated; new connections are made"
    if old.tls and new.tls and old.tls.ca and new.tls.ca and old.tls.ca != new.tls.ca:
        yield "trusts: other content in its ca_file"


def _listener(old: ListenerPlan, new: ListenerPlan) -> Iterator[Change]:
    details = _word_differences(_listener_words(old), _listener_words(new))
    if details:
        details.append(DRAINS)
    if old.tls and new.tls:
        if (old.tls.certificate, old.tls.key) != (new.tls.certificate, new.tls.key):
            details.append("certificate: rotated; no connection is cut")
        if old.tls.client_ca and new.tls.client_ca and old.tls.client_ca != new.tls.client_ca:
            details.append("client authorities: other content; no connection is cut")
    if details:
        yield Change("listener", "", "changed", tuple(details))


def _listener_words(listener: ListenerPlan) -> dict[str, str]:
    tls = listener.tls
    return {
        "address": listener.address,
        "port": str(listener.port),
        "max_request_body": format_size(listener.max_request_body),
        "tls": "off" if tls is None else f"on, {tls.min_version} or later",
        "client certificates": "required" if tls and tls.client_ca else "not asked for",
    }


def _word_differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [_from_to(name, old[name], new[name]) for name in new if old[name] != new[name]]


def _from_to(what: str, before: str, after: str) -> str:
    return f"{what}: {before} -> {after}"
