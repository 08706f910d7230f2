"""What a provider's error means for the client, whatever the provider is.

Classified by status, then by the vendor's ``type`` or ``code``; never by prose (config.md has the
table). The prose is shown to clients where the request itself is at fault, without what could be a
credential or an address.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec import Raw

from extproc.errors import ProviderError, ProviderFailed, ProviderRateLimited, ProviderRejected
from extproc.wire.rawjson import MalformedJSON, decode

REJECTED: Final = frozenset({400, 404, 409, 413, 422})
"""Statuses that say that the request is at fault: kept, and no other provider is asked."""

_RATE_LIMITED: Final = 429
_ACCOUNT: Final = frozenset({401, 402, 403})
_ACCOUNT_TYPES: Final = frozenset(
    {"authentication_error", "permission_error", "billing_error", "invalid_api_key"}
)
_RATE_TYPES: Final = frozenset({"rate_limit_error", "rate_limit_exceeded", "tokens", "requests"})
_FAILED_TYPES: Final = frozenset(
    {"overloaded_error", "api_error", "server_error", "timeout_error", "internal_error"}
)
_REJECTED_TYPES: Final = {
    "invalid_request_error": 400,
    "BadRequestError": 400,
    "context_length_exceeded": 400,
    "content_policy_violation": 400,
    "not_found_error": 404,
    "request_too_large": 413,
}
_KNOWN_TYPES: Final = _ACCOUNT_TYPES | _RATE_TYPES | _FAILED_TYPES | _REJECTED_TYPES.keys()
"""What may go into a log; anything else could be a quotation."""
MAX_MESSAGE: Final = 2000
"""Characters of a vendor's message that a client gets."""

_PUBLIC_HOSTS: Final = (
    "openai.com",
    "anthropic.com",
    "claude.com",
    "vllm.ai",
    "ollama.com",
    "together.ai",
    "ai.google.dev",
    "cloud.google.com",
)
"""Vendors' documentation, which their messages point at; other addresses are nobody's business."""

_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>)\]]+", re.IGNORECASE)
_HOST: Final = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9a-f:]*:[0-9a-f:]*\](?::\d+)?|\b[a-z][\w-]*(?:\.[\w-]+)+:\d{2,5}\b|\b[a-z][\w-]*:\d{4,5}\b",
    re.IGNORECASE,
)
_CREDENTIAL: Final = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|hf|AIza|AKIA|ASIA|eyJ)[-_A-Za-z0-9*.]{8,}|\b(?:Bearer|Basic)\s+\S+|[A-Za-z0-9_-]{2,}\*{3,}[A-Za-z0-9_-]*"
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Fault(msgspec.Struct, frozen=True):
    """A vendor's error object: its words, and its classes (``type``, then ``code``)."""

    message: str = ""
    kinds: tuple[str, ...] = ()
    param: str | None = None
    status: int | None = None


def read_fault(body: bytes | Raw) -> Fault:
    """The error object in `body`, wherever the vendor put it; an empty one if there is none.

    Seen: ``{"error": {...}}`` (OpenAI, Anthropic), ``{"error": "text"}`` (Ollama), the bare object
    (older vLLM), ``{"detail": ...}`` (FastAPI), ``[{"error": {...}}]`` (Gemini's compatible API).
    """
    fields = _object(body)
    for name in ("error", "detail"):
        inner = fields.get(name)
        if inner is not None and (found := _string(inner)) is not None:
            return Fault(found)
        if inner is not None and bytes(inner).lstrip()[:1] in (b"{", b"["):
            fields = _object(inner)
            break
    code = fields.get("code")
    kinds = tuple(
        kind for name in ("type", "code", "status") if (kind := _string(fields.get(name))) is not None
    )
    message = _string(fields.get("message")) or _string(fields.get("msg")) or ""
    return Fault(message, kinds, _string(fields.get("param")), _status(code))


def fault_error(fault: Fault, status: int | None = None) -> ProviderError:
    """The error that `fault` means, in an answer of HTTP `status` (None: in a stream, or under a 200)."""
    error = _classified(fault, status or fault.status)
    known = [kind for kind in fault.kinds if kind in _KNOWN_TYPES]
    error.reason = f"the provider said {known[0] if known else 'that it failed'}"
    return error


def _classified(fault: Fault, status: int | None) -> ProviderError:
    if status == _RATE_LIMITED:
        return ProviderRateLimited(_told(fault, "the provider's rate limit is reached"))
    if status in _ACCOUNT or any(kind in _ACCOUNT_TYPES for kind in fault.kinds):
        # What vendors write here names keys and accounts.
        return ProviderFailed("the provider refused the gateway's credentials or account")
    if status is not None and status not in REJECTED:
        return ProviderFailed(_told(fault, f"the provider failed with status {status}"))
    return _by_kind(fault, status)


def _by_kind(fault: Fault, status: int | None) -> ProviderError:
    for kind in fault.kinds:
        if kind in _RATE_TYPES:
            return ProviderRateLimited(_told(fault, "the provider's rate limit is reached"))
        if kind in _FAILED_TYPES:
            return ProviderFailed(_told(fault, "the provider failed"))
        if status is None and kind in _REJECTED_TYPES:
            status = _REJECTED_TYPES[kind]
    if status is None:
        return ProviderFailed(_told(fault, "the provider failed"))
    return ProviderRejected(
        _told(fault, f"the provider refused the request with status {status}"),
        status=status,
        param=fault.param,
    )


def safe(message: str) -> str:
    """`message` fit for a client's eyes."""
    message = _CONTROL.sub(" ", message[: 4 * MAX_MESSAGE])
    message = _URL.sub(_public, message)
    message = _CREDENTIAL.sub("[redacted]", message)
    message = _HOST.sub("[address]", message).strip()
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def _public(url: re.Match[str]) -> str:
    host = url[0].partition("://")[2].partition("/")[0].lower()
    public = any(host == name or host.endswith("." + name) for name in _PUBLIC_HOSTS)
    return url[0].partition("?")[0] if public and not host.startswith("api.") else "[address]"


def _told(fault: Fault, otherwise: str) -> str:
    return safe(fault.message) or otherwise


def _object(body: bytes | Raw) -> dict[str, Raw]:
    try:
        return decode(body, dict[str, Raw])
    except MalformedJSON:
        pass
    try:
        items = decode(body, list[dict[str, Raw]])
    except MalformedJSON:
        return {}
    return items[0] if items else {}


def _string(value: Raw | None) -> str | None:
    if value is None or not bytes(value).startswith(b'"'):
        return None
    try:
        return decode(value, str)
    except MalformedJSON:
        return None


def _status(code: Raw | None) -> int | None:
    """A numeric ``code`` in an error object is an HTTP status (OpenRouter, vLLM, Gemini)."""
    if code is None or not bytes(code).isdigit() or len(bytes(code)) != len("500"):
        return None
    status = int(bytes(code))
    return status if status >= 400 else None  # noqa: PLR2004 - where errors begin
