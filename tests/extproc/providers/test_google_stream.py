"""Gemini's answers as a transcript: what comes in, what a client's message or chunks say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.chat import events as ev
from extproc.errors import ProviderError, ProviderFailed, ProviderRateLimited, ProviderRejected
from extproc.providers.google.answer import FINISH_REASONS
from tests.extproc.providers.clients import DIALECT, REPLY, chunks, read_all, read_unary, write_all
from tests.extproc.providers.gemini import GOOGLE
from tests.extproc.providers.google_recordings import framed

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}


def answer(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk; a string is a part with that text. more: fields of the candidate."""
    written = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate = {"content": {"role": "model", "parts": written}, "index": 0} | more
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "gemini-x"}


def thought(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "thought": True} | more


def call(name: str | None = None, **fields: Any) -> dict[str, Any]:
    signature = fields.pop("thoughtSignature", None)
    part: dict[str, Any] = {"functionCall": ({} if name is None else {"name": name}) | fields}
    return part if signature is None else part | {"thoughtSignature": signature}


def read(*events: Any) -> list[ev.Event]:
    return read_all(GOOGLE.stream_reader(), [framed(list(events))])


def deltas(*events: Any) -> list[dict[str, Any]]:
    """What the deltas of a whole stream say, from the role on."""
    told = [choice for part in chunks(write_all(read(*events))) for choice in part["choices"]]
    return [choice["delta"] for choice in told if choice["delta"]][1:]


def choices(*events: Any) -> list[dict[str, Any]]:
    """The choices of a unary answer; of several chunks as a list."""
    body = json.dumps(events[0] if len(events) == 1 else events).encode()
    return read_unary(DIALECT.write_response(GOOGLE.read_response(body), REPLY))["choices"]


def message(*parts: Any, **more: Any) -> dict[str, Any]:
    return choices(answer(*parts, **{"finish": "STOP"} | more))[0]["message"]


def broken(*events: Any) -> ProviderError:
    last = read(*events)[-1]
    assert isinstance(last, ev.StreamError)
    return last.error


def test_text_comes_as_it_is_said_and_the_end_when_the_stream_ends() -> None:
    reader = GOOGLE.stream_reader()
    assert reader.feed(framed([answer("He")])) == [
        ev.Start(id="r", model="gemini-x"),
        ev.TextDelta("He"),
    ]
    assert reader.feed(framed([answer("y", finish="STOP") | {"usageMetadata": USAGE}])) == [
        ev.TextDelta("y"),
        ev.UsageSeen(GOOGLE.read_response(json.dumps(answer("x") | {"usageMetadata": USAGE}).encode()).usage),
    ]
    assert reader.finish() == [ev.Finish(reason="stop", native_reason="STOP"), ev.End()]


def test_a_stream_without_a_reason_is_broken() -> None:
    assert "ended before its answer did" in broken(answer("x")).message
    assert "ended before its answer did" in broken().message
    two = {"candidates": [answer("a", finish="STOP")["candidates"][0], {"index": 1}]}
    assert isinstance(broken(two), ProviderFailed)


