"""``POST /v1/responses``, with state: a stored response can be continued by its id.

https://platform.openai.com/docs/api-reference/responses/create
https://platform.openai.com/docs/guides/conversation-state
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from simulator.answer import Prompt, Tool, answer
from simulator.directives import extract
from simulator.formats.openai_responses_turn import Turn
from simulator.formats.vendor_openai import OpenAI, from_problem, invalid
from simulator.strict import RequestType
from simulator.wire import ApiError, Call, Reply, known_model, read_object, require_json

_KEPT: Final = 1_000
"""Responses that one account can be asked about."""
_CALLS: Final = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


class OpenAIResponses:
    """See the module."""

    vendor = OpenAI()
    methods = ("POST",)

    def __init__(self) -> None:
        self._stored: OrderedDict[tuple[str, str], list[dict[str, Any]]] = OrderedDict()

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path == "/v1/responses"

    def warm_up(self) -> None:
        _request_type(stream=False, lenient=False)
        _request_type(stream=True, lenient=False)

    def reply(self, call: Call) -> Reply:
        require_json(call)
        body = read_object(call.body)
        _check(body, lenient=call.account.allow_unknown_fields)
        if not known_model(body["model"]):
            raise ApiError(
                400, f"The requested model '{body['model']}' does not exist.", code="model_not_found"
            )
        items = [*self._earlier(call, body), *_items(body)]
        _check_calls(items)
        prompt = _prompt(call.account.name, body, items)
        turn = Turn(call, body, answer(prompt), prompt.directives.delay, items)
        if body.get("store", True):
            self._store(call.account.name, turn.id, [*items, *turn.output()])
        if body.get("stream"):
            content_type, payload, events = "text/event-stream; charset=utf-8", b"", turn.events()
        else:
            content_type, payload, events = "application/json", msgspec.json.encode(turn.response()), None
        headers = (("content-type", content_type), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=payload, events=events)

    def _earlier(self, call: Call, body: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = body.get("previous_response_id")
        if wanted is None:
            return []
        found = self._stored.get((call.account.name, wanted))
        if found is None:
            raise invalid(
                f"Previous response with id '{wanted}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
        return found

    def _store(self, account: str, response: str, items: list[dict[str, Any]]) -> None:
        self._stored[account, response] = items
        while len(self._stored) > _KEPT:
            self._stored.popitem(last=False)


@cache
def _request_type(*, stream: bool, lenient: bool) -> RequestType:
    from openai.types.responses import response_create_params as params  # noqa: PLC0415 - half a second

    typed_dict = params.ResponseCreateParamsStreaming if stream else params.ResponseCreateParamsNonStreaming
    return RequestType(typed_dict, allow_unknown_fields=lenient)


def _check(body: dict[str, Any], *, lenient: bool) -> None:
    stream = body.get("stream")
    if stream not in (None, True, False):
        raise invalid("Invalid type for 'stream': expected a boolean.", "stream", "invalid_type")
    problem = _request_type(stream=bool(stream), lenient=lenient).check(body)
    if problem is not None:
        raise from_problem(problem)
    for name in ("model", "input"):
        if not body.get(name):
            raise invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if body.get("conversation") is not None and body.get("previous_response_id") is not None:
        raise invalid("Use either 'conversation' or 'previous_response_id'.", "conversation")


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    given = body["input"]
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def _check_calls(items: list[dict[str, Any]]) -> None:
    """Each call has an output and each output a call, as OpenAI demands."""
    called = {item["call_id"]: item["type"] for item in items if item.get("type") in _CALLS}
    answered = {item["call_id"] for item in items if item.get("type") in _CALLS.values()}
    for item in items:
        if item.get("type") in _CALLS.values() and item["call_id"] not in called:
            raise invalid(f"No tool call found for {item['type']} with call_id {item['call_id']}.", "input")
    for call_id, kind in called.items():
        if call_id not in answered:
            raise invalid(f"No tool output found for {kind} {call_id}.", "input")


def _prompt(account: str, body: dict[str, Any], items: list[dict[str, Any]]) -> Prompt:
    texts = [_text(item["content"]) for item in items if item.get("role") == "user"]
    text, directives = extract(texts[-1] if texts else "")
    results: list[str] = []
    for item in reversed(items):
        if item.get("type") not in _CALLS.values():
            break
        results.insert(0, _text(item["output"]))
    tools, must_call = _offered(body)
    wanted = (body.get("text") or {}).get("format") or {}
    return Prompt(
        account=account,
        model=body["model"],
        text=text,
        directives=directives,
        results=tuple(results),
        tools=tools,
        must_call=must_call,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=wanted.get("schema", {}) if wanted.get("type") in ("json_schema", "json_object") else None,
        max_tokens=body.get("max_output_tokens"),
        thinks=(body.get("reasoning") or {}).get("effort") not in (None, "none"),
    )


def _text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if "text" in part)


def _offered(body: dict[str, Any]) -> tuple[tuple[Tool, ...], bool]:
    """The functions that may be called, and whether one must be; other tools are never called."""
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    tools = tuple(Tool(each["name"], each.get("parameters") or {"type": "object"}) for each in functions)
    match body.get("tool_choice", "auto"):
        case "none":
            return (), False
        case "required":
            return tools, True
        case {"type": "function", "name": name}:
            return tuple(tool for tool in tools if tool.name == name), True
        case {"type": "allowed_tools", "mode": mode, "tools": allowed}:
            names = {each.get("name") for each in allowed}
            return tuple(tool for tool in tools if tool.name in names), mode == "required"
        case _:
            return tools, False
