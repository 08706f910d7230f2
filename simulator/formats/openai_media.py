"""Images, speech and moderations as OpenAI has them, and rerank as vLLM and Together do.

https://platform.openai.com/docs/api-reference/images/create
https://platform.openai.com/docs/api-reference/audio/createSpeech
https://platform.openai.com/docs/api-reference/moderations/create
https://docs.together.ai/reference/rerank
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from simulator.formats.vendor_openai import OpenAI, from_problem, invalid
from simulator.strict import RequestType
from simulator.tokens import count
from simulator.wire import ApiError, Call, Reply, known_model, read_object, require_json

_JSON: Final = "application/json"
_PIXEL: Final = base64.b64encode(b"\x89PNG\r\n\x1a\nsimulator").decode()


def _images(body: dict[str, Any], call: Call) -> tuple[str, bytes]:
    data = [{"b64_json": _PIXEL, "revised_prompt": body["prompt"]}] * (body.get("n") or 1)
    return _JSON, msgspec.json.encode({"created": call.now, "data": data})


def _speech(body: dict[str, Any], call: Call) -> tuple[str, bytes]:  # noqa: ARG001 - all have both
    """Bytes that are no text: a sound a letter."""
    return "audio/mpeg", b"\xff\xfb" + bytes(ord(letter) % 256 for letter in body["input"])


def _moderations(body: dict[str, Any], call: Call) -> tuple[str, bytes]:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    result = {
        "flagged": False,
        "categories": {"violence": False},
        "category_scores": {"violence": 0.0},
        "category_applied_input_types": {"violence": ["text"]},
    }
    told = {"id": f"modr-sim{call.serial}", "model": body["model"], "results": [result] * len(inputs)}
    return _JSON, msgspec.json.encode(told)


def _rerank(body: dict[str, Any], call: Call) -> tuple[str, bytes]:
    query, documents = body.get("query"), body.get("documents")
    if not isinstance(query, str) or not isinstance(documents, list):
        raise invalid("Missing required parameter: 'query' or 'documents'.", "query")
    scores = {n: len(set(query.split()) & set(str(text).split())) for n, text in enumerate(documents)}
    ranked = sorted(scores, key=lambda n: -scores[n])[: body.get("top_n") or len(documents)]
    told = {
        "id": f"rerank-sim{call.serial}",
        "model": body["model"],
        "results": [{"index": n, "relevance_score": scores[n] / len(query.split())} for n in ranked],
        "usage": {"total_tokens": count(query) + count(documents)},
    }
    return _JSON, msgspec.json.encode(told)


@cache
def _request_type(path: str, *, lenient: bool) -> RequestType | None:
    from openai import types  # noqa: PLC0415 - half a second
    from openai.types.audio import speech_create_params  # noqa: PLC0415

    known: dict[str, Any] = {
        "/v1/images/generations": types.image_generate_params.ImageGenerateParamsNonStreaming,
        "/v1/audio/speech": speech_create_params.SpeechCreateParams,
        "/v1/moderations": types.moderation_create_params.ModerationCreateParams,
    }
    return RequestType(known[path], allow_unknown_fields=lenient) if path in known else None


_ANSWERS: Final[dict[str, Callable[[dict[str, Any], Call], tuple[str, bytes]]]] = {
    "/v1/images/generations": _images,
    "/v1/audio/speech": _speech,
    "/v1/moderations": _moderations,
    "/v1/rerank": _rerank,
}


class OpenAIMedia:
    """See the module."""

    vendor = OpenAI()
    methods = ("POST",)

    def serves(self, path: str, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the path says it all
        return path in _ANSWERS

    def warm_up(self) -> None:
        for path in _ANSWERS:
            _request_type(path, lenient=False)

    def reply(self, call: Call) -> Reply:
        require_json(call)
        body = read_object(call.body)
        expected = _request_type(call.path, lenient=call.account.allow_unknown_fields)
        if expected is not None and (problem := expected.check(body)) is not None:
            raise from_problem(problem)
        if not isinstance(body.get("model"), str) or not known_model(body["model"]):
            raise ApiError(404, "The model does not exist or you do not have access to it.")
        content_type, payload = _ANSWERS[call.path](body, call)
        headers = (("content-type", content_type), *self.vendor.headers(call.serial))
        return Reply(status=200, headers=headers, body=payload)
