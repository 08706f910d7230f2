"""``POST /v1/messages/count_tokens``: https://platform.claude.com/docs/en/api/messages-count-tokens"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec

from simulator.formats.vendor_anthropic import Anthropic, from_problem
from simulator.strict import RequestType
from simulator.tokens import count
from simulator.wire import ApiError, Call, Reply, known_model, read_object, require_json


class AnthropicCountTokens:
    """Counts as the answer's usage does."""

    vendor = Anthropic()
    methods = ("POST",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path == "/v1/messages/count_tokens"

    def warm_up(self) -> None:
        _request_type(lenient=False)

    def reply(self, call: Call) -> Reply:
        require_json(call)
        body = read_object(call.body)
        request_type = _request_type(lenient=call.account.allow_unknown_fields)
        problem = request_type.check(body) if request_type else None
        if problem is not None:
            raise from_problem(problem)
        if not known_model(body["model"]):
            raise ApiError(404, f"model: {body['model']}")
        tokens = count(body["messages"]) + count(body.get("system")) + count(body.get("tools"))
        headers = (("content-type", "application/json"), *self.vendor.headers(call.serial))
        payload = msgspec.json.encode({"input_tokens": tokens})
        return Reply(status=200, headers=headers, body=payload, events=None)


@cache
def _request_type(*, lenient: bool) -> RequestType | None:
    try:
        from anthropic.types import message_count_tokens_params as params  # noqa: PLC0415 - optional
    except ModuleNotFoundError:
        return None
    return RequestType(params.MessageCountTokensParams, allow_unknown_fields=lenient)
