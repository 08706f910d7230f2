"""``GET /v1/models`` and ``/v1/models/{id}`` as Anthropic has them.

https://platform.claude.com/docs/en/api/models/list
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.formats.vendor_anthropic import Anthropic
from simulator.wire import ApiError, Call, Reply, known_model


class AnthropicModels:
    """See the module."""

    vendor = Anthropic()
    methods = ("GET",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:
        return (path == "/v1/models" or path.startswith("/v1/models/")) and "anthropic-version" in headers

    def reply(self, call: Call) -> Reply:
        name = call.path.removeprefix("/v1/models").removeprefix("/")
        models = call.account.models
        if not name:
            body: dict[str, Any] = {
                "data": [_model(each) for each in models],
                "has_more": False,
                "first_id": models[0] if models else None,
                "last_id": models[-1] if models else None,
            }
        elif known_model(name):
            body = _model(name)
        else:
            raise ApiError(404, f"model: {name}")
        headers = (("content-type", "application/json"), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=msgspec.json.encode(body))

    def warm_up(self) -> None:
        """Nothing is slow here."""


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2025-01-31T00:00:00Z",
        "lifecycle": "active",
    }
