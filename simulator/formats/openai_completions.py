"""``POST /v1/completions``: https://platform.openai.com/docs/api-reference/completions/create"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from simulator.answer import Answer, Finish, Prompt, answer
from simulator.directives import extract
from simulator.formats.vendor_openai import OpenAI, from_problem, invalid
from simulator.strict import RequestType
from simulator.tokens import count
from simulator.wire import ApiError, Call, Event, Reply, known_model, read_object, require_json

_FINISH: Final = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "stop",
    Finish.REFUSAL: "stop",
    Finish.CONTENT_FILTER: "content_filter",
}
_MOST_LOGPROBS: Final = 5
_USUAL_MAX_TOKENS: Final = 16


class OpenAICompletions:
    """See the module."""

    vendor = OpenAI()
    methods = ("POST",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path == "/v1/completions"

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
        completion = _Completion(call, body)
        if body.get("stream"):
            content_type, payload, events = "text/event-stream", b"", completion.events()
        else:
            content_type, payload, events = "application/json", msgspec.json.encode(completion.whole()), None
        headers = (("content-type", content_type), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=payload, events=events)


@cache
def _request_type(*, stream: bool, lenient: bool) -> RequestType:
    from openai.types import completion_create_params as params  # noqa: PLC0415 - half a second

    typed_dict = (
        params.CompletionCreateParamsStreaming if stream else params.CompletionCreateParamsNonStreaming
    )
    return RequestType(typed_dict, allow_unknown_fields=lenient)


def _check(body: dict[str, Any], *, lenient: bool) -> None:
    stream = body.get("stream")
    if stream not in (None, True, False):
        raise invalid("Invalid type for 'stream': expected a boolean.", "stream", "invalid_type")
    problem = _request_type(stream=bool(stream), lenient=lenient).check(body)
    if problem is not None:
        raise from_problem(problem)
    if (body.get("logprobs") or 0) > _MOST_LOGPROBS:
        raise invalid(f"Invalid 'logprobs': at most {_MOST_LOGPROBS}.", "logprobs", "integer_above_max_value")
    n, best_of = body.get("n") or 1, body.get("best_of")
    if best_of is not None and best_of < n:
        raise invalid(f"You requested that the server return more choices than it will generate: n={n}.", "n")
    if stream and (best_of or 1) > n:
        raise invalid("Results cannot be streamed where best_of is greater than n.", "stream")
    if body.get("stream_options") is not None and not stream:
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )


def _prompts(given: Any) -> list[str]:
    """Each prompt as text; tokens as their numbers."""
    if isinstance(given, str):
        return [given]
    if given and isinstance(given[0], int):
        return [" ".join(map(str, given))]
    return [item if isinstance(item, str) else " ".join(map(str, item)) for item in given]


class _Completion:
    """The answers to all prompts of a request, whole or as chunks."""

    def __init__(self, call: Call, body: dict[str, Any]) -> None:
        self._body = body
        self._head = {"id": f"cmpl-sim{call.serial:020d}", "object": "text_completion", "created": call.now}
        prompts = _prompts(body["prompt"])
        stops = body.get("stop") or ()
        self._said: list[tuple[str, Answer, float]] = []
        for text in prompts:
            spoken, directives = extract(text)
            prompt = Prompt(
                account=call.account.name,
                model=body["model"],
                text=spoken,
                directives=directives,
                max_tokens=body.get("max_tokens") or _USUAL_MAX_TOKENS,
                stops=(stops,) if isinstance(stops, str) else tuple(stops),
            )
            echoed = text if body.get("echo") else ""
            self._said += [(echoed, answer(prompt), directives.delay)] * (body.get("n") or 1)
        used, made = count(prompts), sum(said.output_tokens for _, said, _ in self._said)
        self._usage = {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made}
        self._include_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    def whole(self) -> dict[str, Any]:
        choices = [
            self._choice(index, echoed + said.text, _pieces(echoed, said), 0, _FINISH[said.finish])
            for index, (echoed, said, _) in enumerate(self._said)
        ]
        return {**self._head, "model": self._body["model"], "choices": choices, "usage": self._usage}

    def events(self) -> Iterator[Event]:
        for index, (echoed, said, delay) in enumerate(self._said):
            offset = 0
            for at, piece in enumerate(_pieces(echoed, said)):
                yield self._chunk(
                    [self._choice(index, piece, [piece], offset, None)], pause=delay if at else 0.0
                )
                offset += len(piece)
            yield self._chunk([self._choice(index, "", [], offset, _FINISH[said.finish])])
        if self._include_usage:
            yield self._chunk([], usage=self._usage)
        yield Event(b"data: [DONE]\n\n")

    def _choice(
        self, index: int, text: str, pieces: list[str], offset: int, finish: str | None
    ) -> dict[str, Any]:
        wanted = self._body.get("logprobs")
        logprobs = None if wanted is None else _logprobs(pieces, offset, wanted)
        return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}

    def _chunk(self, choices: list[Any], *, usage: dict[str, int] | None = None, pause: float = 0.0) -> Event:
        chunk = {**self._head, "choices": choices, "model": self._body["model"]}
        if self._include_usage:
            chunk["usage"] = usage
        return Event(b"data: " + msgspec.json.encode(chunk) + b"\n\n", pause)


def _pieces(echoed: str, said: Answer) -> list[str]:
    return [echoed, *said.pieces] if echoed else list(said.pieces)


def _logprobs(pieces: list[str], offset: int, wanted: int) -> dict[str, Any]:
    offsets = []
    for piece in pieces:
        offsets.append(offset)
        offset += len(piece)
    return {
        "tokens": pieces,
        "token_logprobs": [-0.5] * len(pieces),
        "top_logprobs": [{piece: -0.5} if wanted else {} for piece in pieces],
        "text_offset": offsets,
    }
