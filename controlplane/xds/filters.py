"""The HTTP filters of the listener, and why they stand in this order."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from controlplane.xds.error_bodies import ErrorBody
from controlplane.xds.resources import action, exact_tree, extension, nested, state_input
from extproc.contract import names
from extproc.contract.endpoints import ENDPOINTS, ErrorShape
from protos.api import (
    CustomResponse,
    HeaderMutationFilter,
    HealthCheckFilter,
    HttpResponseHeaderMatchInput,
    HttpResponseStatusCodeMatchInput,
    LocalResponsePolicy,
    Lua,
    Percent,
    Router,
    SetFilterState,
)

JSON_TYPES: Final = r"^application/([a-z.-]+\+)?json(;.*)?$"
"""What ``read_body.lua`` takes for JSON."""

_READ_BODY: Final = files("controlplane.xds").joinpath("read_body.lua").read_text()

ERROR_BAD_JSON: Final = "bad_json"


def http_filters() -> list[dict[str, Any]]:
    """In the order of the request; responses pass them backwards."""
    return [
        # Nothing that we decide by may come from a client, and its credentials end here.
        extension("strip_client_headers", _strip()),
        # Answers before anything reads a body; fails while Envoy drains.
        extension("envoy.filters.http.health_check", _ready()),
        # Last on the way back: a provider's own failure becomes the table's row.
        extension("envoy.filters.http.custom_response", _provider_failures()),
        # The body's model and stream, into metadata …
        extension("envoy.filters.http.lua", _read_body()),
        # … and from there into filter state, which is what routes can be matched on (trap 10).
        extension("envoy.filters.http.set_filter_state", _filter_state()),
        extension("envoy.filters.http.router", Router(suppress_envoy_headers=True)),
    ]


def _strip() -> HeaderMutationFilter:
    clients = (*names.CREDENTIAL_HEADERS, *names.ACCOUNT_HEADERS)
    removals: list[dict[str, Any]] = [{"remove": name} for name in clients]
    prefixes = (names.INTERNAL_HEADER_PREFIX, "x-envoy-")
    matched = [{"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in prefixes]
    hidden = (names.HEADER_ANSWERED, "x-envoy-upstream-healthchecked-cluster")
    return HeaderMutationFilter(
        mutations={
            "request_mutations": [*removals, *matched],
            "response_mutations": [{"remove": name} for name in hidden],
        }
    )


def _ready() -> HealthCheckFilter:
    """Ready: this listener stands on an accepted configuration, and a worker of ext_proc is healthy."""
    return HealthCheckFilter(
        pass_through_mode={"value": False},
        headers=[{"name": ":path", "string_match": {"exact": "/health/ready"}}],
        cluster_min_healthy_percentages={names.CLUSTER_EXT_PROC: Percent(value=1)},
    )


def _provider_failures() -> CustomResponse:
    """A native route has no ext_proc to map a provider's 401, 402, 403 and 5xx; this does."""
    replace = _by_shape({shape: action(_failed(shape)) for shape in ("openai", "anthropic")})
    failures = {str(status): replace for status in (401, 402, 403, *range(500, 600))}
    by_status = exact_tree(extension("status", HttpResponseStatusCodeMatchInput()), failures)
    answered = extension("answered", HttpResponseHeaderMatchInput(header_name=names.HEADER_ANSWERED))
    return CustomResponse(custom_response_matcher=exact_tree(answered, {"1": nested(by_status)}))


def _failed(shape: ErrorShape) -> LocalResponsePolicy:
    message = "The provider answered with status %RESPONSE_CODE%"
    return LocalResponsePolicy(
        status_code={"value": 502},
        body_format=ErrorBody(502, message, "api_error", "provider_error").format(shape),
        response_code_details=names.DETAILS_PREFIX + "provider_failed",
    )


def _by_shape(replies: dict[ErrorShape, dict[str, Any]]) -> dict[str, Any]:
    others = {row.path: replies[row.errors] for row in ENDPOINTS if row.errors != "openai"}
    return (
        nested(exact_tree(state_input(names.STATE_PATH), others, replies["openai"]))
        if others
        else replies["openai"]
    )


def _read_body() -> Lua:
    return Lua(default_source_code={"inline_string": _READ_BODY})


def _filter_state() -> SetFilterState:
    def from_format(key: str, text: str) -> dict[str, Any]:
        return {
            "object_key": key,
            "factory_key": "envoy.string",
            "format_string": {"text_format_source": {"inline_string": text}, "omit_empty_values": True},
            "skip_if_empty": True,
        }

    namespace = names.REQUEST_NAMESPACE
    return SetFilterState(
        on_request_headers=[
            from_format(names.STATE_ENDPOINT, "%REQ(:METHOD)% %PATH(NQ:PATH)%"),
            from_format(names.STATE_PATH, "%PATH(NQ:PATH)%"),
            from_format(names.STATE_MODEL, f"%DYNAMIC_METADATA({namespace}:model)%"),
            from_format(names.STATE_STREAM, f"%DYNAMIC_METADATA({namespace}:stream)%"),
            from_format(names.STATE_ERROR, f"%DYNAMIC_METADATA({namespace}:error)%"),
        ],
        clear_route_cache=True,
    )