def test_thoughts_and_their_proof() -> None:
    events = (answer(thought("hm")), answer(thought("m")), answer("so"), answer({"text": "", "thoughtSignature": "S"}, finish="STOP"))  # fmt: skip
    assert deltas(*events) == [
        {"reasoning_content": "hm"},
        {"reasoning_content": "m"},
        {"thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "hmm", "signature": ""}]},
        {"content": "so"},
        {"thinking_blocks": [{"index": 1, "type": "thinking", "thinking": "", "signature": "google:S"}]},
    ]
    told = message(thought("hm"), {"text": "so", "thoughtSignature": "S"})
    assert told["reasoning_content"] == "hm"
    assert told["thinking_blocks"] == [{"type": "thinking", "thinking": "hm", "signature": "google:S"}]


def test_calls() -> None:
    events = (
        answer(call("f", args={"a": 1}, thoughtSignature="S")),
        answer(call("g", id="their-id"), finish="STOP"),
    )
    told = deltas(*events)
    assert told[0] == {
        "thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "", "signature": "google:S"}]
    }
    calls = [part["tool_calls"][0] for part in told[1:]]
    assert [one.get("id") for one in calls] == ["call_r_0", None, "their-id", None]
    assert [one["function"]["arguments"] for one in calls] == ["", '{"a": 1}', "", "{}"]
    [choice] = choices(answer(call("f"), finish="STOP"))
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("tool_calls", "STOP")


def test_ids_are_invented_even_without_one_of_the_answer() -> None:
    anonymous = answer(call("f"), call("f"), finish="STOP")
    del anonymous["responseId"]
    ids = [one["id"] for one in choices(anonymous)[0]["message"]["tool_calls"]]
    assert len(set(ids)) == 2
    assert ids == [one["id"] for one in choices(anonymous)[0]["message"]["tool_calls"]]


def pieces(*given: Any) -> list[dict[str, Any]]:
    return [{"jsonPath": path, key: value} for path, key, value in given]


def test_arguments_in_pieces() -> None:
    events = (
        answer(call("f", willContinue=True, thoughtSignature="S")),
        answer(call(partialArgs=[{"jsonPath": "$.a.b[0]", "stringValue": "x", "willContinue": True}], willContinue=True)),
        answer(call(partialArgs=pieces(("$.a.b[0]", "stringValue", "y")), willContinue=True)),
        answer(call(partialArgs=pieces(("$.n", "numberValue", 1.5), ("$['k.k']", "boolValue", False), ("$.z", "nullValue", "NULL_VALUE")), willContinue=True)),
        answer(call()),
        answer(call("g", willContinue=True), finish="STOP"),
    )  # fmt: skip
    texts = [part["tool_calls"][0]["function"]["arguments"] for part in deltas(*events)[1:]]
    assert [json.loads(text) for text in texts if text] == [
        {"a": {"b": ["xy"]}, "n": 1.5, "k.k": False, "z": None},
        {},
    ]


@pytest.mark.parametrize(
    "path", ["", "a", "$", "$.a[5]", "$.a..b", "$[0]", "$.s.x", "$.s[0]", "$.a[99999999999]"]
)
def test_pieces_that_fit_nowhere(path: str) -> None:
    piece = pieces(("$.s", "stringValue", "x"), (path, "stringValue", "x"))
    assert "malformed event stream" in broken(answer(call("f", partialArgs=piece))).message


def test_what_only_google_has_is_kept_for_the_next_turn() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    told = message("a", code, "b")
    assert told["content"] == "ab"
    assert told["google_content"] == [{"text": "a"}, code, {"text": "b"}]
    streamed = deltas(answer("a"), answer("b", code), answer("c", finish="STOP"))
    assert streamed[-1] == {
        "google_content": [{"text": "ab", "index": 0}, code | {"index": 1}, {"text": "c", "index": 2}]
    }


@pytest.mark.parametrize(
    "parts",
    [
        (call("f", thoughtSignature="A"), call("g", thoughtSignature="B")),
        (call("f"), call("g", thoughtSignature="B")),
        ({"text": "x", "thoughtSignature": "A"}, call("f")),
        ({"text": "x", "thoughtSignature": "A"}, "y"),
        (thought("x", thoughtSignature="A"), "y"),
        (call("f"), "y"),
        (call("f"), {"text": "", "thoughtSignature": "A"}),
    ],
)
def test_signatures_in_unusual_places_keep_them(parts: tuple[Any, ...]) -> None:
    expected = [{"text": part} if isinstance(part, str) else part for part in parts]
    assert message(*parts)["google_content"] == expected
    streamed = deltas(*[answer(part) for part in parts], answer("", finish="STOP"))
    assert [{k: v for k, v in part.items() if k != "index"} for part in streamed[-1]["google_content"]] == (
        expected
    )


def test_the_first_calls_signature_is_the_one_that_counts() -> None:
    told = message({"text": "x", "thoughtSignature": "A"}, call("f", thoughtSignature="B"))
    assert [block["signature"] for block in told["thinking_blocks"]] == ["google:A", "google:B"]


@pytest.mark.parametrize(("native", "reason"), [*FINISH_REASONS.items(), ("NOVELTY", "unknown")])
def test_reasons(native: str, reason: str) -> None:
    words = {"unknown": "stop", "pause": "stop"}
    [choice] = choices(answer("x", finish=native))
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (words.get(reason, reason), native)


def test_every_reason_of_the_sdk_is_known() -> None:
    from google.genai import types

    assert {reason.value for reason in types.FinishReason} <= FINISH_REASONS.keys()


def test_a_blocked_prompt() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "no"},
        "usageMetadata": {"promptTokenCount": 3},
    }
    [choice] = choices(blocked)
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("content_filter", "PROHIBITED_CONTENT")  # fmt: skip
    assert choice["message"]["refusal"] == "no"
    assert deltas(blocked) == [{"refusal": "no"}]
    [choice] = choices({"promptFeedback": {"blockReason": "SAFETY"}})
    assert choice["message"]["refusal"] is None


