"""Anthropic's events as a transcript: what comes in, what a client's chunks say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.chat import events as ev
from extproc.errors import ProviderError, ProviderFailed, ProviderRateLimited, ProviderRejected
from extproc.providers import WIRE_FORMATS
from tests.extproc.providers.clients import chunks, read_all, write_all

FORMAT = WIRE_FORMATS["anthropic"]

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}


def block(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": content}


def close(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None = "end_turn", usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason} | more,
        "usage": usage or {"output_tokens": 9},
    }


def framed(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {e.get('type', 'x')}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def deltas(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """What the deltas of a whole stream say, from the role on."""
    told = [choice for part in chunks(write_all(read(*events))) for choice in part["choices"]]
    return [choice["delta"] for choice in told]


def read(*events: dict[str, Any]) -> list[ev.Event]:
    return read_all(FORMAT.stream_reader(), [framed(*events)])


def broken(*events: dict[str, Any]) -> ProviderError:
    """The error that ends the stream of `events`."""
    last = read(*events)[-1]
    assert isinstance(last, ev.StreamError)
    return last.error


ROLE = {"role": "assistant", "content": "", "refusal": None}


def called(index: int, call_id: str, name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": ""}
    return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}


def adds(index: int, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # text; pings and what nobody knows
        (
            [{"type": "ping"}, block(0, type="text", text="H"), {"type": "novelty"}, delta(0, type="text_delta", text="i"), delta(0, type="novel_delta"), close(0)],
            [{"content": "H"}, {"content": "i"}],
        ),
        # two tools, interleaved
        (
            [
                block(0, type="tool_use", id="a", name="f", input={}), block(1, type="tool_use", id="b", name="g", input={}),
                delta(1, type="input_json_delta", partial_json='{"x":'), delta(0, type="input_json_delta", partial_json=""),
                delta(0, type="input_json_delta", partial_json="{}"), delta(1, type="input_json_delta", partial_json="1}"), close(0), close(1),
            ],
            [called(0, "a", "f"), called(1, "b", "g"), adds(1, '{"x":'), adds(0, "{}"), adds(1, "1}")],
        ),
        # arguments that came with the start, none at all (llama.cpp), and blocks that nobody closes
        ([block(0, type="tool_use", id="a", name="f", input={"x": 1.0}), close(0)], [called(0, "a", "f"), adds(0, '{"x": 1.0}')]),
        ([block(0, type="tool_use", id="a", name="f")], [called(0, "a", "f"), adds(0, "{}")]),
        ([block(0, type="tool_use", name="f", input={}), close(0)], [called(0, "toolu_0", "f"), adds(0, "{}")]),
        # thinking with its signature
        (
            [block(0, type="thinking", thinking="", signature=""), delta(0, type="thinking_delta", thinking="Hm"), delta(0, type="signature_delta", signature="s"), close(0),
             block(1, type="redacted_thinking", data="d"), close(1), block(2, type="text", text="x"), close(2)],
            [
                {"reasoning_content": "Hm"},
                {"thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "Hm", "signature": "s"}]},
                {"thinking_blocks": [{"index": 1, "type": "redacted_thinking", "data": "d"}]},
                {"content": "x"},
            ],
        ),
        # citations of the web, and of documents
        (
            [block(0, type="text", text="A"), close(0), block(1, type="text", text="", citations=[]), delta(1, type="citations_delta", citation={"type": "web_search_result_location", "url": "https://x", "title": "X"}),
             delta(1, type="text_delta", text="bc"), close(1)],
            [
                {"content": "A"}, {"content": "bc"},
                {"annotations": [{"index": 0, "type": "url_citation", "url_citation": {"start_index": 1, "end_index": 3, "title": "X", "url": "https://x"}}]},
            ],
        ),
        (
            [block(0, type="text", text=""), delta(0, type="text_delta", text="A"), delta(0, type="citations_delta", citation={"type": "char_location", "cited_text": "a"}), close(0)],
            [{"content": "A"}, {"anthropic_content": [{"index": 0, "type": "text", "text": "A", "citations": [{"type": "char_location", "cited_text": "a"}]}]}],
        ),
        # server tools are kept, with everything around them
        (
            [block(0, type="server_tool_use", id="s", name="web_search", input={}), delta(0, type="input_json_delta", partial_json='{"q":"x"}'), close(0),
             block(1, type="web_search_tool_result", tool_use_id="s", content=[]), close(1), block(2, type="text", text="R"), close(2)],
            [
                {"content": "R"},
                {"anthropic_content": [
                    {"index": 0, "type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}},
                    {"index": 1, "type": "web_search_tool_result", "tool_use_id": "s", "content": []},
                    {"index": 2, "type": "text", "text": "R"},
                ]},
            ],
        ),
        # arguments of a server tool that broke off
        (
            [block(0, type="server_tool_use", id="s", name="w", input={}), delta(0, type="input_json_delta", partial_json='{"q'), close(0)],
            [{"anthropic_content": [{"index": 0, "type": "server_tool_use", "id": "s", "name": "w", "input": {"INVALID_JSON": '{"q'}}]}],
        ),
        # a delta for a block that was never opened
        ([delta(7, type="text_delta", text="lost?"), block(0, type="text", text="x")], [{"content": "x"}]),
    ],
)  # fmt: skip
def test_transcripts(events: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert deltas(START, *events, end(), STOP) == [ROLE, *expected, {}]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "stop"),
        ("compaction", "stop"),
        ("refusal", "content_filter"),
        ("what_comes_next", "stop"),
    ],
)
def test_finish_reasons(reason: str, finish: str) -> None:
    for parts in (
        chunks(write_all(read(START, block(0, type="text", text="x"), end(reason), STOP))),
        chunks(
            write_all(read(START, block(0, type="text", text="x"), end(reason)))
        ),  # closed without message_stop
    ):
        assert parts[-2]["choices"][0]["finish_reason"] == finish
        assert parts[-2]["choices"][0]["native_finish_reason"] == reason
    unary = FORMAT.read_response(json.dumps({"content": [], "stop_reason": reason}).encode())
    assert unary.choices[0].native_reason == reason


def test_an_unknown_end_with_tool_calls_wants_them_run() -> None:
    parts = chunks(write_all(read(START, block(0, type="tool_use", id="a", name="f"), STOP)))
    assert parts[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_the_stop_sequence_is_told() -> None:
    parts = chunks(write_all(read(START, end("stop_sequence", stop_sequence="###"), STOP)))
    assert parts[-2]["choices"][0]["stop_sequence"] == "###"


def test_a_refusal_is_explained() -> None:
    refused = end("refusal", stop_details={"type": "refusal", "explanation": "No."})
    assert deltas(START, refused, STOP) == [ROLE, {"refusal": "No."}, {}]


@pytest.mark.parametrize(
    ("start", "last", "told"),
    [
        ({"input_tokens": 3, "output_tokens": 1}, {"output_tokens": 9}, (3, 9)),
        ({"input_tokens": 3, "output_tokens": 1}, {"input_tokens": 5, "output_tokens": 9}, (5, 9)),
        ({"input_tokens": 3, "output_tokens": 1}, {"input_tokens": None, "output_tokens": 9}, (3, 9)),
        ({"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 100}, {"output_tokens": 9}, (113, 9)),
        ({"input_tokens": 3}, {"input_tokens": 4, "cache_read_input_tokens": 10, "output_tokens": 9}, (14, 9)),
    ],
)  # fmt: skip
def test_the_last_word_on_usage_wins(
    start: dict[str, Any], last: dict[str, Any], told: tuple[int, int]
) -> None:
    begin = {"type": "message_start", "message": {"id": "m", "content": [], "usage": start}}
    usage = chunks(write_all(read(begin, end(usage=last), STOP)))[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (*told, sum(told))


def test_details_of_usage() -> None:
    last = {
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 7},
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 0,
    }
    usage = chunks(write_all(read(START, end(usage=last), STOP)))[-1]["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 2, "cache_write_tokens": 0}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 7}


def error(kind: str, message: str = "Busy") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("events", "expected", "message"),
    [
        ([error("overloaded_error")], ProviderFailed, "Busy"),
        ([START, error("api_error")], ProviderFailed, "Busy"),
        ([START, error("rate_limit_error")], ProviderRateLimited, "Busy"),
        ([START, error("invalid_request_error", "bad")], ProviderRejected, "bad"),
        ([START, error("authentication_error", "key sk-1")], ProviderFailed, "the provider refused the gateway's credentials or account"),
        ([START, error("who_knows", "")], ProviderFailed, "the provider failed"),
        ([START, block(0, type="text", text="x")], ProviderFailed, "the provider's stream ended before its answer did"),
        ([], ProviderFailed, "the provider's stream ended before its answer did"),
        ([{"type": "content_block_delta", "delta": 5}], ProviderFailed, "the provider sent a malformed event stream: delta: Expected `object`, got `int`"),
    ],
)  # fmt: skip
def test_broken_streams(events: list[dict[str, Any]], expected: type[ProviderError], message: str) -> None:
    told = broken(*events)
    assert (type(told), told.message) == (expected, message)
    assert sum(isinstance(event, ev.StreamError) for event in read(*events)) == 1


@pytest.mark.parametrize(
    "garbage", [b"<html>502</html>", b"data: {\n\n", b"data: \xff\n\n", b'data: "x"\n\n', b'{"error": 1}']
)
def test_garbage(garbage: bytes) -> None:
    events = read_all(FORMAT.stream_reader(), [garbage])
    assert len(events) == 1
    assert isinstance(events[0], ev.StreamError)
    assert events[0].error.status == 502


def test_an_error_ends_the_client_s_stream_without_done() -> None:
    written = write_all(read(START, block(0, type="text", text="x"), error("overloaded_error"), STOP))
    parts = chunks(written, done=False)
    assert parts[-1] == {
        "error": {"message": "Busy", "type": "api_error", "param": None, "code": "provider_error"}
    }
    assert b"[DONE]" not in written


def test_nothing_is_read_after_the_end() -> None:
    for last in (STOP, error("api_error")):
        reader = FORMAT.stream_reader()
        assert reader.feed(framed(START, last))
        assert reader.feed(framed(START, STOP)) == []
        assert reader.finish() == []


def test_what_commits() -> None:
    quiet = [START, {"type": "ping"}, block(0, type="text", text="")]
    assert not any(map(ev.commits, read(*quiet, error("api_error"))))
    for loud in (
        [delta(0, type="text_delta", text="x")],
        [block(1, type="tool_use", id="a", name="f")],
        [block(1, type="thinking", thinking="")],
        [block(1, type="server_tool_use", id="a", name="w")],
        [end()],
    ):
        reader = FORMAT.stream_reader()
        assert not any(map(ev.commits, reader.feed(framed(*quiet))))
        assert any(map(ev.commits, reader.feed(framed(*loud))))


def test_the_type_may_stand_in_one_place_only() -> None:
    events = (START, block(0, type="text", text="x"), end(), STOP)
    expected = write_all(read(*events))
    unnamed = [(None, event) for event in events]
    alike = [("message", event) for event in events]
    named = [(event["type"], {k: v for k, v in event.items() if k != "type"}) for event in events]
    for pairs in (unnamed, alike, named):
        lines = [
            (f"event: {name}\n" if name else "") + f"data: {json.dumps(event)}\n\n" for name, event in pairs
        ]
        assert write_all(read_all(FORMAT.stream_reader(), ["".join(lines).encode()])) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider sent a malformed answer: Input data was truncated"),
        (b'{"content": [{"type": 5}]}', "the provider sent a malformed answer: Expected `str`, got `int`"),
        (b'{"content": [{"type": "text", "text": 5}]}', "the provider sent a malformed answer: Expected `str`, got `int`"),
        (b'{"type": "error", "error": {"type": "api_error", "message": "m"}}', "m"),
        (b"{}", "the provider failed"),
    ],
)  # fmt: skip
def test_broken_answers(body: bytes, message: str) -> None:
    with pytest.raises(ProviderFailed) as caught:
        FORMAT.read_response(body)
    assert caught.value.message == message
