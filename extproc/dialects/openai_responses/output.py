"""Output items in the words of OpenAI: https://platform.openai.com/docs/api-reference/responses/object

The same builders serve whole answers and streams. Item ids follow from the answer's id and the item's place.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Raw

from extproc.chat.model import Annotation, AssistantMessage, NativeContent, Thinking, ToolCall
from extproc.dialects.openai_responses.custom import unwrap
from extproc.dialects.openai_responses.sealed import seal
from extproc.wire.rawjson import decode, decoder

Status = Literal["in_progress", "completed", "incomplete"]
JSON = dict[str, Any]

_PREFIXES: Final = {"reasoning": "rs", "message": "msg", "function_call": "fc", "custom_tool_call": "ctc"}


class _Tool(msgspec.Struct):
    type: str
    name: str | None = None


class _TopLogprob(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Logprob(_TopLogprob):
    top_logprobs: list[_TopLogprob] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Logprob] | None = None


_read_logprobs: Final = decoder(_Logprobs)


def item_id(kind: str, base: str, index: int) -> str:
    """base: what tells this answer from others. index: the item's place in the output."""
    return f"{_PREFIXES[kind]}_{base}_{index}"


def custom_names(echo: dict[str, Raw] | None) -> frozenset[str]:
    """The names of the tools that the client declared as custom ones."""
    if not echo or "tools" not in echo:
        return frozenset()
    tools = decode(echo["tools"], list[_Tool])
    return frozenset(tool.name for tool in tools if tool.type == "custom" and tool.name is not None)


def reasoning(item: str, text: str, sealed: Thinking | NativeContent | None) -> JSON:
    written: JSON = {
        "id": item,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text}] if text else [],
    }
    if sealed is not None:
        written["encrypted_content"] = seal(sealed)
    return written


def message(item: str, content: list[JSON], status: Status) -> JSON:
    return {"id": item, "type": "message", "status": status, "content": content, "role": "assistant"}


def output_text(text: str, annotations: list[JSON], logprobs: list[JSON]) -> JSON:
    return {"type": "output_text", "annotations": annotations, "logprobs": logprobs, "text": text}


def refusal(text: str) -> JSON:
    return {"type": "refusal", "refusal": text}


def annotation(cited: Annotation, before: int = 0) -> JSON:
    """before: characters of the answer's text that are in earlier parts."""
    return {
        "type": "url_citation",
        "start_index": max(cited.start - before, 0),
        "end_index": max(cited.end - before, 0),
        "title": cited.title,
        "url": cited.url,
    }


def logprobs(given: Raw | None) -> list[JSON]:
    """OpenAI's entries for ``logprobs`` of a chat completion. Servers may leave out the bytes."""
    if given is None:
        return []
    return [
        _logprob(entry) | {"top_logprobs": [_logprob(top) for top in entry.top_logprobs or ()]}
        for entry in _read_logprobs(given).content or ()
    ]


def _logprob(entry: _TopLogprob) -> JSON:
    spelled = list(entry.token.encode()) if entry.bytes is None else entry.bytes
    return {"token": entry.token, "bytes": spelled, "logprob": entry.logprob}


def call(item: str, made: ToolCall, status: Status, *, custom: bool) -> JSON:
    """custom: the client wants free text back, and `made` has it in the argument of a function."""
    if made.kind == "custom" or custom:
        text = made.arguments if made.kind == "custom" else unwrap(made.arguments)
        return _call("custom_tool_call", item, made, status) | {"input": text}
    return _call("function_call", item, made, status) | {"arguments": made.arguments}


def _call(kind: str, item: str, made: ToolCall, status: Status) -> JSON:
    return {"id": item, "type": kind, "status": status, "call_id": made.id, "name": made.name}


def call_kind(kind: str, *, custom: bool) -> str:
    return "custom_tool_call" if kind == "custom" or custom else "function_call"


class Output:
    """All items of a whole answer. base, custom: see `item_id`, `custom_names`."""

    def __init__(self, base: str, custom: frozenset[str]) -> None:
        self.items: list[JSON] = []
        self._base = base
        self._custom = custom

    def add(self, told: AssistantMessage, given: Raw | None) -> None:
        """given: the log probabilities of the text."""
        self._reasoning(told)
        content: list[JSON] = []
        if told.text or told.annotations:
            cited = [annotation(source) for source in told.annotations]
            content.append(output_text(told.text, cited, logprobs(given)))
        if told.refusal:
            content.append(refusal(told.refusal))
        if content:
            self.items.append(message(self._id("message"), content, "completed"))
        for made in told.tool_calls:
            custom = made.name in self._custom
            kind = call_kind(made.kind, custom=custom)
            self.items.append(call(self._id(kind), made, "completed", custom=custom))
        if told.native is not None:
            self.items.append(reasoning(self._id("reasoning"), "", told.native))

    def break_off(self) -> None:
        """What was said last is not whole."""
        for item in reversed(self.items):
            if item["type"] != "reasoning":
                item["status"] = "incomplete"
                return

    def _id(self, kind: str) -> str:
        return item_id(kind, self._base, len(self.items))

    def _reasoning(self, told: AssistantMessage) -> None:
        """One item a finished block; text that is in none of them goes first, with the first proof."""
        rest = told.reasoning or ""
        for block in told.thinking:
            rest = rest.replace(block.text, "", 1)
        for n, block in enumerate(told.thinking):
            text = block.text or (rest if n == 0 else "")
            if n == 0 and block.text and rest:
                self.items.append(reasoning(self._id("reasoning"), rest, None))
            self.items.append(reasoning(self._id("reasoning"), text, block))
        if rest and not told.thinking:
            self.items.append(reasoning(self._id("reasoning"), rest, None))
