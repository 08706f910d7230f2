"""What an error that Envoy itself answers with looks like, in the shapes that clients read."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from extproc.contract.endpoints import ErrorShape

_ANTHROPIC_TYPES: Final = {
    400: "invalid_request_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""By status: https://docs.anthropic.com/en/api/errors."""


class ErrorBody(NamedTuple):
    """message: may hold ``%…%`` operators. type, code, param: as OpenAI's error object has them."""

    status: int
    message: str
    type: str
    code: str
    param: str | None = None

    def format(self, shape: ErrorShape) -> dict[str, Any]:
        """A SubstitutionFormatString."""
        return {"json_format": self._object(shape), "content_type": "application/json"}

    def _object(self, shape: ErrorShape) -> dict[str, Any]:
        if shape == "anthropic":
            error = {"type": _ANTHROPIC_TYPES[self.status], "message": self.message}
            return {"type": "error", "error": error, "request_id": "%REQ(X-REQUEST-ID)%"}
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }
