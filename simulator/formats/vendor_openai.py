"""OpenAI: bearer tokens, ``{"error": {message, type, param, code}}``.

Errors: https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from simulator.formats import vendor_azure as azure
from simulator.strict import Problem
from simulator.wire import ApiError, Call, Event, Reply

_WORDS: Final[dict[int, tuple[str, str | None, str]]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Access is not allowed."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    413: ("invalid_request_error", None, "The request is too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again in 1s."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}
_KINDS: Final = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "literal_error": "invalid_value",
    "union_tag_invalid": "invalid_value",
    "union_tag_not_found": "missing_required_parameter",
}


class OpenAI:
    """See the module."""

    name = "openai"

    def authenticate(self, call: Call) -> None:
        azure.check_version(call)
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if (azure_key := azure.key_of(call)) is not None:
            scheme, key = "bearer", azure_key
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiError(401, "You did not provide an API key: use the header Authorization: Bearer KEY.")
        if call.account.api_key not in (None, key.strip()):
            raise ApiError(401, f"Incorrect API key provided: {key[:4]}****.", code="invalid_api_key")

    def headers(self, serial: int) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", f"req_sim{serial:024d}"), ("openai-version", "2020-10-01"))

    def error(self, error: ApiError, serial: int) -> Reply:
        headers = (("content-type", "application/json"), *self.headers(serial))
        return Reply(status=error.status, headers=headers, body=msgspec.json.encode(_shape(error)))

    def error_event(self, error: ApiError, serial: int) -> Event:  # noqa: ARG002 - the event has no id
        return Event(b"data: " + msgspec.json.encode(_shape(error)) + b"\n\n")

    def overloaded(self) -> ApiError:
        return ApiError(503, _WORDS[503][2])


def _shape(error: ApiError) -> dict[str, Any]:
    usual_type, usual_code, usual_message = _WORDS.get(error.status, _WORDS[error.family])
    said = bool(error.message)
    return {
        "error": {
            "message": error.message or usual_message,
            "type": error.type or usual_type,
            "param": error.param,
            "code": error.code if said else usual_code,
        }
    }


def invalid(message: str, param: str, code: str | None = None) -> ApiError:
    """A 400 for the parameter `param`."""
    return ApiError(400, message, param=param, code=code)


def from_problem(problem: Problem) -> ApiError:
    """The 400 that says what `problem` says, with OpenAI's codes and its way to write a place."""
    param = place(problem.location)
    code = _KINDS.get(problem.kind, "invalid_type")
    match code:
        case "missing_required_parameter":
            message = f"Missing required parameter: '{param}'."
        case "unknown_parameter":
            message = f"Unknown parameter: '{param}'."
        case "invalid_value":
            message = f"Invalid value for '{param}': {problem.message}."
        case _:
            message = f"Invalid type for '{param}': {problem.message}."
    return invalid(message, param, code)


def place(location: tuple[str | int, ...]) -> str:
    """E.g. ``messages[0].content``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
