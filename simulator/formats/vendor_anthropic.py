"""Anthropic: a key and ``anthropic-version``, ``{"type": "error", "error", "request_id"}``.

The key may come as ``x-api-key`` or, as the SDK has sent it since 2.0, as a bearer token; the
former counts if both are there: https://platform.claude.com/docs/en/manage-claude/authentication
Versions: https://platform.claude.com/docs/en/api/migration-2026-10-21
Errors: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from simulator.strict import Problem
from simulator.wire import ApiError, Call, Event, Reply

CURRENT_VERSION: Final = "2026-10-21"
SAMPLING_VERSION: Final = "2023-06-01"
"""The last version that takes temperature, top_p and top_k."""

_WORDS: Final[dict[int, tuple[str, str]]] = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "There is an issue with your billing."),
    403: ("permission_error", "Your API key does not have permission to use this resource."),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "The request timed out"),
    529: ("overloaded_error", "Overloaded"),
}


class Anthropic:
    """See the module."""

    name = "anthropic"

    def authenticate(self, call: Call) -> None:
        scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
        key = call.headers.get("x-api-key", "").strip() or (
            bearer.strip() if scheme.lower() == "bearer" else ""
        )
        if not key:
            raise ApiError(401, "x-api-key header is required")
        if call.account.api_key not in (None, key):
            raise ApiError(401, "invalid x-api-key")
        version = call.headers.get("anthropic-version")
        if not version:
            raise ApiError(400, "anthropic-version: header is required")
        if version not in (SAMPLING_VERSION, CURRENT_VERSION):
            raise ApiError(400, f'anthropic-version: "{version}" is not a valid version')

    def headers(self, serial: int) -> tuple[tuple[str, str], ...]:
        return (("request-id", request_id(serial)),)

    def error(self, error: ApiError, serial: int) -> Reply:
        headers = (("content-type", "application/json"), *self.headers(serial))
        return Reply(status=error.status, headers=headers, body=msgspec.json.encode(_shape(error, serial)))

    def error_event(self, error: ApiError, serial: int) -> Event:
        return Event(b"event: error\ndata: " + msgspec.json.encode(_shape(error, serial)) + b"\n\n")

    def overloaded(self) -> ApiError:
        return ApiError(529, "Overloaded")


def _shape(error: ApiError, serial: int) -> dict[str, Any]:
    usual_type, usual_message = _WORDS.get(error.status, _WORDS[error.family])
    body = {"type": error.type or usual_type, "message": error.message or usual_message}
    return {"type": "error", "error": body, "request_id": request_id(serial)}


def request_id(serial: int) -> str:
    return f"req_sim{serial:021d}"


def invalid(message: str) -> ApiError:
    return ApiError(400, message)


def from_problem(problem: Problem) -> ApiError:
    """The 400 that says what `problem` says; places are dotted and name the kinds of blocks on the way."""
    place = ".".join(str(part) for part in problem.tags)
    return invalid(f"{place}: {problem.message}")
