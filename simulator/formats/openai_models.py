"""``GET /v1/models`` and ``/v1/models/{id}`` as OpenAI has them.

https://platform.openai.com/docs/api-reference/models
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from simulator.formats.vendor_openai import OpenAI
from simulator.wire import ApiError, Call, Reply, known_model

_CREATED: Final = 1_700_000_000


class OpenAIModels:
    """See the module."""

    vendor = OpenAI()
    methods = ("GET",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:
        return (path == "/v1/models" or path.startswith("/v1/models/")) and "anthropic-version" not in headers

    def reply(self, call: Call) -> Reply:
        name = call.path.removeprefix("/v1/models").removeprefix("/")
        if not name:
            body: dict[str, Any] = {"object": "list", "data": [_model(each) for each in call.account.models]}
        elif known_model(name):
            body = _model(name)
        else:
            raise ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
        headers = (("content-type", "application/json"), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=msgspec.json.encode(body))

    def warm_up(self) -> None:
        """Nothing is slow here."""


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "simulator"}
