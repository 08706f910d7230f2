"""The route table: endpoint -> model -> route, each a hash look-up, so the number of models costs nothing.

Errors that need no provider are direct responses with finished bodies (config.md, "What a client sees").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from controlplane.plan import ModelPlan, Plan, Retry, Way
from controlplane.xds.clusters import cluster_name
from controlplane.xds.direct import (
    bad_json,
    health_live,
    method_not_allowed,
    missing_model,
    model_card,
    model_list,
    unknown_model,
    unknown_model_card,
    unknown_url,
    unsupported_media_type,
)
from controlplane.xds.filters import ERROR_BAD_JSON, JSON_TYPES
from controlplane.xds.resources import (
    action,
    exact_tree,
    extension,
    header,
    metadata,
    nested,
    prefix_tree,
    request_header_input,
    seconds,
    state_input,
)
from extproc.contract import names
from extproc.contract.endpoints import ENDPOINTS, ErrorShape
from extproc.contract.target import DialectName, encode
from protos.api import (
    PreviousHostsPredicate,
    PreviousPrioritiesConfig,
    Route,
    RouteConfiguration,
)

MODELS: Final = "/v1/models"
_VERSION_PREFIX: Final = "/v1"
_LARGEST_DIRECT_RESPONSE: Final = 16 * 1024 * 1024
_FAILOVER_BACKOFF: Final = 0.001
"""Seconds before another target is asked: there is nothing to wait for."""


def fits_pattern(prefix: str) -> str:
    """What a client's text must be to match `prefix` and a star: RE2 for at least one character more.

    Visible ASCII only, since the text is echoed in a response header.
    """
    return rf"[\x21-\x7e]{{{len(prefix) + 1},}}"


def route_configuration(plan: Plan) -> RouteConfiguration:
    return RouteConfiguration(
        name=names.ROUTE_CONFIGURATION,
        max_direct_response_body_size_bytes={"value": _LARGEST_DIRECT_RESPONSE},
        virtual_hosts=[
            {
                "name": names.ROUTE_CONFIGURATION,
                "domains": ["*"],
                "request_body_buffer_limit": {"value": plan.listener.max_request_body},
                # Translated and watched bodies must be readable, and usage is read from every answer.
                # Who the client is, is not the provider's business.
                "request_headers_to_remove": ["x-forwarded-for", "x-forwarded-proto", "forwarded"],
                "request_headers_to_add": [header("accept-encoding", "identity")],
                "response_headers_to_remove": [
                    "set-cookie",
                    "openai-organization",
                    "anthropic-organization-id",
                ],
                "matcher": _endpoints(plan.models),
            }
        ],
    )


def _endpoints(models: Sequence[ModelPlan]) -> dict[str, Any]:
    """All endpoints that name a model share one tree of models, which is nearly all that there is."""
    endpoint = state_input(names.STATE_ENDPOINT)
    paths = "|".join(re.escape(row.path) for row in ENDPOINTS)
    return _when(endpoint, f"POST (?:{paths})", nested(_models(models)), nested(_others(models)))


def _others(models: Sequence[ModelPlan]) -> dict[str, Any]:
    endpoint = state_input(names.STATE_ENDPOINT)
    branches = {
        f"GET {MODELS}": action(model_list([model.name for model in models])),
        "GET /health/live": action(health_live()),
        **_cards(models),
    }
    known = {path: action(method_not_allowed(allow, "openai")) for path, allow in _METHODS.items()}
    known |= {row.path: action(method_not_allowed("POST", row.errors)) for row in ENDPOINTS}
    path = state_input(names.STATE_PATH)
    wrong_method = exact_tree(path, known, _at_or_below(unknown_url))
    return exact_tree(
        endpoint, branches, nested(prefix_tree(endpoint, _pattern_cards(models), nested(wrong_method)))
    )


def _in_shape(error: Callable[[ErrorShape], Route]) -> dict[str, Any]:
    """`error` at an endpoint, in the shape that its clients read."""
    others = {row.path: action(error(row.errors)) for row in ENDPOINTS if row.errors != "openai"}
    if not others:
        return action(error("openai"))
    return nested(exact_tree(state_input(names.STATE_PATH), others, action(error("openai"))))


def _at_or_below(error: Callable[[ErrorShape], Route]) -> dict[str, Any]:
    """`error` where no endpoint is, in the shape of the one that it lies below."""
    others = {row.path: action(error(row.errors)) for row in ENDPOINTS if row.errors != "openai"}
    if not others:
        return action(error("openai"))
    return nested(prefix_tree(state_input(names.STATE_PATH), others, action(error("openai"))))


def _cards(models: Sequence[ModelPlan]) -> dict[str, Any]:
    return {
        f"GET {MODELS}/{path}": action(model_card(model.name))
        for model in models
        for path in _spellings(model.name)
    }


def _pattern_cards(models: Sequence[ModelPlan]) -> dict[str, Any]:
    """A name that only a pattern serves has the pattern's card: no formatter can cut a name out of a path."""
    patterns = {
        f"GET {MODELS}/{path}": action(model_card(model.name))
        for model in models
        if model.name.endswith("*")
        for path in _spellings(model.name[:-1])
    }
    return {f"GET {MODELS}/": action(unknown_model_card()), **patterns}


