"""Any request becomes a valid one for Gemini, or a clean 400; any bytes from it valid ones for a client."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.chat import events as ev
from extproc.errors import ProviderError, RequestError
from tests.extproc.providers.clients import DIALECT, REPLY, read_all, read_unary
from tests.extproc.providers.gemini import GOOGLE, TARGET, VERTEX
from tests.extproc.providers.google_recordings import framed, requests
from tests.extproc.providers.google_types import check
from tests.extproc.providers.test_corpus import REQUESTS
from tests.extproc.providers.test_fuzz import expect_clean
from tests.extproc.recordings import Recording

RELAXED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MODELS = st.sampled_from(
    ["gemini-3.6-flash", "gemini-3-pro-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemma-3", "endpoints/1"]
)  # fmt: skip


@RELAXED
@given(REQUESTS, MODELS, st.sampled_from([TARGET, VERTEX]))
def test_any_request(asked: dict[str, Any], model: str, target: Any) -> None:
    request = DIALECT.read_request(json.dumps(asked).encode())
    refused = None
    try:
        sent = GOOGLE.write_request(request, target, model)
    except RequestError as error:
        refused = error
    if refused is not None:
        assert (refused.status, refused.type) == (400, "invalid_request_error")
        assert refused.param is not None
        assert refused.param.startswith(
            ("messages", "tools[", "tool_choice", "function_call", "top_logprobs")
        )
        return
    body = json.loads(sent.body)
    check(body)
    follow_the_rules(body)
    assert sent.path.endswith(":streamGenerateContent?alt=sse" if asked.get("stream") else ":generateContent")
    assert set(sent.unsupported) <= {name for field in asked for name in named(field, asked)}


def named(field: str, asked: dict[str, Any]) -> list[str]:
    """What `unsupported` may call `field`."""
    inner = {
        "safety_identifier": ["user"],
        "messages": ["messages.name", "messages.content.image_url.detail"],
        "response_format": ["response_format.json_schema.schema"],
        "web_search_options": ["web_search_options.search_context_size"],
        "tools": [
            f"tools[{n}].function.{x}"
            for n in range(len(asked.get("tools", ())))
            for x in ("strict", "parameters")
        ],
    }
    return [field, *inner.get(field, ())]


def follow_the_rules(body: dict[str, Any]) -> None:
    """What Google demands beyond its types."""
    declared = {one["name"] for tool in body.get("tools", ()) for one in tool.get("functionDeclarations", ())}
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    assert not calling or declared
    assert set(calling.get("allowedFunctionNames", ())) <= declared
    assert "allowedFunctionNames" not in calling or calling["mode"] in ("ANY", "VALIDATED")
    config = body.get("generationConfig", {})
    assert config.get("presencePenalty", 0) < 2
    assert 0 <= config.get("seed", 0) < 2**31
    assert "logprobs" not in config or config["responseLogprobs"]
    assert len({"thinkingBudget", "thinkingLevel"} & config.get("thinkingConfig", {}).keys()) < 2
    for content in body["contents"]:
        for part in content["parts"]:
            assert len(part.keys() - {"thoughtSignature", "thought"}) == 1


@pytest.mark.parametrize("recording", requests())
def test_recorded_requests_pass_the_check(recording: Recording) -> None:
    """What Google accepted is what the check accepts; else the check would be wrong."""
    assert recording.request is not None
    check(recording.request)


KEYS = st.sampled_from(
    ["text", "thought", "thoughtSignature", "functionCall", "name", "args", "partialArgs", "jsonPath", "id",
     "stringValue", "willContinue", "executableCode", "inlineData", "parts", "content", "finishReason", "index",
     "usageMetadata", "promptTokenCount", "groundingMetadata", "logprobsResult", "promptFeedback", "blockReason",
     "error", "responseId", "candidates"]
)  # fmt: skip
WORDS = st.sampled_from(["STOP", "SAFETY", "x", "", "$.a", "$.a[0]", "ü"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "name": WORDS,
        "id": WORDS,
        "args": st.dictionaries(WORDS, JSON, max_size=2),
        "willContinue": st.booleans(),
        "partialArgs": st.lists(
            st.fixed_dictionaries(
                {"jsonPath": st.sampled_from(["$.a", "$.a.b", "$.a[0]", "$.a[1]", "$.c", "$", "x"])},
                optional={"stringValue": WORDS, "numberValue": st.integers(), "willContinue": st.booleans()},
            ),
            max_size=3,
        ),
    },
)
PARTS = st.one_of(
    st.fixed_dictionaries({"text": WORDS}, optional={"thought": st.booleans(), "thoughtSignature": WORDS}),
    st.fixed_dictionaries({"functionCall": CALLS}, optional={"thoughtSignature": WORDS}),
    st.dictionaries(KEYS, JSON, max_size=2),
)
CHUNKS = st.builds(
    lambda parts, more, rest: {"candidates": [{"content": {"parts": parts}} | more]} | rest,
    st.lists(PARTS, max_size=3),
    st.sampled_from([{}, {"finishReason": "STOP"}, {"index": 1}, {"finishReason": "OTHER", "index": 1}]),
    st.just({"responseId": "r"}) | st.dictionaries(KEYS, JSON, max_size=1),
)


@RELAXED
@given(st.lists(CHUNKS | JSON, max_size=6).map(framed) | st.binary(max_size=100), st.data())
def test_any_stream(stream: bytes, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, max(len(stream), 1)), max_size=5).map(sorted))
    pieces = [stream[start:end] for start, end in pairwise([0, *places, len(stream)])]
    written = expect_clean(read_all(GOOGLE.stream_reader(), [stream]))
    assert expect_clean(read_all(GOOGLE.stream_reader(), pieces)) == written


@RELAXED
@given(st.one_of(CHUNKS, JSON, st.lists(CHUNKS, max_size=3)).map(lambda body: json.dumps(body).encode()))
def test_any_answer(body: bytes) -> None:
    with suppress(ProviderError):
        read_unary(DIALECT.write_response(GOOGLE.read_response(body), REPLY))


@RELAXED
@given(st.lists(CHUNKS, min_size=1, max_size=4))
def test_what_was_answered_can_be_sent_back(chunks: list[dict[str, Any]]) -> None:
    """Turn 2 of any answer is a request that Google's types accept."""
    try:
        response = GOOGLE.read_response(json.dumps(chunks).encode())
    except ProviderError:
        return
    told = json.loads(DIALECT.write_response(response, REPLY))["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "r"} for call in told.get("tool_calls") or ()
    ]
    history = [{"role": "user", "content": "hi"}, told, *results]
    with suppress(RequestError):
        GOOGLE.write_request(
            DIALECT.read_request(json.dumps({"model": "m", "messages": history}).encode()),
            TARGET,
            "gemini-3.6-flash",
        )


DEEP = b"[" * 100_000
BODIES = [
    b'{"candidates":[{"content":{"parts":[{"text":"\\ud800"}]}}]}',
    b'{"candidates":[{"content":{"parts":[{"text":"\xff"}]}}]}',
    b'{"candidates":[{"content":{"parts":[{"novelty":' + DEEP + b"]" * 100_000 + b"}]}}]}",
    b'{"candidates":[{"content":{"parts":[{"text":NaN}]}}]}',
    b"\x1f\x8b\x08\x00",
]


@pytest.mark.parametrize("body", BODIES)
def test_bodies_that_break_parsers(body: bytes) -> None:
    with pytest.raises(ProviderError):
        GOOGLE.read_response(body)
    events = read_all(GOOGLE.stream_reader(), [b"data: " + body + b"\n\n"])
    assert isinstance(events[-1], ev.StreamError)
