"""``POST /v1/chat/completions``.

https://platform.openai.com/docs/api-reference/chat/create
https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from simulator.answer import Answer, Finish, Prompt, Tool, ToolCall, answer
from simulator.directives import extract
from simulator.formats import openai_chat_rules as rules
from simulator.formats.vendor_openai import OpenAI, from_problem, invalid
from simulator.prompt_cache import PromptCache
from simulator.strict import RequestType
from simulator.tokens import count
from simulator.wire import ApiError, Call, Event, Reply, known_model, read_object, require_json

_FINISH: Final = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.REFUSAL: "stop",
    Finish.CONTENT_FILTER: "content_filter",
}
_FINGERPRINT: Final = "fp_simulator"
_ARGUMENT_PIECE: Final = 8
"""Characters of a tool call's arguments in one chunk."""

_CACHE_MINIMUM: Final = 1024
_CACHE_STEP: Final = 128
"""Prompts are cached from 1024 tokens on, in steps of 128: platform.openai.com/docs/guides/prompt-caching."""


class OpenAIChat:
    """See the module."""

    vendor = OpenAI()
    methods = ("POST",)

    def __init__(self) -> None:
        self._cache = PromptCache()

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path == "/v1/chat/completions"

    def warm_up(self) -> None:
        _request_type(stream=False, lenient=False)
        _request_type(stream=True, lenient=False)

    def reply(self, call: Call) -> Reply:
        require_json(call)
        body = read_object(call.body)
        _check(body, lenient=call.account.allow_unknown_fields)
        if not known_model(body["model"]):
            raise ApiError(
                404,
                f"The model `{body['model']}` does not exist or you do not have access to it.",
                code="model_not_found",
            )
        prompt = _prompt(call.account.name, body)
        turn = _Turn(call, body, answer(prompt), prompt.directives.delay, self._cached(call, body))
        if body.get("stream"):
            content_type, payload, events = "text/event-stream; charset=utf-8", b"", turn.events()
        else:
            content_type, payload, events = "application/json", msgspec.json.encode(turn.completion()), None
        headers = (("content-type", content_type), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=payload, events=events)

    def _cached(self, call: Call, body: dict[str, Any]) -> int:
        blocks = [body.get("tools", []), *body["messages"]]
        if sum(map(count, blocks)) < _CACHE_MINIMUM:
            return 0
        read = self._cache.use(call.account.name, body["model"], blocks, set(range(len(blocks)))).read
        return read // _CACHE_STEP * _CACHE_STEP


@cache
def _request_type(*, stream: bool, lenient: bool) -> RequestType:
    from openai.types.chat import completion_create_params as params  # noqa: PLC0415 - half a second

    typed_dict = (
        params.CompletionCreateParamsStreaming if stream else params.CompletionCreateParamsNonStreaming
    )
    return RequestType(typed_dict, allow_unknown_fields=lenient)


def _check(body: dict[str, Any], *, lenient: bool) -> None:
    stream = body.get("stream")
    if stream not in (None, True, False):
        raise invalid("Invalid type for 'stream': expected a boolean.", "stream", "invalid_type")
    problem = _request_type(stream=bool(stream), lenient=lenient).check(_without_annotations(body))
    if problem is not None:
        raise from_problem(problem)
    rules.check(body)


def _without_annotations(body: dict[str, Any]) -> dict[str, Any]:
    """`body` as the SDK's types want it: they lack a key of answers that the API takes back in history.

    https://platform.openai.com/docs/guides/function-calling appends the answer's message as it is.
    """
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    kept = [
        {key: value for key, value in message.items() if key != "annotations"}
        if isinstance(message, dict) and message.get("role") == "assistant"
        else message
        for message in messages
    ]
    return {**body, "messages": kept}


def _prompt(account: str, body: dict[str, Any]) -> Prompt:
    messages = body["messages"]
    texts = [_text(message["content"]) for message in messages if message["role"] == "user"]
    text, directives = extract(texts[-1] if texts else "")
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, _text(message["content"]))
    tools, must_call = _offered(body)
    wanted = body.get("response_format") or {}
    schema = wanted["json_schema"].get("schema", {}) if wanted.get("type") == "json_schema" else {}
    stops = body.get("stop") or ()
    return Prompt(
        account=account,
        model=body["model"],
        text=text,
        directives=directives,
        results=tuple(results),
        tools=tools,
        must_call=must_call,
        parallel=body.get("parallel_tool_calls", True),
        schema=schema if wanted.get("type") in ("json_schema", "json_object") else None,
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stops=(stops,) if isinstance(stops, str) else tuple(stops),
        thinks=body.get("reasoning_effort") not in (None, "none"),
    )


def _text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")


