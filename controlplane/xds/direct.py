"""Answers that need no provider: health, the list of models, and the client's mistakes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from controlplane.xds.local_replies import error_body
from controlplane.xds.resources import header
from extproc.contract import names
from protos.api import Route

_OWNER: Final = "llm-gateway"
_CREATED: Final = 1_700_000_000
"""Model cards must have a creation time; it is the same on every replica."""
_INVALID: Final = "invalid_request_error"


def _direct(name: str, status: int, response: dict[str, Any], **route: Any) -> Route:
    return Route(name=name, match={"prefix": "/"}, direct_response={"status": status, **response}, **route)


def _json(name: str, content: Any) -> Route:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    headers = [header("content-type", "application/json")]
    return _direct(name, 200, {"body": {"inline_string": text}}, response_headers_to_add=headers)


def _error(name: str, status: int, message: str, code: str, param: str | None = None, **route: Any) -> Route:
    return _direct(name, status, {"body_format": error_body(message, _INVALID, code, param)}, **route)


def _card(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": _CREATED, "owned_by": _OWNER}


def health_live() -> Route:
    return _json("health/live", {"status": "live"})


def model_list(models: Sequence[str]) -> Route:
    return _json("models", {"object": "list", "data": [_card(model) for model in models]})


def model_card(model: str) -> Route:
    return _json(f"models/{model}", _card(model))


def unknown_model() -> Route:
    model = f"%DYNAMIC_METADATA({names.REQUEST_NAMESPACE}:model)%"
    message = f"The model `{model}` does not exist or you do not have access to it"
    return _error("unknown_model", 404, message, "model_not_found", "model")


def unknown_model_card() -> Route:
    message = "There is no model at %PATH(NQ:PATH)%"
    return _error("unknown_model_card", 404, message, "model_not_found", "model")


def missing_model() -> Route:
    return _error("missing_model", 400, "You must name a model", "validation_error", "model")


def bad_json() -> Route:
    return _error("bad_json", 400, "The request body is not valid JSON", "validation_error")


def unsupported_media_type() -> Route:
    message = "The request needs a JSON body and the header content-type: application/json"
    return _error("unsupported_media_type", 415, message, "unsupported_media_type")


def unknown_url() -> Route:
    message = "Unknown request URL: %REQ(:METHOD)% %PATH(NQ:PATH)%"
    return _error("unknown_url", 404, message, "unknown_url")


def method_not_allowed(allow: str) -> Route:
    message = f"%REQ(:METHOD)% is not allowed here; use {allow}"
    headers = [header("allow", allow)]
    return _error(
        f"method_not_allowed/{allow}", 405, message, "method_not_allowed", response_headers_to_add=headers
    )
