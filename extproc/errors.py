"""The errors of the request path, and what a client is told.

GatewayError
├── RequestError            400  the client's request is wrong (`param` names the field)
├── UnsupportedFieldError   400  the target cannot honour a field and the policy is `reject`
├── ProviderError           the provider said no, or failed
│   ├── ProviderRejected    its own 400, 404, 409, 413, 422
│   ├── ProviderRateLimited 429
│   └── ProviderFailed      502  everything else: 5xx, 401/403, in-band errors, broken answers
└── InternalError           500  ours; the client gets the request id only

Anything that is not a GatewayError is a bug and becomes an InternalError at the session's edge.
"""

from __future__ import annotations


class GatewayError(Exception):
    """An error with an answer for the client.

    message: safe to show to a client (no credential, address or stack).
    reason: safe to log. The message, unless that is in a provider's words: they may quote the request.
    status: HTTP status; type, code, param: as OpenAI's error object has them.
    """

    status: int = 500
    type: str = "internal_error"
    code: str | None = "internal_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = message
        self.param = param


class RequestError(GatewayError):
    """The client's request is not what the dialect allows."""

    status = 400
    type = "invalid_request_error"
    code = "validation_error"


class UnsupportedFieldError(RequestError):
    """The chosen provider cannot honour a field, and the model's policy is `reject`."""

    code = "unsupported_field"


class ProviderError(GatewayError):
    """The provider answered with an error.

    retry_after: seconds that it asks to wait, where it says so in the body; else its header tells.
    """

    type = "api_error"
    code = "provider_error"
    retry_after: float | None = None


class ProviderRejected(ProviderError):  # noqa: N818 - reads as what happened
    """The provider refused this request; another provider would be asked in vain."""

    def __init__(self, message: str, *, status: int, param: str | None = None) -> None:
        super().__init__(message, param=param)
        self.status = status


class ProviderRateLimited(ProviderError):  # noqa: N818
    """The provider's own limit is reached (HTTP 429, or its in-band equivalent)."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class ProviderFailed(ProviderError):  # noqa: N818
    """The provider failed; another may succeed."""

    status = 502


class InternalError(GatewayError):
    """A bug of ours."""


def internal_error(request_id: str) -> InternalError:
    """All that a client learns of a bug: how to find it in the log."""
    return InternalError(f"internal error; request id {request_id}")