def _offered(body: dict[str, Any]) -> tuple[tuple[Tool, ...], bool]:
    """The functions that may be called, and whether one must be; custom tools are never called."""
    functions = [tool["function"] for tool in body.get("tools", ()) if tool["type"] == "function"]
    tools = tuple(Tool(each["name"], each.get("parameters") or {"type": "object"}) for each in functions)
    match body.get("tool_choice", "auto"):
        case "none":
            return (), False
        case "required":
            return tools, True
        case {"type": "function", "function": {"name": name}}:
            return tuple(tool for tool in tools if tool.name == name), True
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}:
            names = {each["function"]["name"] for each in allowed if "function" in each}
            return tuple(tool for tool in tools if tool.name in names), mode == "required"
        case _:
            return tools, False


class _Turn:
    """One answer, rendered whole or as chunks."""

    def __init__(self, call: Call, body: dict[str, Any], said: Answer, delay: float, cached: int) -> None:
        self._body = body
        self._said = said
        self._delay = delay
        self._choices = range(body.get("n") or 1)
        self._serial = call.serial
        self._head = {"id": f"chatcmpl-sim{call.serial:020d}", "created": call.now, "model": body["model"]}
        self._tail = {"service_tier": "default", "system_fingerprint": _FINGERPRINT}
        self._usage = _usage(body, said, len(self._choices), cached)
        options = body.get("stream_options") or {}
        self._include_usage = bool(options.get("include_usage"))
        self._obfuscate = options.get("include_obfuscation", True)

    def completion(self) -> dict[str, Any]:
        choices = [
            {
                "index": index,
                "message": self._message(index),
                "logprobs": None,
                "finish_reason": _FINISH[self._said.finish],
            }
            for index in self._choices
        ]
        return {
            **self._head,
            "object": "chat.completion",
            "choices": choices,
            "usage": self._usage,
            **self._tail,
        }

    def _message(self, index: int) -> dict[str, Any]:
        refused = self._said.finish is Finish.REFUSAL
        silent = refused or (self._said.calls and not self._said.pieces)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if silent else self._said.text,
            "refusal": self._said.text if refused else None,
            "annotations": [],
        }
        if self._said.calls:
            message["tool_calls"] = [self._call(index, at, call) for at, call in enumerate(self._said.calls)]
        return message

    def _call(self, choice: int, at: int, call: ToolCall, arguments: str | None = None) -> dict[str, Any]:
        if arguments is None:
            arguments = _arguments(call)
        function = {"name": call.name, "arguments": arguments}
        return {"id": f"call_sim{self._serial:016d}x{choice}x{at}", "type": "function", "function": function}

    def events(self) -> Iterator[Event]:
        for index in self._choices:
            yield from self._choice_events(index)
        if self._include_usage:
            yield self._chunk([], usage=self._usage)
        yield Event(b"data: [DONE]\n\n")

    def _choice_events(self, index: int) -> Iterator[Event]:
        said = self._said
        first: dict[str, Any] = {"role": "assistant", "content": None if said.calls else "", "refusal": None}
        yield self._delta(index, first)
        key = "refusal" if said.finish is Finish.REFUSAL else "content"
        for at, piece in enumerate(said.pieces):
            yield self._delta(index, {key: piece}, pause=self._delay if at else 0.0)
        for at, call in enumerate(said.calls):
            yield self._delta(index, {"tool_calls": [{"index": at, **self._call(index, at, call, "")}]})
            arguments = _arguments(call)
            for start in range(0, len(arguments), _ARGUMENT_PIECE):
                part = arguments[start : start + _ARGUMENT_PIECE]
                yield self._delta(index, {"tool_calls": [{"index": at, "function": {"arguments": part}}]})
        yield self._delta(index, {}, finish=_FINISH[said.finish])

    def _delta(
        self, index: int, delta: dict[str, Any], *, finish: str | None = None, pause: float = 0.0
    ) -> Event:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._chunk([choice], usage=None, pause=pause)

    def _chunk(self, choices: list[Any], *, usage: dict[str, Any] | None, pause: float = 0.0) -> Event:
        """One chunk; each has ``usage`` if the last one will, and a padding that hides the text's length."""
        chunk = {**self._head, "object": "chat.completion.chunk", **self._tail, "choices": choices}
        if self._include_usage:
            chunk["usage"] = usage
        if self._obfuscate:
            chunk["obfuscation"] = "simulator"
        return Event(b"data: " + msgspec.json.encode(chunk) + b"\n\n", pause)


def _arguments(call: ToolCall) -> str:
    return msgspec.json.encode(call.arguments).decode()


def _usage(body: dict[str, Any], said: Answer, choices: int, cached: int) -> dict[str, Any]:
    prompt_tokens = count(body["messages"]) + count(body.get("tools"))
    completion_tokens = said.output_tokens * choices
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": said.thinking_tokens * choices,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
