"""Bodies for the replies that Envoy makes itself (config.md, "What a client sees").

Routes and ext_proc bring finished bodies; the first mapper leaves those alone (trap 15). The others turn
Envoy's response flags and statuses into the table's rows; texts never name an address.
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage#response-flags
"""

from __future__ import annotations

from typing import Any, Final

from controlplane.xds.error_bodies import ErrorBody
from controlplane.xds.resources import extension, header
from extproc.contract.endpoints import ENDPOINTS
from extproc.contract.names import DETAILS_PREFIX, HEADER_ATTEMPTS, STATE_PATH
from protos.api import CelExpressionFilter

_FINISHED: Final = " || ".join(
    [
        f"response.code_details.startsWith('{DETAILS_PREFIX}')",
        "response.code_details == 'direct_response'",
        "response.code_details.startsWith('health_check_')",
    ]
)


_UNAVAILABLE: Final = "service_unavailable_error"
_NO_HEALTHY: Final = ErrorBody(
    503, "No provider of this model is healthy right now", _UNAVAILABLE, "no_healthy_providers"
)
_OVERLOADED: Final = ErrorBody(503, "Too many requests to this provider at once", _UNAVAILABLE, "overloaded")
_TIMEOUT: Final = ErrorBody(504, "The provider did not answer in time", "timeout_error", "timeout")
_UNREACHABLE: Final = ErrorBody(
    502, "The provider could not be reached or broke off", "api_error", "provider_error"
)
_TOO_LARGE: Final = ErrorBody(
    413,
    "The request body is larger than this gateway accepts",
    "invalid_request_error",
    "payload_too_large",
)
_INTERNAL: Final = ErrorBody(
    500, "Internal error; request id %REQ(X-REQUEST-ID)%", "internal_error", "internal_error"
)
_BAD_HTTP: Final = ErrorBody(
    400, "The gateway could not accept this HTTP request", "invalid_request_error", "bad_request"
)


def _flags(*flags: str) -> dict[str, Any]:
    return {"response_flag_filter": {"flags": flags}}


def _status(op: str, value: int) -> dict[str, Any]:
    # The runtime key is mandatory and never set: the default value decides.
    comparison = {"op": op, "value": {"default_value": value, "runtime_key": "llm.unset"}}
    return {"status_code_filter": {"comparison": comparison}}


def _details(expression: str) -> dict[str, Any]:
    return {"extension_filter": extension("cel", CelExpressionFilter(expression=expression))}


def _is_anthropic() -> str:
    """An attempt may have left another ``:path``; what came too early for filter state has the client's."""
    tests = []
    for row in ENDPOINTS:
        if row.errors == "anthropic":
            state = f"'{STATE_PATH}' in filter_state && filter_state['{STATE_PATH}'] == b'{row.path}'"
            early = f"!('{STATE_PATH}' in filter_state) && request.url_path == '{row.path}'"
            tests += [f"({state})", f"({early})"]
    return " || ".join(tests) or "false"


_IS_ANTHROPIC: Final = _details(_is_anthropic())


def _mapper(
    when: dict[str, Any], error: ErrorBody, status: int | None = None, retry_after: int | None = None
) -> list[dict[str, Any]]:
    """One mapper a shape; `status`: in place of Envoy's own."""
    headers = [header(HEADER_ATTEMPTS, "%UPSTREAM_REQUEST_ATTEMPT_COUNT%")]
    if retry_after is not None:
        headers.append(header("retry-after", str(retry_after)))
    mapped: dict[str, Any] = {"headers_to_add": headers}
    if status is not None:
        mapped["status_code"] = {"value": status}
    both = {"and_filter": {"filters": [when, _IS_ANTHROPIC]}}
    return [
        {"filter": both, "body_format_override": error.format("anthropic"), **mapped},
        {"filter": when, "body_format_override": error.format("openai"), **mapped},
    ]


def local_reply_config() -> dict[str, Any]:
    """``envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig``."""
    keep = {
        "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        "content_type": "application/json",
    }
    return {
        "mappers": [
            {"filter": _details(_FINISHED), "body_format_override": keep},
            *_mapper(_details("response.code_details.startsWith('ext_proc_')"), _INTERNAL, status=500),
            *_mapper(_status("EQ", 413), _TOO_LARGE),
            *_mapper(_flags("UH"), _NO_HEALTHY, retry_after=1),
            *_mapper(_flags("UO"), _OVERLOADED, status=503, retry_after=1),
            *_mapper(_flags("UT", "UMSDR"), _TIMEOUT, status=504),
            *_mapper(_status("EQ", 504), _TIMEOUT),
            *_mapper(_flags("NC"), _NO_HEALTHY, status=503, retry_after=1),
            *_mapper(_flags("UF", "UC", "UR", "URX", "LR", "UPE"), _UNREACHABLE, status=502),
            *_mapper(_status("GE", 500), _INTERNAL),
            {"filter": _IS_ANTHROPIC, "body_format_override": _BAD_HTTP.format("anthropic")},
        ],
        "body_format": _BAD_HTTP.format("openai"),
    }
