"""``POST /model/{modelId}/converse`` and ``/converse-stream``, here below ``/v1``.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from simulator.answer import Answer, Finish, Prompt, Tool, answer
from simulator.directives import Directives, extract
from simulator.formats import bedrock_rules as rules
from simulator.formats import bedrock_types as types
from simulator.formats.bedrock_eventstream import event
from simulator.formats.vendor_bedrock import Bedrock, asked, invalid
from simulator.prompt_cache import PromptCache
from simulator.tokens import count
from simulator.wire import Call, Event, Reply, known_model, read_object, require_json

_STOP_REASON: Final = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.REFUSAL: "content_filtered",
    Finish.CONTENT_FILTER: "guardrail_intervened",
}
_JSON_PIECE: Final = 8
"""Characters of a tool's input in one delta."""


class BedrockConverse:
    """See the module."""

    vendor = Bedrock()
    methods = ("POST",)

    def __init__(self) -> None:
        self._cache = PromptCache()

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return asked(path) is not None

    def warm_up(self) -> None:
        types.warm_up()

    def reply(self, call: Call) -> Reply:
        require_json(call)
        wanted = asked(call.path)
        if wanted is None:
            raise invalid("The path is not Converse's.")
        body = read_object(call.body)
        types.check(body, wanted.model, stream=wanted.stream)
        try:
            rules.check(_decoded(body))
        except (KeyError, TypeError, AttributeError) as error:
            raise invalid(f"The request does not have the right types: {error!r}") from error
        if not known_model(wanted.model):
            raise invalid("The provided model identifier is invalid.")
        prompt = _prompt(call.account.name, wanted.model, body)
        turn = _Turn(
            body, answer(prompt), prompt.directives, self._usage(call.account.name, wanted.model, body)
        )
        if wanted.stream:
            content_type, payload, events = "application/vnd.amazon.eventstream", b"", turn.events()
        else:
            content_type, payload, events = "application/json", msgspec.json.encode(turn.whole()), None
        headers = (("content-type", content_type), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=payload, events=events)

    def _usage(self, account: str, model: str, body: dict[str, Any]) -> dict[str, int]:
        """In the order of https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html"""
        tools = (body.get("toolConfig") or {}).get("tools", [])
        blocks = [*tools, *(body.get("system") or [])]
        for message in body["messages"]:
            blocks += ({"role": message["role"], **block} for block in message["content"])
        marks = {at - 1 for at, block in enumerate(blocks) if "cachePoint" in block and at}
        cached = self._cache.use(account, model, blocks, marks)
        tokens = count(body["messages"]) + count(body.get("system")) + count(tools)
        return {
            "inputTokens": max(0, tokens - cached.read - cached.written),
            "cacheReadInputTokens": cached.read,
            "cacheWriteInputTokens": cached.written,
        }


