"""What passes between the HTTP server and the formats: a call, its reply, and the provider's errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One provider account that the simulator plays.

    name: the path segments before ``/v1``, joined by slashes; "" without prefix.
    api_key: the only key accepted; None accepts any that is not empty.
    models: what ``GET /v1/models`` lists.
    allow_unknown_fields: accept request fields that the vendor's SDK does not know, as the
        OpenAI-compatible servers (vLLM, Ollama, Together) do.
    """

    name: str
    api_key: str | None = None
    models: tuple[str, ...] = ("sim-small", "sim-large")
    allow_unknown_fields: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    path: without the account's prefix, so it begins with ``/v1``.
    full_path, query: as they came; the latter without ``?``.
    headers: case-insensitive.
    serial: unique in this process; ids of answers are made of it.
    now: seconds since the epoch.
    """

    account: Account
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    serial: int
    now: int
    full_path: str = ""
    query: str = ""


class Event(NamedTuple):
    """One event of a stream, framed; `pause` seconds pass before it."""

    data: bytes
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response: `body` at once, or `events` one after the other."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    events: Iterator[Event] | None = None


@dataclass(eq=False)
class ApiError(Exception):
    """A provider's error; each vendor renders it in its own shape.

    type, code: None for the vendor's usual words for `status`.
    """

    status: int
    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None

    @property
    def family(self) -> int:
        """400 or 500, whose words describe a status that has none of its own."""
        return 400 if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else 500


def read_object(body: bytes) -> dict[str, Any]:
    """`body` as a JSON object.

    Raises: ApiError (400).
    """
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"The body of your request is not valid JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise ApiError(400, "The body of your request is not a JSON object.")
    return decoded


def known_model(name: str) -> bool:
    """Every model exists, except those whose name begins with ``missing-``."""
    return not name.startswith("missing-")


def require_json(call: Call) -> None:
    """Raises: ApiError (400) for another content type than JSON, whatever its parameters."""
    content_type = call.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError(400, f"Invalid Content-Type header ({content_type}), expected application/json.")
