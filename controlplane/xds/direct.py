"""Answers that need no provider: health, the list of models, and the client's mistakes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from controlplane.xds.error_bodies import ErrorBody
from controlplane.xds.resources import header
from extproc.contract import names
from extproc.contract.endpoints import ErrorShape
from protos.api import Route

_OWNER: Final = "llm-gateway"
_CREATED: Final = 1_700_000_000
"""Model cards must have a creation time; it is the same on every replica."""
_CREATED_AT: Final = "2023-11-14T22:13:20Z"
_INVALID: Final = "invalid_request_error"


def _direct(name: str, status: int, response: dict[str, Any], **route: Any) -> Route:
    return Route(name=name, match={"prefix": "/"}, direct_response={"status": status, **response}, **route)


def _json(name: str, content: Any) -> Route:
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    headers = [header("content-type", "application/json")]
    return _direct(name, 200, {"body": {"inline_string": text}}, response_headers_to_add=headers)


def _error(shape: ErrorShape, name: str, error: ErrorBody, **route: Any) -> Route:
    told = {"body_format": error.format(shape)}
    return _direct(name if shape == "openai" else f"{name}/{shape}", error.status, told, **route)


def _card(model: str) -> dict[str, Any]:
    """One object for clients of OpenAI's API and of Anthropic's, who ignore each other's fields.

    https://platform.openai.com/docs/api-reference/models/object, https://platform.claude.com/docs/en/api/models
    """
    return {
        "id": model,
        "object": "model",
        "created": _CREATED,
        "owned_by": _OWNER,
        "type": "model",
        "display_name": model,
        "created_at": _CREATED_AT,
        "lifecycle": "active",
    }


def health_live() -> Route:
    return _json("health/live", {"status": "live"})


def model_list(models: Sequence[str]) -> Route:
    ends = {"first_id": models[0], "last_id": models[-1]} if models else {"first_id": None, "last_id": None}
    cards = [_card(model) for model in models]
    return _json("models", {"object": "list", "data": cards, "has_more": False, **ends})


def model_card(model: str) -> Route:
    return _json(f"models/{model}", _card(model))


def unknown_model(shape: ErrorShape) -> Route:
    model = f"%DYNAMIC_METADATA({names.REQUEST_NAMESPACE}:model)%"
    message = f"The model `{model}` does not exist or you do not have access to it"
    error = ErrorBody(404, message, _INVALID, "model_not_found", "model")
    return _error(shape, "unknown_model", error)


def unknown_model_card() -> Route:
    message = "There is no model at %PATH(NQ:PATH)%"
    error = ErrorBody(404, message, _INVALID, "model_not_found", "model")
    return _error("openai", "unknown_model_card", error)


def missing_model(shape: ErrorShape) -> Route:
    error = ErrorBody(400, "You must name a model", _INVALID, "validation_error", "model")
    return _error(shape, "missing_model", error)


def bad_json(shape: ErrorShape) -> Route:
    error = ErrorBody(400, "The request body is not valid JSON", _INVALID, "validation_error")
    return _error(shape, "bad_json", error)


def unsupported_media_type(shape: ErrorShape) -> Route:
    message = (
        "The request needs a JSON body and the header content-type: application/json; "
        "of forms (multipart) the model is not read"
    )
    error = ErrorBody(415, message, _INVALID, "unsupported_media_type")
    return _error(shape, "unsupported_media_type", error)


def unknown_url(shape: ErrorShape) -> Route:
    message = "Unknown request URL: %REQ(:METHOD)% %PATH(NQ:PATH)%"
    return _error(shape, "unknown_url", ErrorBody(404, message, _INVALID, "unknown_url"))


def method_not_allowed(allow: str, shape: ErrorShape) -> Route:
    message = f"%REQ(:METHOD)% is not allowed here; use {allow}"
    error = ErrorBody(405, message, _INVALID, "method_not_allowed")
    headers = [header("allow", allow)]
    return _error(shape, f"method_not_allowed/{allow}", error, response_headers_to_add=headers)
