"""What Gemini's errors mean: https://ai.google.dev/gemini-api/docs/troubleshooting

``{"error": {"code", "message", "status", "details"}}``, in a list of one where a stream without SSE fails.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Raw

from extproc.errors import ProviderError
from extproc.providers.faults import Fault, fault_error, read_fault
from extproc.providers.google import shapes
from extproc.wire.rawjson import MalformedJSON, decoder

KINDS: Final = {
    "INVALID_ARGUMENT": "invalid_request_error",
    "OUT_OF_RANGE": "invalid_request_error",
    "NOT_FOUND": "not_found_error",
    "UNAUTHENTICATED": "authentication_error",
    "PERMISSION_DENIED": "permission_error",
    # The country, or a bill: nothing that the client's request could change.
    "FAILED_PRECONDITION": "permission_error",
    "RESOURCE_EXHAUSTED": "rate_limit_error",
    "DEADLINE_EXCEEDED": "timeout_error",
    "UNAVAILABLE": "overloaded_error",
    "INTERNAL": "internal_error",
    "UNKNOWN": "internal_error",
    "ABORTED": "internal_error",
    "DATA_LOSS": "internal_error",
}
"""Google's status (google.rpc.Code) in the words that ``faults`` knows."""

_BAD_KEY: Final = frozenset(
    {
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "API_KEY_EXPIRED",
        "API_KEY_INVALID",
        "API_KEY_SERVICE_BLOCKED",
        "BILLING_DISABLED",
        "CONSUMER_INVALID",
        "CONSUMER_SUSPENDED",
        "SERVICE_DISABLED",
        "USER_PROJECT_DENIED",
    }
)
"""Reasons (google.api.ErrorReason) that are the gateway's own fault; AI Studio says some under a 400."""

_DELAY: Final = re.compile(r"\d{1,6}(\.\d{1,9})?s")

_read_failure: Final = decoder(shapes.Failure)
_read_failures: Final = decoder(list[shapes.Failure])


def read_error(body: bytes | Raw, status: int | None = None) -> ProviderError:
    """The error in `body`, an answer of HTTP `status` (None: in a stream, or under a 200). Never raises."""
    failure = _error(body)
    error = fault_error(_fault(read_fault(body), failure), status)
    error.retry_after = _wait(failure)
    return error


def _fault(fault: Fault, error: shapes.Error | None) -> Fault:
    if error is None:
        return fault
    reasons = {detail.reason for detail in error.details or ()}
    if reasons & _BAD_KEY:
        return Fault(kinds=("authentication_error",), status=error.code)
    kind = KINDS.get(error.status or "")
    return fault if kind is None else Fault(fault.message, (kind,), fault.param, fault.status)


def _wait(error: shapes.Error | None) -> float | None:
    """Seconds, from a RetryInfo (google.protobuf.Duration, ``34.4s``)."""
    for detail in (error.details or ()) if error is not None else ():
        if detail.retry_delay is not None and _DELAY.fullmatch(detail.retry_delay):
            return float(detail.retry_delay[:-1])
    return None


def _error(body: bytes | Raw) -> shapes.Error | None:
    try:
        if bytes(body).lstrip()[:1] != b"[":
            return _read_failure(body).error
        failures = _read_failures(body)
    except MalformedJSON:
        return None
    return failures[0].error if failures else None