def test_several_candidates() -> None:
    two = answer("a", finish="STOP")
    two["candidates"].append(answer(call("f"), finish="MAX_TOKENS", index=1)["candidates"][0])
    first, second = choices(two)
    assert (first["message"]["content"], first["finish_reason"]) == ("a", "stop")
    assert (second["index"], second["finish_reason"]) == (1, "length")
    assert second["message"]["tool_calls"][0]["id"] == "call_r_1_0"
    assert {event.choice for event in read(two) if isinstance(event, ev.Finish)} == {0, 1}


def test_usage_is_what_is_said_last() -> None:
    first = answer("a") | {"usageMetadata": {"trafficType": "ON_DEMAND"}}
    second = answer("b") | {"usageMetadata": USAGE | {"cachedContentTokenCount": 2}}
    third = answer("", finish="STOP") | {
        "usageMetadata": {
            "candidatesTokenCount": 9,
            "thoughtsTokenCount": 5,
            "toolUsePromptTokenCount": 1,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}, {"modality": "TEXT", "tokenCount": 1}],
            "serviceTier": "standard",
        }
    }  # fmt: skip
    usage = chunks(write_all(read(first, second, third)))[-1]["usage"]
    assert usage == {
        "prompt_tokens": 4,
        "completion_tokens": 14,
        "total_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }


def test_the_answers_own_words() -> None:
    body = answer("x", finish="STOP") | {
        "createTime": "2026-01-01T00:00:00.5Z",
        "usageMetadata": {"serviceTier": "flex"},
    }
    told = read_unary(DIALECT.write_response(GOOGLE.read_response(json.dumps(body).encode()), REPLY))
    assert (told["id"], told["model"], told["created"], told["service_tier"]) == (
        "r",
        "asked-for",
        1_767_225_600,
        "flex",
    )
    for time in ("yesterday", "9999-99-99"):
        odd = GOOGLE.read_response(json.dumps(body | {"createTime": time}).encode())
        assert odd.created is None
    assert GOOGLE.read_response(json.dumps(body | {"createTime": "2026-01-01T00:00:00"}).encode()).created


def test_sources() -> None:
    text = "Grüße 👋 an alle."
    segment = {"startIndex": len("Grüße ".encode()), "endIndex": len("Grüße 👋".encode())}
    grounding = {
        "groundingChunks": [
            {"web": {"uri": "https://a", "title": "A"}},
            {"retrievedContext": {"uri": "gs://b"}},
            {"web": {"title": "nowhere"}},
            {"maps": {"uri": "https://c", "title": "C"}},
        ],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 1, 2, 9]}],
    }
    citation = {"citations": [{"startIndex": 0, "endIndex": 5, "uri": "https://d"}, {"license": "mit"}]}
    told = message(thought("hm"), text, groundingMetadata=grounding, citationMetadata=citation)
    cited = [one["url_citation"] for one in told["annotations"]]
    assert [(one["url"], one["title"], text[one["start_index"] : one["end_index"]]) for one in cited] == [
        ("https://a", "A", "👋"),
        ("gs://b", "", "👋"),
        ("https://c", "C", ""),
        ("https://d", "", "Grü"),
    ]
    streamed = deltas(
        answer(text[:7]),
        answer(text[7:], groundingMetadata={}),
        answer("", finish="STOP", groundingMetadata=grounding),
    )
    assert [part["annotations"][0]["url_citation"] for part in streamed if "annotations" in part] == cited[:3]


