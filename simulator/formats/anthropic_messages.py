"""``POST /v1/messages``.

https://platform.claude.com/docs/en/api/messages/create
https://platform.claude.com/docs/en/build-with-claude/streaming

Bodies are checked against the types of the `anthropic` package where it is installed, and only
against the rules of anthropic_rules.py, which need right types, where it is not: what they trip
over is then a 400 too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from simulator.answer import Answer, Finish, Prompt, Tool, answer
from simulator.directives import Directives, extract
from simulator.formats import anthropic_rules as rules
from simulator.formats.anthropic_thinking import redacted, signature
from simulator.formats.vendor_anthropic import CURRENT_VERSION, Anthropic, from_problem, invalid
from simulator.prompt_cache import CacheUse, PromptCache
from simulator.strict import RequestType
from simulator.tokens import count
from simulator.wire import ApiError, Call, Event, Reply, known_model, read_object, require_json

_STOP_REASON: Final = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.REFUSAL: "refusal",
    Finish.CONTENT_FILTER: "refusal",
}
_JSON_PIECE: Final = 8
"""Characters of a tool's input in one delta."""


class AnthropicMessages:
    """See the module."""

    vendor = Anthropic()
    methods = ("POST",)

    def __init__(self) -> None:
        self._cache = PromptCache()

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path == "/v1/messages"

    def warm_up(self) -> None:
        _request_type(stream=False, lenient=False)
        _request_type(stream=True, lenient=False)

    def reply(self, call: Call) -> Reply:
        require_json(call)
        body = read_object(call.body)
        current = call.headers["anthropic-version"] == CURRENT_VERSION
        _check(body, current=current, lenient=call.account.allow_unknown_fields)
        if not known_model(body["model"]):
            raise ApiError(404, f"model: {body['model']}")
        prompt = _prompt(call.account.name, body)
        blocks, breakpoints, lasting = _cacheable(body)
        cached = self._cache.use(call.account.name, body["model"], blocks, breakpoints)
        usage = _usage(body, cached, lasting=lasting)
        turn = _Turn(call, body, answer(prompt), prompt.directives, usage)
        if body.get("stream"):
            content_type, payload, events = "text/event-stream; charset=utf-8", b"", turn.events()
        else:
            content_type, payload, events = "application/json", msgspec.json.encode(turn.message()), None
        headers = (("content-type", content_type), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=payload, events=events)


@cache
def _request_type(*, stream: bool, lenient: bool) -> RequestType | None:
    try:
        from anthropic.types import message_create_params as params  # noqa: PLC0415 - optional, and seconds
    except ModuleNotFoundError:
        return None
    typed_dict = params.MessageCreateParamsStreaming if stream else params.MessageCreateParamsNonStreaming
    return RequestType(typed_dict, allow_unknown_fields=lenient)