def _spellings(name: str) -> list[str]:
    """`name` in a URL: as it is, and as SDKs escape it (RFC 3986, section 2)."""
    return sorted({name, quote(name), quote(name, safe="/!$&'()*+,;=:@~")})


_METHODS: Final = {
    MODELS: "GET",
    "/health/live": "GET",
    "/health/ready": "GET",
}


def _models(models: Sequence[ModelPlan]) -> dict[str, Any]:
    model = state_input(names.STATE_MODEL)
    exact = {plan.name: _routes(plan) for plan in models if not plan.name.endswith("*")}
    prefixes = {plan.name[:-1]: _pattern(plan) for plan in models if plan.name.endswith("*")}
    # Bodies of other content types are not read, so that their model is missing too.
    of_json = exact_tree(
        state_input(names.STATE_ERROR), {ERROR_BAD_JSON: _in_shape(bad_json)}, _in_shape(missing_model)
    )
    errors = _when(
        request_header_input("content-type"), JSON_TYPES, nested(of_json), _in_shape(unsupported_media_type)
    )
    otherwise = nested(_when(model, r"(?s).+", _in_shape(unknown_model), nested(errors)))
    if "" in prefixes:
        everything = prefixes.pop("")
        otherwise = nested(_when(model, r"(?s).+", everything, nested(errors)))
    if prefixes:
        otherwise = nested(prefix_tree(model, prefixes, otherwise))
    return exact_tree(model, exact, otherwise) if exact else otherwise["matcher"]


def _when(
    matcher_input: dict[str, Any], regex: str, then: dict[str, Any], otherwise: dict[str, Any]
) -> dict[str, Any]:
    value = {"safe_regex": {"google_re2": {}, "regex": regex}}
    predicate = {"single_predicate": {"input": matcher_input, "value_match": value}}
    matchers = {"matchers": [{"predicate": predicate, "on_match": then}]}
    return {"matcher_list": matchers, "on_no_match": otherwise}


def _pattern(model: ModelPlan) -> dict[str, Any]:
    fits = fits_pattern(model.name[:-1])
    return nested(_when(state_input(names.STATE_MODEL), fits, _routes(model), _in_shape(unknown_model)))


def _routes(model: ModelPlan) -> dict[str, Any]:
    """One route for all dialects that go the same way, however many: there may be many models."""
    kinds: dict[_Kind, list[str]] = {}
    for row in ENDPOINTS:
        kinds.setdefault(_kind(model.ways[row.dialect]), []).append(row.path)
    most = max(kinds, key=lambda kind: len(kinds[kind]))
    found = _by_stream(model, most)
    for kind, paths in kinds.items():
        if kind != most:
            found = nested(_at(paths, _by_stream(model, kind), found))
    return found


