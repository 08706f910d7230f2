"""The route table: endpoint -> model -> route, each a hash look-up, so the number of models costs nothing.

Errors that need no provider are direct responses with finished bodies (config.md, "What a client sees").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from controlplane.plan import ModelPlan, Plan, Retry
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
from extproc.contract.target import encode
from protos.api import (
    PreviousHostsPredicate,
    PreviousPrioritiesConfig,
    Route,
    RouteConfiguration,
)

CHAT_COMPLETIONS: Final = "/v1/chat/completions"
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
    endpoint = state_input(names.STATE_ENDPOINT)
    branches = {
        f"POST {CHAT_COMPLETIONS}": nested(_models(models)),
        f"GET {MODELS}": action(model_list([model.name for model in models])),
        "GET /health/live": action(health_live()),
        **_cards(models),
    }
    known = {path: action(method_not_allowed(allow)) for path, allow in _METHODS.items()}
    wrong_method = exact_tree(state_input(names.STATE_PATH), known, action(unknown_url()))
    return exact_tree(
        endpoint, branches, nested(prefix_tree(endpoint, _pattern_cards(models), nested(wrong_method)))
    )


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
    CHAT_COMPLETIONS: "POST",
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
        state_input(names.STATE_ERROR), {ERROR_BAD_JSON: action(bad_json())}, action(missing_model())
    )
    errors = _when(
        request_header_input("content-type"), JSON_TYPES, nested(of_json), action(unsupported_media_type())
    )
    otherwise = nested(_when(model, r"(?s).+", action(unknown_model()), nested(errors)))
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
    return nested(_when(state_input(names.STATE_MODEL), fits, _routes(model), action(unknown_model())))


def _routes(model: ModelPlan) -> dict[str, Any]:
    """Streams have a route of their own where a limit concerns only them."""
    if not _streams_apart(model):
        return action(_route(model, stream=False))
    stream = {"true": action(_route(model, stream=True))}
    return nested(exact_tree(state_input(names.STATE_STREAM), stream, action(_route(model, stream=False))))


def _streams_apart(model: ModelPlan) -> bool:
    return model.first_token_timeout is not None or model.idle_timeout is not None


def route_name(model: ModelPlan, *, stream: bool) -> str:
    """The route that Envoy picks for a request, as its access log and `/config_dump` name it."""
    return f"{model.policy.dialect}/{model.name}" + ("/stream" if stream and _streams_apart(model) else "")


def _route(model: ModelPlan, *, stream: bool) -> Route:
    retry = _retry_policy(model)
    if stream and model.first_token_timeout is not None:
        # It runs until headers are released downstream, that is, to the first content.
        retry["per_try_timeout"] = seconds(model.first_token_timeout)
    if stream and model.idle_timeout is not None:
        retry["per_try_idle_timeout"] = seconds(model.idle_timeout)
    forward: dict[str, Any] = {
        **_destination(model),
        "timeout": seconds(model.timeout or 0),
        "auto_host_rewrite": {"value": True},
        "retry_policy": retry,
    }
    route: dict[str, Any] = {
        "name": route_name(model, stream=stream),
        "match": {"prefix": "/"},
        "metadata": metadata(names.METADATA_NAMESPACE, {names.METADATA_POLICY: encode(model.policy)}),
        "response_headers_to_add": _response_headers(model),
        "route": forward,
    }
    if model.ext_proc is None:
        route["match"] = {"prefix": _VERSION_PREFIX}
        forward.update(_rewrite(model))
    return Route(**route)


def _rewrite(model: ModelPlan) -> dict[str, Any]:
    """Envoy appends the client's own query to the new path: behind ``&`` it cannot spoil ours."""
    if not model.query:
        return {"prefix_rewrite": model.base_path}
    pattern = {"google_re2": {}, "regex": f"^{_VERSION_PREFIX}(/.*)$"}
    return {"regex_rewrite": {"pattern": pattern, "substitution": rf"{model.base_path}\1{model.query}&"}}


def _destination(model: ModelPlan) -> dict[str, Any]:
    native = model.ext_proc is None
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