def _check(body: dict[str, Any], *, current: bool, lenient: bool) -> None:
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise invalid("stream: Input should be a valid boolean")
    typed = body if current else rules.take_sampling(body)
    request_type = _request_type(stream=stream, lenient=lenient)
    problem = request_type.check(typed) if request_type else None
    if problem is not None:
        raise from_problem(problem)
    try:
        rules.check(body)
        if current:
            rules.check_current(body["messages"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise invalid(f"The request does not have the right types: {error!r}") from error


def _prompt(account: str, body: dict[str, Any]) -> Prompt:
    last = rules.blocks_of(body["messages"][-1]["content"])
    results = [_result(block) for block in last if block["type"] == "tool_result"]
    text, directives = extract(_last_user_text(body["messages"]))
    wanted = (body.get("output_config") or {}).get("format")
    tools, must_call, parallel = _offered(body)
    return Prompt(
        account=account,
        model=body["model"],
        text=text,
        directives=directives,
        results=tuple(results),
        tools=tools,
        must_call=must_call,
        parallel=parallel,
        schema=wanted["schema"] if wanted else None,
        max_tokens=body["max_tokens"],
        stops=tuple(body.get("stop_sequences", ())),
        thinks=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
    )


def _last_user_text(messages: list[dict[str, Any]]) -> str:
    """The text of the last user message that has any: one with tool results only has none."""
    for message in reversed(messages):
        if message["role"] == "user":
            text = _text(rules.blocks_of(message["content"]))
            if text:
                return text
    return ""


def _text(blocks: list[dict[str, Any]]) -> str:
    return " ".join(block["text"] for block in blocks if block["type"] == "text")


def _result(block: dict[str, Any]) -> str:
    return _text(rules.blocks_of(block.get("content") or []))


def _offered(body: dict[str, Any]) -> tuple[tuple[Tool, ...], bool, bool]:
    """The client tools that may be called, whether one must be, and whether several may be."""
    tools = tuple(
        Tool(tool["name"], tool["input_schema"])
        for tool in body.get("tools", ())
        if (tool.get("type") or "custom") == "custom"
    )
    choice = body.get("tool_choice") or {"type": "auto"}
    parallel = not choice.get("disable_parallel_tool_use", False)
    match choice["type"]:
        case "none":
            return (), False, parallel
        case "any":
            return tools, True, parallel
        case "tool":
            return tuple(tool for tool in tools if tool.name == choice["name"]), True, parallel
        case _:
            return tools, False, parallel


def _cacheable(body: dict[str, Any]) -> tuple[list[Any], set[int], bool]:
    """The prompt as blocks in the order they are cached, which of them end a prefix, and whether for an hour.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#how-prompt-caching-works
    """
    marked: list[dict[str, Any]] = [*body.get("tools", ()), *rules.blocks_of(body.get("system", ""))]
    for message in body["messages"]:
        marked += ({"role": message["role"], **block} for block in rules.blocks_of(message["content"]))
    marks = {at: block["cache_control"] for at, block in enumerate(marked) if block.get("cache_control")}
    if body.get("cache_control"):
        marks[len(marked) - 1] = body["cache_control"]
    blocks = [{key: value for key, value in block.items() if key != "cache_control"} for block in marked]
    lasting = any(mark.get("ttl") == "1h" for mark in marks.values())
    return blocks, set(marks), lasting


def _usage(body: dict[str, Any], cached: CacheUse, *, lasting: bool) -> dict[str, Any]:
    tokens = count(body["messages"]) + count(body.get("system")) + count(body.get("tools"))
    return {
        "input_tokens": max(0, tokens - cached.read - cached.written),
        "cache_creation_input_tokens": cached.written,
        "cache_read_input_tokens": cached.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 0 if lasting else cached.written,
            "ephemeral_1h_input_tokens": cached.written if lasting else 0,
        },
        "service_tier": "standard",
    }


class _Turn:
    """One answer, rendered whole or as events."""

    def __init__(
        self, call: Call, body: dict[str, Any], said: Answer, directives: Directives, usage: dict[str, Any]
    ) -> None:
        self._serial = call.serial
        self._model = body["model"]
        self._said = said
        self._directives = directives
        self._usage = usage
        self._omit = (body.get("thinking") or {}).get("display") == "omitted"

    def message(self) -> dict[str, Any]:
        usage = {**self._usage, "output_tokens": self._said.output_tokens, **self._details()}
        return {**self._head(), "content": self._blocks(), **self._ending(), "usage": usage}

    def _head(self) -> dict[str, Any]:
        name = f"msg_sim{self._serial:021d}"
        return {"id": name, "type": "message", "role": "assistant", "model": self._model}

    def _ending(self) -> dict[str, Any]:
        refused = self._said.finish in (Finish.REFUSAL, Finish.CONTENT_FILTER)
        details = {"type": "refusal", "category": None, "explanation": None} if refused else None
        return {
            "stop_reason": _STOP_REASON[self._said.finish],
            "stop_sequence": self._said.stop_sequence,
            "stop_details": details,
        }

    def _details(self) -> dict[str, Any]:
        tokens = self._said.thinking_tokens
        return {"output_tokens_details": {"thinking_tokens": tokens}} if tokens else {}

    def _blocks(self) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        if self._said.thinking:
            blocks.append(self._thinking())
        if self._said.pieces:
            blocks.append({"type": "text", "text": self._said.text})
        for at, call in enumerate(self._said.calls):
            name = f"toolu_sim{self._serial:017d}x{at}"
            blocks.append({"type": "tool_use", "id": name, "name": call.name, "input": call.arguments})
        return blocks

    def _thinking(self) -> dict[str, Any]:
        if self._directives.redact:
            return {"type": "redacted_thinking", "data": redacted(self._said.thinking)}
        shown = "" if self._omit else self._said.thinking
        return {"type": "thinking", "thinking": shown, "signature": signature(shown)}

    def events(self) -> Iterator[Event]:
        start = {
            **self._head(),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": {**self._usage, "output_tokens": 1},
        }
        yield _event("message_start", message=start)
        for index, block in enumerate(self._blocks()):
            yield _event("content_block_start", index=index, content_block=_opened(block))
            if index == 0:
                yield _event("ping")
            for at, delta in enumerate(self._deltas(block)):
                pause = self._directives.delay if at and block["type"] == "text" else 0.0
                yield _event("content_block_delta", pause=pause, index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        counted = {key: self._usage[key] for key in _COUNTED}
        usage = {**counted, "output_tokens": self._said.output_tokens, **self._details()}
        yield _event("message_delta", delta=self._ending(), usage=usage)
        yield _event("message_stop")

    def _deltas(self, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        match block["type"]:
            case "text":
                for piece in self._said.pieces:
                    yield {"type": "text_delta", "text": piece}
            case "thinking":
                words = block["thinking"].split(" ") if block["thinking"] else []
                for at, word in enumerate(words):
                    yield {"type": "thinking_delta", "thinking": f" {word}" if at else word}
                yield {"type": "signature_delta", "signature": block["signature"]}
            case "tool_use":
                text = msgspec.json.encode(block["input"]).decode() if block["input"] else ""
                yield {"type": "input_json_delta", "partial_json": ""}
                for start in range(0, len(text), _JSON_PIECE):
                    yield {"type": "input_json_delta", "partial_json": text[start : start + _JSON_PIECE]}


_COUNTED: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
"""The input figures that ``message_delta`` repeats."""


def _opened(block: dict[str, Any]) -> dict[str, Any]:
    """`block` as it begins: what the deltas will bring is empty."""
    match block["type"]:
        case "text":
            return {"type": "text", "text": ""}
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use":
            return {**block, "input": {}}
        case _:
            return block


def _event(kind: str, *, pause: float = 0.0, **content: Any) -> Event:
    data = msgspec.json.encode({"type": kind, **content})
    return Event(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n", pause)