def _decoded(body: dict[str, Any]) -> dict[str, Any]:
    """`body` with the bytes of redacted reasoning, which the rules look into."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    for message in decoded.get("messages") or []:
        for block in message["content"]:
            thought = block.get("reasoningContent") or {}
            if "redactedContent" in thought:
                thought["redactedContent"] = b64decode(thought["redactedContent"])
    return decoded


def _prompt(account: str, model: str, body: dict[str, Any]) -> Prompt:
    last = body["messages"][-1]["content"]
    results = [_text(block["toolResult"]["content"]) for block in last if "toolResult" in block]
    text, directives = extract(_last_user_text(body["messages"]))
    config = body.get("inferenceConfig") or {}
    wanted = (body.get("outputConfig") or {}).get("textFormat")
    schema = msgspec.json.decode(wanted["structure"]["jsonSchema"]["schema"]) if wanted else None
    tools, must_call, parallel = _offered(body)
    additional = body.get("additionalModelRequestFields") or {}
    thinks = (additional.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return Prompt(
        account=account,
        model=model,
        text=text,
        directives=directives,
        results=tuple(results),
        tools=tools,
        must_call=must_call,
        parallel=parallel,
        schema=schema,
        max_tokens=config.get("maxTokens"),
        stops=tuple(config.get("stopSequences", ())),
        thinks=thinks or "reasoningConfig" in additional,
    )


def _last_user_text(messages: list[dict[str, Any]]) -> str:
    """The text of the last user message that has any: one with tool results only has none."""
    for message in reversed(messages):
        if message["role"] == "user" and (text := _text(message["content"])):
            return text
    return ""


def _text(blocks: list[dict[str, Any]]) -> str:
    return " ".join(block["text"] for block in blocks if "text" in block)


def _offered(body: dict[str, Any]) -> tuple[tuple[Tool, ...], bool, bool]:
    """The client tools that may be called, whether one must be, and whether several may be."""
    config = body.get("toolConfig") or {"tools": []}
    specs = [tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool]
    tools = tuple(Tool(spec["name"], spec["inputSchema"]["json"]) for spec in specs)
    told = (body.get("additionalModelRequestFields") or {}).get("tool_choice") or {}
    parallel = not told.get("disable_parallel_tool_use", False)
    choice = config.get("toolChoice") or {"auto": {}}
    if "tool" in choice:
        chosen = tuple(tool for tool in tools if tool.name == choice["tool"]["name"])
        if not chosen:
            raise invalid("The toolChoice names a tool that is not in tools.")
        return chosen, True, parallel
    return tools, "any" in choice, parallel


class _Turn:
    """One answer, rendered whole or as events."""

    def __init__(
        self, body: dict[str, Any], said: Answer, directives: Directives, usage: dict[str, int]
    ) -> None:
        self._paths = body.get("additionalModelResponseFieldPaths") or []
        self._said = said
        self._directives = directives
        total = sum(usage.values()) + said.output_tokens
        self._usage = {**usage, "outputTokens": said.output_tokens, "totalTokens": total}
        self._tier = {"serviceTier": body["serviceTier"]} if "serviceTier" in body else {}

    def whole(self) -> dict[str, Any]:
        return {
            "output": {"message": {"role": "assistant", "content": self._blocks()}},
            **self._stop("/stop_sequence"),
            "usage": self._usage,
            "metrics": {"latencyMs": 1},
            **self._tier,
        }

    def _stop(self, path: str) -> dict[str, Any]:
        """stopReason, and which sequence it was if the request asked at `path`, a JSON pointer."""
        told: dict[str, Any] = {"stopReason": _STOP_REASON[self._said.finish]}
        if path in self._paths:
            value: Any = self._said.stop_sequence
            for part in reversed(path.strip("/").split("/")):
                value = {part: value}
            told["additionalModelResponseFields"] = value
        return told

    def _blocks(self) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        thinking = self._said.thinking
        if thinking and self._directives.redact:
            blocks.append({"reasoningContent": {"redactedContent": rules.redacted(thinking)}})
        elif thinking:
            told = {"text": thinking, "signature": rules.signature(thinking)}
            blocks.append({"reasoningContent": {"reasoningText": told}})
        if self._said.pieces:
            blocks.append({"text": self._said.text})
        for at, call in enumerate(self._said.calls):
            name = f"tooluse_sim{at}"
            blocks.append({"toolUse": {"toolUseId": name, "name": call.name, "input": call.arguments}})
        return blocks

    def events(self) -> Iterator[Event]:
        for serial, (kind, body, pause) in enumerate(self._told()):
            yield Event(event(kind, body, serial), pause)

    def _told(self) -> Iterator[tuple[str, dict[str, Any], float]]:
        yield "messageStart", {"role": "assistant"}, 0.0
        for index, block in enumerate(self._blocks()):
            at = {"contentBlockIndex": index}
            if "toolUse" in block:  # only these say that they begin
                begun = {key: block["toolUse"][key] for key in ("toolUseId", "name")}
                yield "contentBlockStart", {"start": {"toolUse": begun}, **at}, 0.0
            for number, delta in enumerate(self._deltas(block)):
                pause = self._directives.delay if number and "text" in delta else 0.0
                yield "contentBlockDelta", {"delta": delta, **at}, pause
            yield "contentBlockStop", at, 0.0
        yield "messageStop", self._stop("/delta/stop_sequence"), 0.0
        yield "metadata", {"usage": self._usage, "metrics": {"latencyMs": 1}, **self._tier}, 0.0

    def _deltas(self, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if "text" in block:
            yield from ({"text": piece} for piece in self._said.pieces)
        elif "toolUse" in block:
            given = block["toolUse"]["input"]
            text = msgspec.json.encode(given).decode() if given else ""
            for start in range(0, len(text), _JSON_PIECE):
                yield {"toolUse": {"input": text[start : start + _JSON_PIECE]}}
        else:
            thought = block["reasoningContent"]
            if "redactedContent" in thought:
                yield {"reasoningContent": {"redactedContent": thought["redactedContent"]}}
                return
            for at, word in enumerate(thought["reasoningText"]["text"].split(" ")):
                yield {"reasoningContent": {"text": f" {word}" if at else word}}
            yield {"reasoningContent": {"signature": thought["reasoningText"]["signature"]}}
