"""AWS Bedrock: signed requests (or an API key as bearer token), errors named in ``x-amzn-errortype``.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

import msgspec

from simulator.formats.bedrock_eventstream import exception
from simulator.formats.bedrock_signature import check_signature
from simulator.wire import ApiError, Call, Event, Reply

_PATH: Final = re.compile(r"/v1/model/(?P<model>[^/]+)/converse(?P<stream>-stream)?")
_WORDS: Final[dict[int, tuple[str, str]]] = {
    400: ("ValidationException", "The request is not valid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: (
        "ResourceNotFoundException",
        "Could not resolve the foundation model from its identifier.",
    ),
    408: ("ModelTimeoutException", "Model has timed out in processing the request."),
    424: ("ModelErrorException", "The model failed while it processed the request."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error during processing."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}


class Asked(NamedTuple):
    model: str
    stream: bool


def asked(path: str) -> Asked | None:
    """What the path of a call says, of which the body says nothing; None for another format's."""
    found = _PATH.fullmatch(path)
    return None if found is None else Asked(unquote(found["model"]), found["stream"] is not None)


class Bedrock:
    """See the module."""

    name = "bedrock"

    def authenticate(self, call: Call) -> None:
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            check_signature(call)
        elif not key.strip() or call.account.api_key not in (None, key.strip()):
            raise ApiError(403, "Authentication failed: Please make sure your API Key is valid.")

    def headers(self, serial: int) -> tuple[tuple[str, str], ...]:
        return (("x-amzn-requestid", f"00000000-0000-4000-8000-{serial:012d}"),)

    def error(self, error: ApiError, serial: int) -> Reply:
        usual_type, usual_message = _WORDS.get(error.status, _WORDS[error.family])
        named = f"{error.type or usual_type}:http://internal.amazon.com/coral/com.amazon.bedrock/"
        headers = (
            ("content-type", "application/json"),
            ("x-amzn-errortype", named),
            *self.headers(serial),
        )
        body = msgspec.json.encode({"message": error.message or usual_message})
        return Reply(status=error.status, headers=headers, body=body)

    def error_event(self, error: ApiError, serial: int) -> Event:  # noqa: ARG002 - the event has no id
        usual_type, usual_message = _WORDS.get(error.status, _WORDS[error.family])
        kind = error.type or usual_type
        return Event(exception(kind[0].lower() + kind[1:], error.message or usual_message))

    def overloaded(self) -> ApiError:
        return ApiError(503, _WORDS[503][1])


def invalid(message: str) -> ApiError:
    return ApiError(400, message)
