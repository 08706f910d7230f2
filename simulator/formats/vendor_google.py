"""Google: ``{"error": {"code", "message", "status", "details"}}``, a key at AI Studio, a token on Vertex AI.

https://ai.google.dev/gemini-api/docs/troubleshooting
https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from simulator.strict import Problem
from simulator.wire import ApiError, Call, Event, Reply

_WORDS: Final[dict[int, tuple[str, str]]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    409: ("ABORTED", "The operation was aborted."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
_PATH: Final = re.compile(
    r"/v1(?:beta1?)?(?P<project>/projects/[^/]+/locations/[^/]+)?(?:/publishers/google)?/models/"
    r"(?P<model>[^/:]+):(?P<method>generateContent|streamGenerateContent)"
)
_TYPE: Final = "type.googleapis.com/google.rpc"
_RETRY_DELAY: Final = "7s"


class Asked(msgspec.Struct, frozen=True):
    """What the path says: the model, the method, and whether it is one of Vertex AI's."""

    model: str
    stream: bool
    vertex: bool


def asked(path: str) -> Asked | None:
    """None for a path that is not Google's."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    return Asked(found["model"], found["method"] != "generateContent", found["project"] is not None)


class Google:
    """See the module."""

    name = "google"

    def authenticate(self, call: Call) -> None:
        what = asked(call.path)
        if what is not None and what.vertex:
            scheme, _, token = call.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or call.account.api_key not in (None, token.strip()):
                raise ApiError(401, "")
            return
        [key] = parse_qs(call.query).get("key", [""])[:1]
        key = call.headers.get("x-goog-api-key", "") or key
        if not key:
            raise ApiError(403, "Method doesn't allow unregistered callers. Please use API Key.")
        if call.account.api_key not in (None, key):
            raise ApiError(400, "API key not valid. Please pass a valid API key.", code="API_KEY_INVALID")

    def headers(self, serial: int) -> tuple[tuple[str, str], ...]:
        return (("x-gemini-service-tier", "standard"), ("server-timing", f"gfet4t7; dur={serial}"))

    def error(self, error: ApiError, serial: int) -> Reply:
        headers = (("content-type", "application/json; charset=UTF-8"), *self.headers(serial))
        return Reply(status=error.status, headers=headers, body=msgspec.json.encode(_shape(error)))

    def error_event(self, error: ApiError, serial: int) -> Event:  # noqa: ARG002 - the same for all
        return Event(b"data: " + msgspec.json.encode(_shape(error)) + b"\r\n\r\n")

    def overloaded(self) -> ApiError:
        return ApiError(503, "")


def _shape(error: ApiError) -> dict[str, Any]:
    usual_status, usual_message = _WORDS.get(error.status, _WORDS[error.family])
    body: dict[str, Any] = {
        "code": error.status,
        "message": error.message or usual_message,
        "status": error.type or usual_status,
    }
    if error.code is not None:
        body["details"] = [{"@type": f"{_TYPE}.ErrorInfo", "reason": error.code, "domain": "googleapis.com"}]
    if body["status"] == "RESOURCE_EXHAUSTED":
        body["details"] = [{"@type": f"{_TYPE}.RetryInfo", "retryDelay": _RETRY_DELAY}]
    return {"error": body}


def invalid(message: str) -> ApiError:
    return ApiError(400, message)


def from_problem(problem: Problem) -> ApiError:
    """The 400 that says what `problem` says."""
    place = ".".join(str(part) for part in problem.location)
    if problem.kind == "extra_forbidden":
        *parents, name = problem.location
        inside = ".".join(str(part) for part in parents)
        return invalid(
            f"Invalid JSON payload received. Unknown name \"{name}\" at '{inside}': Cannot find field."
        )
    return invalid(f"Invalid value at '{place}': {problem.message}")
