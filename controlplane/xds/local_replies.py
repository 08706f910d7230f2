"""OpenAI-shaped bodies for the replies that Envoy makes itself (config.md, "What a client sees").

Routes and ext_proc bring finished bodies; the first mapper leaves those alone (trap 15). The others turn
Envoy's response flags and statuses into the table's rows; texts never name an address.
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage#response-flags
"""

from __future__ import annotations

from typing import Any, Final

from controlplane.xds.resources import extension, header
from extproc.contract.names import DETAILS_PREFIX, HEADER_ATTEMPTS
from protos.api import CelExpressionFilter

_FINISHED: Final = " || ".join(
    [
        f"response.code_details.startsWith('{DETAILS_PREFIX}')",
        "response.code_details == 'direct_response'",
        "response.code_details.startsWith('health_check_')",
    ]
)


def error_body(message: str, error_type: str, code: str, param: str | None = None) -> dict[str, Any]:
    """A SubstitutionFormatString: the OpenAI error object; `message` may hold ``%…%`` operators."""
    error = {"message": message, "type": error_type, "param": param, "code": code}
    return {"json_format": {"error": error}, "content_type": "application/json"}


_UNAVAILABLE: Final = "service_unavailable_error"
_NO_HEALTHY: Final = error_body(
    "No provider of this model is healthy right now", _UNAVAILABLE, "no_healthy_providers"
)
_OVERLOADED: Final = error_body("Too many requests to this provider at once", _UNAVAILABLE, "overloaded")
_TIMEOUT: Final = error_body("The provider did not answer in time", "timeout_error", "timeout")
_UNREACHABLE: Final = error_body(
    "The provider could not be reached or broke off", "api_error", "provider_error"
)
_TOO_LARGE: Final = error_body(
    "The request body is larger than this gateway accepts", "invalid_request_error", "payload_too_large"
)
_INTERNAL: Final = error_body(
    "Internal error; request id %REQ(X-REQUEST-ID)%", "internal_error", "internal_error"
)
_BAD_HTTP: Final = error_body(
    "The gateway could not accept this HTTP request", "invalid_request_error", "bad_request"
)


def _flags(*flags: str) -> dict[str, Any]:
    return {"response_flag_filter": {"flags": flags}}


def _status(op: str, value: int) -> dict[str, Any]:
    # The runtime key is mandatory and never set: the default value decides.
    comparison = {"op": op, "value": {"default_value": value, "runtime_key": "llm.unset"}}
    return {"status_code_filter": {"comparison": comparison}}


def _details(expression: str) -> dict[str, Any]:
    return {"extension_filter": extension("cel", CelExpressionFilter(expression=expression))}


def _mapper(
    when: dict[str, Any], body: dict[str, Any], status: int | None = None, retry_after: int | None = None
) -> dict[str, Any]:
    headers = [header(HEADER_ATTEMPTS, "%UPSTREAM_REQUEST_ATTEMPT_COUNT%")]
    if retry_after is not None:
        headers.append(header("retry-after", str(retry_after)))
    mapped: dict[str, Any] = {"filter": when, "body_format_override": body, "headers_to_add": headers}
    if status is not None:
        mapped["status_code"] = {"value": status}
    return mapped


def local_reply_config() -> dict[str, Any]:
    """``envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig``."""
    keep = {
        "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        "content_type": "application/json",
    }
    return {
        "mappers": [
            {"filter": _details(_FINISHED), "body_format_override": keep},
            _mapper(_details("response.code_details.startsWith('ext_proc_')"), _INTERNAL, status=500),
            _mapper(_status("EQ", 413), _TOO_LARGE),
            _mapper(_flags("UH"), _NO_HEALTHY, retry_after=1),
            _mapper(_flags("UO"), _OVERLOADED, status=503, retry_after=1),
            _mapper(_flags("UT", "UMSDR"), _TIMEOUT, status=504),
            _mapper(_status("EQ", 504), _TIMEOUT),
            _mapper(_flags("NC"), _NO_HEALTHY, status=503, retry_after=1),
            _mapper(_flags("UF", "UC", "UR", "URX", "LR", "UPE"), _UNREACHABLE, status=502),
            _mapper(_status("GE", 500), _INTERNAL),
        ],
        "body_format": _BAD_HTTP,
    }