def test_sources_of_a_later_part() -> None:
    segment = {"partIndex": 2, "startIndex": 1, "endIndex": 2}
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    told = message("one", {"executableCode": {"code": "1"}}, "two", groundingMetadata=grounding)
    place = told["annotations"][0]["url_citation"]
    assert told["content"][place["start_index"] : place["end_index"]] == "w"


def test_log_probabilities() -> None:
    result = {
        "chosenCandidates": [{"token": "ü", "logProbability": -0.5}, {"token": "x"}],
        "topCandidates": [{"candidates": [{"token": "ü", "logProbability": -0.5}]}],
    }
    [choice] = choices(answer("üx", finish="STOP", logprobsResult=result))
    assert choice["logprobs"] == {
        "content": [
            {
                "token": "ü",
                "logprob": -0.5,
                "bytes": [195, 188],
                "top_logprobs": [{"token": "ü", "logprob": -0.5, "bytes": [195, 188]}],
            },
            {"token": "x", "logprob": 0.0, "bytes": [120], "top_logprobs": []},
        ],
        "refusal": None,
    }


def error(status: int, kind: str, *reasons: str, message: str = "words") -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason} for reason in reasons]
    return {"error": {"code": status, "message": message, "status": kind, "details": details}}


ERRORS = [
    (error(400, "INVALID_ARGUMENT"), ProviderRejected, 400, "words"),
    (error(404, "NOT_FOUND"), ProviderRejected, 404, "words"),
    (error(400, "INVALID_ARGUMENT", "API_KEY_INVALID"), ProviderFailed, 502, "credentials or account"),
    (error(400, "FAILED_PRECONDITION"), ProviderFailed, 502, "credentials or account"),
    (error(401, "UNAUTHENTICATED"), ProviderFailed, 502, "credentials or account"),
    (error(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), ProviderFailed, 502, "credentials or account"),
    (error(429, "RESOURCE_EXHAUSTED"), ProviderRateLimited, 429, "words"),
    (error(500, "INTERNAL"), ProviderFailed, 502, "words"),
    (error(503, "UNAVAILABLE"), ProviderFailed, 502, "words"),
    (error(504, "DEADLINE_EXCEEDED"), ProviderFailed, 502, "words"),
]


@pytest.mark.parametrize(("body", "kind", "status", "words"), ERRORS)
def test_errors(body: dict[str, Any], kind: type[ProviderError], status: int, words: str) -> None:
    http = body["error"]["code"]
    for told in (
        GOOGLE.read_error(http, {}, json.dumps(body).encode()),
        GOOGLE.read_error(http, {}, json.dumps([body]).encode()),
        broken(answer("x"), body),
        _under_200(json.dumps(body)),
        _under_200(json.dumps([body])),
    ):
        assert type(told) is kind
        assert told.status == status
        assert words in told.message


def _under_200(body: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        GOOGLE.read_response(body.encode())
    return caught.value


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "text"}', b'{"error": {"details": 5}}'])
def test_errors_of_others_on_the_way(body: bytes) -> None:
    assert GOOGLE.read_error(502, {}, body).status == 502
    assert GOOGLE.read_error(400, {}, body).status == 400


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"candidates": 5}', b'{"candidates": []}'])
def test_answers_that_are_none(body: bytes) -> None:
    with pytest.raises(ProviderFailed):
        GOOGLE.read_response(body)


def test_addresses_of_the_documentation_may_be_told() -> None:
    said = "see https://ai.google.dev/gemini-api/docs/rate-limits. or http://10.0.0.1/x"
    told = GOOGLE.read_error(429, {}, json.dumps(error(429, "RESOURCE_EXHAUSTED", message=said)).encode())
    assert "https://ai.google.dev/gemini-api/docs/rate-limits" in told.message
    assert "10.0.0.1" not in told.message


@pytest.mark.parametrize(
    ("delay", "seconds"), [("34.4s", 34.4), ("7s", 7.0), ("soon", None), ("-1s", None), ("9" * 9 + "s", None)]
)
def test_how_long_to_wait(delay: str, seconds: float | None) -> None:
    body = error(429, "RESOURCE_EXHAUSTED")
    body["error"]["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    assert GOOGLE.read_error(429, {}, json.dumps(body).encode()).retry_after == seconds
