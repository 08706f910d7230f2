"""``POST /v1beta/models/{model}:generateContent`` and ``:streamGenerateContent``, also on Vertex AI's paths.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/thought-signatures

Bodies are checked against the types of the `google-genai` package where it is installed, and only against
the rules of google_rules.py, which need right types, where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from simulator.answer import Finish, Prompt, Tool, answer
from simulator.directives import extract
from simulator.formats import google_rules as rules
from simulator.formats.google_thinking import signature, signs
from simulator.formats.google_types import in_camel_case, request_check
from simulator.formats.vendor_google import Asked, Google, asked, from_problem, invalid
from simulator.prompt_cache import PromptCache
from simulator.tokens import count
from simulator.wire import ApiError, Call, Event, Reply, known_model, read_object, require_json

_FINISH: Final = {
    Finish.STOP: "STOP",
    Finish.STOP_SEQUENCE: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL_CALLS: "STOP",
    Finish.REFUSAL: "STOP",
    Finish.CONTENT_FILTER: "SAFETY",
}
_CACHE_MINIMUM: Final = 1024
"""Tokens from which on prompts are cached by themselves: https://ai.google.dev/gemini-api/docs/caching"""

_SOURCE: Final = {"uri": "https://example.com/source", "title": "example.com"}


class GoogleGenerate:
    """See the module."""

    vendor = Google()
    methods = ("POST",)

    def __init__(self) -> None:
        self._cache = PromptCache()

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return asked(path) is not None

    def warm_up(self) -> None:
        request_check()

    def reply(self, call: Call) -> Reply:
        require_json(call)
        what = asked(call.path)
        if what is None:
            raise ApiError(404, "")
        body: dict[str, Any] = in_camel_case(read_object(call.body))
        _check(what, body)
        if not known_model(what.model):
            raise ApiError(404, f"models/{what.model} is not found for API version v1beta")
        prompt = _prompt(call.account.name, what.model, body)
        turn = _Turn(call.serial, what, body, prompt, self._cached(call, what, body))
        headers = self.vendor.headers(call.serial)
        if what.stream and parse_qs(call.query).get("alt") == ["sse"]:
            return Reply(
                status=200, headers=(("content-type", "text/event-stream"), *headers), events=turn.events()
            )
        shown: Any = list(turn.chunks()) if what.stream else turn.whole()
        headers = (("content-type", "application/json; charset=UTF-8"), *headers)
        return Reply(status=200, headers=headers, body=msgspec.json.encode(shown))

    def _cached(self, call: Call, what: Asked, body: dict[str, Any]) -> int:
        blocks = [body.get("systemInstruction", {}), body.get("tools", []), *body["contents"]]
        if sum(map(count, blocks)) < _CACHE_MINIMUM:
            return 0
        return self._cache.use(call.account.name, what.model, blocks, set(range(len(blocks)))).read


def _check(what: Asked, body: dict[str, Any]) -> None:
    check = request_check()
    problem = check(body) if check is not None else None
    if problem is not None:
        raise from_problem(problem)
    try:
        rules.check(what.model, body, vertex=what.vertex)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise invalid(f"The request does not have the right types: {error!r}") from error


def _prompt(account: str, model: str, body: dict[str, Any]) -> Prompt:
    config = body.get("generationConfig") or {}
    text, directives = extract(_last_user_text(body["contents"]))
    tools, must_call = _offered(body)
    results = [
        _result(part["functionResponse"])
        for content in _answers(body["contents"])
        for part in content["parts"]
        if part.get("functionResponse")
    ]
    return Prompt(
        account=account,
        model=model,
        text=text,
        directives=directives,
        results=tuple(results),
        tools=tools,
        must_call=must_call,
        schema=_schema(config),
        max_tokens=config.get("maxOutputTokens"),
        stops=tuple(config.get("stopSequences") or ()),
        thinks=_thinks(config.get("thinkingConfig") or {}),
    )


def _schema(config: dict[str, Any]) -> dict[str, Any] | None:
    if config.get("responseMimeType") != "application/json":
        return None
    found: dict[str, Any] = config.get("responseJsonSchema") or config.get("responseSchema") or {}
    return found


def _thinks(thinking: dict[str, Any]) -> bool:
    return bool(thinking.get("includeThoughts")) and thinking.get("thinkingBudget") != 0


def _last_user_text(contents: list[dict[str, Any]]) -> str:
    for content in reversed(contents):
        if content.get("role", "user") == "user":
            text = " ".join(part["text"] for part in content["parts"] if part.get("text"))
            if text:
                return text
    return ""


