"""Converse's answers, streams and errors becoming what a client of OpenAI reads."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from extproc.chat import events as ev
from extproc.errors import ProviderFailed, ProviderRateLimited, ProviderRejected
from extproc.providers import WIRE_FORMATS
from extproc.providers.bedrock.blocks import JSON_TOOL
from tests.extproc.providers.clients import DIALECT, REPLY, add_up, chunks, read_all, read_unary, write_all
from tests.extproc.wire.frames import error, event, exception

FORMAT = WIRE_FORMATS["bedrock"]
USAGE = {"inputTokens": 5, "outputTokens": 3, "totalTokens": 8}
BLOB = base64.b64encode(b"hidden").decode()


def answer(*blocks: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    body = {
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": stop,
        "usage": USAGE,
    }
    return read_unary(DIALECT.write_response(FORMAT.read_response(json.dumps(body | more).encode()), REPLY))


def message(*blocks: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return answer(*blocks, stop=stop)["choices"][0]["message"]


def delta(index: int, **fields: Any) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": fields})


def begin(index: int, **fields: Any) -> bytes:
    return event("contentBlockStart", {"contentBlockIndex": index, "start": fields})


def end(index: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": index})


START = event("messageStart", {"role": "assistant"})


def stop(reason: str = "end_turn", **more: Any) -> bytes:
    return event("messageStop", {"stopReason": reason, **more}) + event("metadata", {"usage": USAGE})


def told(*frames: bytes) -> list[ev.Event]:
    """The events, however the stream is cut."""
    stream = b"".join(frames)
    events = read_all(FORMAT.stream_reader(), [stream])
    again = read_all(FORMAT.stream_reader(), [stream[n : n + 1] for n in range(len(stream))])
    assert [type(each) for each in again] == [type(each) for each in events]
    return events


def finish(*frames: bytes) -> dict[str, Any]:
    """The choice that says how a stream ended."""
    parts = chunks(write_all(told(START, *frames)))
    [found] = [choice for part in parts for choice in part["choices"] if choice["finish_reason"]]
    return found


def streamed(*frames: bytes) -> dict[str, Any]:
    return add_up(chunks(write_all(told(START, *frames))))["choices"][0]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "stop"),
        ("malformed_tool_use", "stop"),
        ("invented_tomorrow", "stop"),
    ],
)
def test_reasons(reason: str, word: str) -> None:
    for choice in (
        answer({"text": "a"}, stop=reason)["choices"][0],
        finish(delta(0, text="a"), stop(reason)),
    ):
        assert choice["finish_reason"] == word
        assert choice["native_finish_reason"] == reason


def test_every_reason_of_the_service_is_known() -> None:
    import botocore.session

    from extproc.providers.bedrock.response import FINISH_REASONS

    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    assert set(service.shape_for("StopReason").enum) <= FINISH_REASONS.keys()
    output = service.shape_for("ConverseStreamOutput").members
    for name in (name for name in output if name.endswith("Exception")):
        assert told(exception(name, {"message": "m"}))[-1].error.message == "m"


def test_stop_sequences_and_tiers() -> None:
    told_at_once = answer(
        {"text": "a"},
        stop="stop_sequence",
        additionalModelResponseFields={"stop_sequence": "END"},
        serviceTier={"type": "flex"},
    )
    assert told_at_once["choices"][0]["stop_sequence"] == "END"
    assert told_at_once["service_tier"] == "flex"
    given = {"additionalModelResponseFields": {"delta": {"stop_sequence": "END"}}}
    assert finish(delta(0, text="a"), stop("stop_sequence", **given))["stop_sequence"] == "END"
    odd = answer({"text": "a"}, additionalModelResponseFields=[1], serviceTier={"type": "reserved"})
    assert "service_tier" not in odd
    assert "stop_sequence" not in odd["choices"][0]


def test_usage_with_a_cache() -> None:
    usage = USAGE | {"cacheReadInputTokens": 100, "cacheWriteInputTokens": 10, "totalTokens": 118}
    counted = answer({"text": "a"}, usage=usage)["usage"]
    assert (counted["prompt_tokens"], counted["total_tokens"]) == (115, 118)
    assert counted["prompt_tokens_details"] == {"cached_tokens": 100, "cache_write_tokens": 10}


def test_reasoning() -> None:
    signed = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    hidden = {"reasoningContent": {"redactedContent": BLOB}}
    unsigned = {"reasoningContent": {"reasoningText": {"text": "!"}}}
    expected = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": BLOB},
    ]
    at_once = message(signed, hidden, unsigned, {"text": "a"})
    assert (at_once["reasoning_content"], at_once["thinking_blocks"], at_once["content"]) == (
        "hm!",
        expected,
        "a",
    )
    later = streamed(
        delta(0, reasoningContent={"text": "h"}), delta(0, reasoningContent={"text": "m"}), delta(0, reasoningContent={"signature": "s"}), end(0),
        delta(1, reasoningContent={"redactedContent": BLOB}), end(1), delta(2, text="a"), end(2), stop(),
    )["message"]  # fmt: skip
    assert (later["reasoning_content"], later["content"]) == ("hm", "a")
    assert [
        {k: v for k, v in block.items() if k != "index"} for block in later["thinking_blocks"]
    ] == expected


def test_calls() -> None:
    choice = streamed(
        delta(0, text="let me"), end(0),
        begin(1, toolUse={"toolUseId": "t1", "name": "f"}), delta(1, toolUse={"input": '{"a"'}), delta(1, toolUse={"input": ":1}"}), end(1),
        begin(2, toolUse={"toolUseId": "t2", "name": "g"}), end(2), stop("tool_use"),
    )  # fmt: skip
    calls = [
        (c["id"], c["function"]["name"], c["function"]["arguments"]) for c in choice["message"]["tool_calls"]
    ]
    assert calls == [("t1", "f", '{"a":1}'), ("t2", "g", "{}")]
    assert choice["finish_reason"] == "tool_calls"
    assert "bedrock_content" not in choice["message"]


def test_what_openai_has_no_word_for_is_kept() -> None:
    served = {
        "toolUse": {
            "toolUseId": "t",
            "name": "nova_code_interpreter",
            "input": {"a": 1},
            "type": "server_tool_use",
        }
    }
    result = {"toolResult": {"toolUseId": "t", "content": [{"json": {"out": 2}}], "status": "success"}}
    image = {"image": {"format": "png", "source": {"bytes": BLOB}}}
    at_once = message(served, result, image, {"text": "2"})
    assert at_once["bedrock_content"] == [served, result, image, {"text": "2"}]
    assert "tool_calls" not in at_once
    later = streamed(
        begin(0, toolUse={"toolUseId": "t", "name": "nova_code_interpreter", "type": "server_tool_use"}), delta(0, toolUse={"input": '{"a": 1}'}), end(0),
        begin(1, toolResult={"toolUseId": "t", "status": "success"}), delta(1, toolResult=[{"json": {"out": 2}}]), end(1),
        begin(2, image={"format": "png"}), delta(2, image={"source": {"bytes": BLOB}}), end(2),
        delta(3, text="2"), stop(),
    )["message"]  # fmt: skip
    assert [
        {k: v for k, v in block.items() if k != "index"} for block in later["bedrock_content"]
    ] == at_once["bedrock_content"]


def test_citations() -> None:
    web = {"title": "T", "location": {"web": {"url": "https://a.example"}}}
    cited = {"citationsContent": {"content": [{"text": "It is so."}], "citations": [web]}}
    for said in (
        message({"text": "Well: "}, cited),
        streamed(
            delta(0, text="Well: "),
            end(0),
            delta(1, text="It is so."),
            delta(1, citation=web),
            end(1),
            stop(),
        )["message"],
    ):
        [found] = said["annotations"]
        assert found["url_citation"] == {
            "url": "https://a.example",
            "title": "T",
            "start_index": 6,
            "end_index": 15,
        }
        assert said["content"] == "Well: It is so."
        assert "bedrock_content" not in said
    paper = {"title": "T", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}}
    kept = message({"citationsContent": {"content": [{"text": "so"}], "citations": [paper]}})
    assert kept["bedrock_content"] == [
        {"citationsContent": {"content": [{"text": "so"}], "citations": [paper]}}
    ]


def test_an_answer_that_was_a_tool() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": JSON_TOOL, "input": {"a": 1}}}
    choice = answer(use, stop="tool_use")["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ('{"a": 1}', "stop")
    assert "tool_calls" not in choice["message"]
    spoken = answer({"text": "Here: "}, use, {"text": " done"}, stop="tool_use")["choices"][0]["message"]
    assert spoken["content"] == '{"a": 1}'
    assert spoken["bedrock_content"] == [{"text": "Here: "}, {"text": '{"a": 1}'}, {"text": " done"}]
    later = streamed(
        begin(0, toolUse={"toolUseId": "t", "name": JSON_TOOL}),
        delta(0, toolUse={"input": '{"a"'}),
        delta(0, toolUse={"input": ": 1}"}),
        stop("tool_use"),
    )
    assert (later["message"]["content"], later["finish_reason"]) == ('{"a": 1}', "stop")
    assert (
        streamed(begin(0, toolUse={"toolUseId": "t", "name": JSON_TOOL}), stop("tool_use"))["message"][
            "content"
        ]
        == "{}"
    )


def test_arguments_that_broke_off_are_kept_as_text() -> None:
    later = streamed(
        begin(0, toolUse={"toolUseId": "t", "name": "f"}), delta(0, toolUse={"input": '{"a'}), end(0),
        delta(1, text="oh"), end(1), stop("malformed_tool_use"),
    )["message"]  # fmt: skip
    assert later["bedrock_content"][0]["toolUse"]["input"] == {"INVALID_JSON": '{"a'}


def test_deltas_without_a_block_and_unknown_events() -> None:
    choice = streamed(
        event("heartbeat", {}), delta(7, toolUse={"input": "x"}), delta(0, text="a"), end(9), stop()
    )
    assert choice["message"]["content"] == "a"


@pytest.mark.parametrize(
    ("frames", "kind", "words"),
    [
        ([exception("throttlingException", {"message": "slow down"})], ProviderRateLimited, "slow down"),
        ([exception("validationException", {"message": "no"})], ProviderRejected, "no"),
        ([exception("modelStreamErrorException", {"message": "m", "originalStatusCode": 400})], ProviderFailed, "m"),
        ([exception("internalServerException", {})], ProviderFailed, "the provider failed"),
        ([error("ThrottlingException", "wait")], ProviderRateLimited, "wait"),
        ([error("Odd", "")], ProviderFailed, "the provider failed"),
        ([b"<html>" * 9], ProviderFailed, "malformed event stream: the checksum"),
        ([START[:-2]], ProviderFailed, "malformed event stream: the stream ended"),
        ([START, delta(0, text="a")], ProviderFailed, "ended before its answer did"),
        ([event("contentBlockDelta", {"delta": 1})], ProviderFailed, "malformed event stream"),
        ([event("contentBlockDelta", {"delta": {"toolResult": 1, "text": "a"}}), begin(0, toolUse=[])], ProviderFailed, "malformed event stream"),
    ],
)  # fmt: skip
def test_streams_that_break(frames: list[bytes], kind: type[Exception], words: str) -> None:
    events = told(*frames)
    last = events[-1]
    assert isinstance(last, ev.StreamError)
    assert isinstance(last.error, kind)
    assert words in last.error.message
    assert not any(isinstance(each, ev.StreamError) for each in events[:-1])


def test_nothing_is_read_after_the_end() -> None:
    reader = FORMAT.stream_reader()
    events = reader.feed(START + delta(0, text="a") + stop())
    assert isinstance(events[-1], ev.End)
    assert reader.feed(b"garbage") == []
    assert reader.finish() == []


def test_a_stream_without_usage_ends_when_it_closes() -> None:
    events = told(
        delta(0, text="a"),
        event("metadata", {"usage": USAGE}),
        event("messageStop", {"stopReason": "end_turn"}),
    )
    assert [type(each).__name__ for each in events] == ["Start", "TextDelta", "UsageSeen", "Finish", "End"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "malformed answer"),
        (b"{}", "the provider failed"),
        (b'{"message": "no"}', "no"),
        (b'{"__type": "com.amazon#ThrottlingException", "Message": "slow"}', "slow"),
        (b'{"output": {"message": {"content": [{"text": 1}]}}}', "malformed answer"),
        (b'{"output": {"message": {"content": [{"reasoningContent": 1}]}}}', "malformed answer"),
    ],
)
def test_answers_that_are_none(body: bytes, words: str) -> None:
    with pytest.raises((ProviderFailed, ProviderRateLimited), match=words):
        FORMAT.read_response(body)


@pytest.mark.parametrize(
    ("status", "header", "body", "kind", "shown"),
    [
        (400, "ValidationException:http://internal.amazon.com/x", {"message": "bad"}, 400, "bad"),
        (400, "ThrottlingException", {"message": "slow"}, 429, "slow"),
        (400, "ExpiredTokenException", {"message": "AKIAEXAMPLE"}, 502, "credentials"),
        (403, "AccessDeniedException", {"message": "arn:aws:iam::123456789012:user/x"}, 502, "credentials"),
        (404, "ResourceNotFoundException", {"message": "Not arn:aws:bedrock:us-east-1:123456789012:x/y, sorry"}, 404, "Not [arn], sorry"),
        (408, "ModelTimeoutException", {"message": "late"}, 502, "late"),
        (424, "ModelErrorException", {"message": "broke"}, 502, "broke"),
        (429, "ThrottlingException", {"message": "slow"}, 429, "slow"),
        (429, "ModelNotReadyException", {"message": "cold"}, 429, "cold"),
        (500, "InternalServerException", {}, 502, "status 500"),
        (503, "ServiceUnavailableException", {"Message": "later"}, 502, "later"),
        (400, None, {"__type": "x#ValidationException", "message": "bad"}, 400, "bad"),
        (502, None, "<html>", 502, "status 502"),
    ],
)  # fmt: skip
def test_errors(status: int, header: str | None, body: Any, kind: int, shown: str) -> None:
    headers = {} if header is None else {"x-amzn-errortype": header}
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    found = FORMAT.read_error(status, headers, raw)
    assert (found.status, shown in found.message) == (kind, True), found.message
    assert "123456789012" not in found.message