def _at(paths: Iterable[str], then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    return _when(state_input(names.STATE_PATH), "|".join(map(re.escape, paths)), then, otherwise)


def _by_stream(model: ModelPlan, kind: _Kind) -> dict[str, Any]:
    """Streams have a route of their own where a limit concerns only them."""
    if not _streams_apart(model):
        return action(_route(model, kind, stream=False))
    stream = {"true": action(_route(model, kind, stream=True))}
    unary = action(_route(model, kind, stream=False))
    return nested(exact_tree(state_input(names.STATE_STREAM), stream, unary))


def _streams_apart(model: ModelPlan) -> bool:
    return model.first_token_timeout is not None or model.idle_timeout is not None


class _Kind(NamedTuple):
    """What of a way makes a difference to its route."""

    native: bool
    held: bool


def _kind(way: Way) -> _Kind:
    native = way.ext_proc is None
    return _Kind(native, held=not native and way.policy.hold_headers)


def route_name(model: ModelPlan, dialect: DialectName, *, stream: bool) -> str:
    """The route that Envoy picks for a request, as its access log and `/config_dump` name it."""
    return _route_name(model, _kind(model.ways[dialect]), stream=stream)


def _route_name(model: ModelPlan, kind: _Kind, *, stream: bool) -> str:
    way = "native" if kind.native else "ext_proc" if kind.held else "ext_proc_unheld"
    return f"{way}/{model.name}" + ("/stream" if stream and _streams_apart(model) else "")


def _route(model: ModelPlan, kind: _Kind, *, stream: bool) -> Route:
    retry = _retry_policy(model)
    if stream and model.first_token_timeout is not None:
        # It runs until headers are released downstream, that is, to the first content.
        retry["per_try_timeout"] = seconds(model.first_token_timeout)
    if stream and model.idle_timeout is not None:
        retry["per_try_idle_timeout"] = seconds(model.idle_timeout)
    forward: dict[str, Any] = {
        **_destination(model, native=kind.native),
        "timeout": seconds(model.timeout or 0),
        "auto_host_rewrite": {"value": True},
        "retry_policy": retry,
    }
    policy = msgspec.structs.replace(model.policy, hold_headers=kind.held)
    route: dict[str, Any] = {
        "name": _route_name(model, kind, stream=stream),
        "match": {"prefix": "/"},
        "metadata": metadata(names.METADATA_NAMESPACE, {names.METADATA_POLICY: encode(policy)}),
        "response_headers_to_add": _response_headers(model),
        "route": forward,
    }
    if kind.native:
        route["match"] = {"prefix": _VERSION_PREFIX}
        forward.update(_rewrite(model))
    return Route(**route)


def _rewrite(model: ModelPlan) -> dict[str, Any]:
    """Envoy appends the client's own query to the new path: behind ``&`` it cannot spoil ours."""
    if not model.query:
        return {"prefix_rewrite": model.base_path}
    pattern = {"google_re2": {}, "regex": f"^{_VERSION_PREFIX}(/.*)$"}
    return {"regex_rewrite": {"pattern": pattern, "substitution": rf"{model.base_path}\1{model.query}&"}}


def _destination(model: ModelPlan, *, native: bool) -> dict[str, Any]:
    targets = [(cluster_name(choice.order, native=native), choice.weight) for choice in model.choices]
    if len(targets) == 1:
        return {"cluster": targets[0][0]}
    weighted = [{"name": name, "weight": {"value": weight}} for name, weight in targets]
    return {"weighted_clusters": {"clusters": weighted}}


def _response_headers(model: ModelPlan) -> list[dict[str, Any]]:
    pattern = model.name.endswith("*")
    name = f"%FILTER_STATE({names.STATE_MODEL}:PLAIN)%" if pattern else model.name.replace("%", "%%")
    provider = f"%UPSTREAM_METADATA({names.METADATA_NAMESPACE}:{names.METADATA_PROVIDER})%"
    return [
        header(names.HEADER_MODEL, name),
        header(names.HEADER_PROVIDER, provider),
        header(names.HEADER_ATTEMPTS, "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
    ]


def _retry_policy(model: ModelPlan) -> dict[str, Any]:
    retry = model.retry
    first, longest = back_off(model)
    policy: dict[str, Any] = {
        "retry_on": ",".join(_conditions(retry)),
        "retriable_status_codes": retry.statuses,
        "num_retries": {"value": retry.attempts - 1},
        "retry_back_off": {"base_interval": seconds(first), "max_interval": seconds(longest)},
    }
    if fails_over(model):
        policy["retry_priority"] = extension(
            "envoy.retry_priorities.previous_priorities", PreviousPrioritiesConfig(update_frequency=1)
        )
        return policy
    policy["retry_host_predicate"] = [
        extension("envoy.retry_host_predicates.previous_hosts", PreviousHostsPredicate())
    ]
    policy["host_selection_retry_max_attempts"] = 3
    if retry.honor_retry_after:
        # Never with several targets: it would delay the move to another provider (trap 17).
        policy["rate_limited_retry_back_off"] = {
            "reset_headers": [{"name": "retry-after", "format": "SECONDS"}],
            "max_interval": seconds(longest),
        }
    return policy


def fails_over(model: ModelPlan) -> bool:
    """Another attempt goes to another target, at once; else to the same one, after `back_off`."""
    return any(len(choice.order) > 1 for choice in model.choices)


def back_off(model: ModelPlan) -> tuple[float, float]:
    """Seconds before the second attempt, and the longest before a later one."""
    base, longest = model.retry.backoff
    return (min(_FAILOVER_BACKOFF, base) if fails_over(model) else base), longest


def _conditions(retry: Retry) -> list[str]:
    conditions = []
    if retry.connect:
        conditions += ["connect-failure", "refused-stream"]
    if retry.resets:
        conditions.append("reset")
    if retry.statuses:
        conditions.append("retriable-status-codes")
    return conditions