def _answers(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The function responses that end the conversation, and what the user shows beside them."""
    last = [at for at, content in enumerate(contents) if content.get("role", "user") == "model"]
    ending = contents[last[-1] + 1 :] if last else contents
    spoken = any(part.get("text") for content in ending for part in content["parts"])
    return [] if spoken else ending


def _result(response: dict[str, Any]) -> str:
    given = response.get("response") or {}
    for key in ("output", "error"):
        if isinstance(given.get(key), str):
            return str(given[key])
    return msgspec.json.encode(given).decode()


def _offered(body: dict[str, Any]) -> tuple[tuple[Tool, ...], bool]:
    """The functions that may be called, and whether one must be."""
    tools = tuple(
        Tool(function["name"], function.get("parametersJsonSchema") or function.get("parameters") or {})
        for tool in body.get("tools") or ()
        for function in tool.get("functionDeclarations") or ()
    )
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames")
    if allowed:
        tools = tuple(tool for tool in tools if tool.name in allowed)
    match calling.get("mode", "AUTO"):
        case "NONE":
            return (), False
        case "ANY":
            return tools, True
        case _:
            return tools, False


class _Turn:
    """One answer, rendered whole or as chunks."""

    def __init__(self, serial: int, what: Asked, body: dict[str, Any], prompt: Prompt, cached: int) -> None:
        config = body.get("generationConfig") or {}
        self._serial = serial
        self._model = what.model
        self._ids = signs(what.model) and not what.vertex
        self._said = answer(prompt)
        self._delay = prompt.directives.delay
        self._cached = cached
        self._prompt_tokens = sum(
            count(body.get(name)) for name in ("contents", "systemInstruction", "tools")
        )
        self._candidates = config.get("candidateCount") or 1
        self._logprobs = bool(config.get("responseLogprobs"))
        self._grounded = any("googleSearch" in tool for tool in body.get("tools") or ())

    def whole(self) -> dict[str, Any]:
        parts = self._thoughts()
        if self._said.pieces:
            text: dict[str, Any] = {"text": self._said.text}
            if parts and not self._said.calls:
                text["thoughtSignature"] = signature(text)
            parts.append(text)
        parts += self._calls()
        ending = self._ending() | self._tokens_of(self._said.pieces)
        return self._chunk(parts, self._said.output_tokens, ending)

    def chunks(self) -> Iterator[dict[str, Any]]:
        """A chunk for each thought, piece of text and call; the last has the reason."""
        for part in self._thoughts():
            yield self._chunk([part], 0)
        for at, piece in enumerate(self._said.pieces, 1):
            yield self._chunk([{"text": piece}], at, self._tokens_of((piece,)))
        for call in self._calls():
            yield self._chunk([call], self._said.output_tokens)
        last: dict[str, Any] = {"text": ""}
        if self._said.thinking and not self._said.calls:
            last["thoughtSignature"] = signature(last)
        yield self._chunk([last], self._said.output_tokens, self._ending())

    def events(self) -> Iterator[Event]:
        for at, chunk in enumerate(self.chunks()):
            pause = self._delay if at else 0.0
            yield Event(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n", pause)

    def _thoughts(self) -> list[dict[str, Any]]:
        return [{"text": self._said.thinking, "thought": True}] if self._said.thinking else []

    def _calls(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for at, call in enumerate(self._said.calls):
            written: dict[str, Any] = {"name": call.name, "args": call.arguments}
            if self._ids:
                written["id"] = f"sim{self._serial}x{at}"
            part: dict[str, Any] = {"functionCall": written}
            if at == 0 and (signs(self._model) or self._said.thinking):
                part["thoughtSignature"] = signature(part)
            parts.append(part)
        return parts

    def _ending(self) -> dict[str, Any]:
        ending: dict[str, Any] = {"finishReason": _FINISH[self._said.finish]}
        if self._said.calls:
            ending["finishMessage"] = "Model generated function call(s)."
        elif self._grounded:
            segment = {"startIndex": 0, "endIndex": len(self._said.text.encode()), "text": self._said.text}
            ending["groundingMetadata"] = {
                "webSearchQueries": ["source"],
                "groundingChunks": [{"web": _SOURCE}],
                "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
            }
        return ending

    def _tokens_of(self, pieces: tuple[str, ...]) -> dict[str, Any]:
        if not self._logprobs:
            return {}
        tokens = [{"token": piece, "tokenId": at, "logProbability": -0.5} for at, piece in enumerate(pieces)]
        tops = [{"candidates": [token]} for token in tokens]
        return {"logprobsResult": {"chosenCandidates": tokens, "topCandidates": tops}}

    def _chunk(
        self, parts: list[dict[str, Any]], tokens: int, ending: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        candidates = [
            {"content": {"role": "model", "parts": parts}, "index": index, **(ending or {})}
            for index in range(self._candidates)
        ]
        return {
            "candidates": candidates,
            "usageMetadata": self._usage(tokens),
            "modelVersion": self._model,
            "responseId": f"sim{self._serial:017d}",
        }

    def _usage(self, tokens: int) -> dict[str, Any]:
        thoughts = self._said.thinking_tokens
        answered = max(0, tokens - thoughts)
        usage = {
            "promptTokenCount": self._prompt_tokens,
            "candidatesTokenCount": answered,
            "totalTokenCount": self._prompt_tokens + answered + thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": self._prompt_tokens}],
        }
        if thoughts:
            usage["thoughtsTokenCount"] = thoughts
        if self._cached:
            usage["cachedContentTokenCount"] = self._cached
        return usage
