"""Recorded traffic of Anthropic through the translator: nothing is lost, however it is cut.

What to expect is read from the recordings by the code below, which knows nothing of the translator.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.chat.fold import fold
from extproc.contract.target import Target
from extproc.providers import WIRE_FORMATS
from tests.extproc.providers.anthropic_types import check
from tests.extproc.providers.clients import DIALECT, REPLY, add_up, chunks, read_all, read_unary, write_all
from tests.extproc.recordings import Recording, cuts, select

FORMAT = WIRE_FORMATS["anthropic"]
TARGET = Target(leaf="l", provider="claude", type="anthropic", wire_format="anthropic", base_path="/v1")

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "stop",
    "model_context_window_exceeded": "length",
    "compaction": "stop",
}
PLAIN = ("text", "thinking", "redacted_thinking", "tool_use")


APPENDED = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "compaction_delta": "content",
    "signature_delta": "signature",
}


def rebuilt(data: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that the events of a stream describe."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    partial: dict[int, str] = {}
    for event in data:
        if event["type"] == "message_start":
            message = dict(event["message"])
        elif event["type"] == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            partial[event["index"]] = partial.get(event["index"], "") + event["delta"]["partial_json"]
        elif event["type"] == "content_block_delta":
            grow(blocks[event["index"]], event["delta"])
        elif event["type"] == "message_delta":
            message |= {key: value for key, value in event["delta"].items() if value is not None}
            told = {key: value for key, value in event["usage"].items() if value is not None}
            message["usage"] = message["usage"] | told
    for index, text in partial.items():
        if text:
            blocks[index]["input"] = json.loads(text)
    return message | {"content": message["content"] + [blocks[index] for index in sorted(blocks)]}


def grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if delta["type"] == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
    else:
        field = APPENDED[delta["type"]]
        block[field] = (block.get(field) or "") + (delta[field] or "")


def is_plain(content: list[dict[str, Any]]) -> bool:
    """Whether OpenAI's fields can hold all of it, in its order."""
    kinds = [block["type"] for block in content]
    order = [PLAIN.index(kind) for kind in kinds if kind in PLAIN]
    thinking_first = [0 if kind in (1, 2) else kind + 1 for kind in order]
    called = all((block.get("caller") or {"type": "direct"})["type"] == "direct" for block in content)
    cited = [
        c for block in content for c in block.get("citations") or () if not (c.get("url") or c.get("source"))
    ]
    return set(kinds) <= set(PLAIN) and thinking_first == sorted(thinking_first) and called and not cited


def expect_message(told: dict[str, Any], source: dict[str, Any]) -> None:
    """Text, reasoning, tool calls and blocks of `source` are all in the client's message `told`."""
    content = source["content"]
    said = "".join(block["text"] for block in content if block["type"] == "text")
    assert (told["content"] or "") == said
    thought = "".join(block["thinking"] for block in content if block["type"] == "thinking")
    assert (told.get("reasoning_content") or "") == thought
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in told.get("tool_calls") or ()
    ]
    assert calls == [(b["id"], b["name"], b.get("input", {})) for b in content if b["type"] == "tool_use"]
    proofs = [block.get("signature", block.get("data")) for block in told.get("thinking_blocks") or ()]
    assert proofs == [b.get("signature", b.get("data")) for b in content if "thinking" in b["type"]]
    urls = [cited["url_citation"]["url"] for cited in told.get("annotations") or ()]
    cited = [c for block in content for c in block.get("citations") or ()]
    assert urls == [c.get("url") or c["source"] for c in cited if c.get("url") or c.get("source")]
    assert ("anthropic_content" in told) is not is_plain(content)


def expect_usage(told: dict[str, Any], usage: dict[str, Any]) -> None:
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    assert told["prompt_tokens"] == usage["input_tokens"] + read + written
    assert told["completion_tokens"] == usage["output_tokens"]
    assert told["total_tokens"] == told["prompt_tokens"] + told["completion_tokens"]
    details = told.get("prompt_tokens_details") or {}
    assert (details.get("cached_tokens") or 0, details.get("cache_write_tokens") or 0) == (read, written)
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens")
    assert (told.get("completion_tokens_details") or {}).get("reasoning_tokens") == thinking


def expect_turn_two(told: dict[str, Any], content: list[dict[str, Any]]) -> None:
    """The message, sent back by the client, reaches Anthropic as it came."""
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "done"}
        for call in told.get("tool_calls") or ()
    ]
    history = [{"role": "user", "content": "go on"}, told, *results, {"role": "user", "content": "and now?"}]
    body = json.dumps({"model": "m", "messages": history, "max_tokens": 9}).encode()
    sent = json.loads(FORMAT.write_request(DIALECT.read_request(body), TARGET, "claude-sonnet-4-5").body)
    back = sent["messages"][1]["content"]
    if not is_plain(content):
        assert back == content
        return
    check(sent)
    said = [{"type": "text", "text": told["content"]}] if (told["content"] or "").strip() else []
    said += [{"type": "text", "text": told["refusal"]}] if told.get("refusal") else []
    thought = [block for block in content if "thinking" in block["type"]]
    keys = ("type", "id", "name", "input")
    calls = [{key: block[key] for key in keys} for block in content if block["type"] == "tool_use"]
    assert back == thought + said + calls


def without_index(message: dict[str, Any]) -> dict[str, Any]:
    """An accumulated message, without what only streams have."""
    told = {key: value for key, value in message.items() if value is not None}
    told.setdefault("content", None)
    for call in told.get("tool_calls") or ():
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    told.pop("parsed", None)
    return told


@pytest.mark.parametrize("recording", select("anthropic", stream=False))
def test_answers(recording: Recording) -> None:
    source = json.loads(recording.body)
    completion = read_unary(DIALECT.write_response(FORMAT.read_response(recording.body), REPLY))
    assert (completion["id"], completion["model"], completion["created"]) == (
        source["id"],
        "asked-for",
        REPLY.created,
    )
    [choice] = completion["choices"]
    assert choice["finish_reason"] == FINISH[source["stop_reason"]]
    assert choice["native_finish_reason"] == source["stop_reason"]
    assert choice.get("stop_sequence") == source.get("stop_sequence")
    expect_message(choice["message"], source)
    expect_usage(completion["usage"], source["usage"])
    expect_turn_two(choice["message"], source["content"])


@pytest.mark.parametrize("recording", select("anthropic", stream=True))
def test_streams(recording: Recording) -> None:
    events = read_all(FORMAT.stream_reader(), [recording.body])
    written = write_all(events)
    for pieces in ([recording.body[n : n + 1] for n in range(len(recording.body))], cuts(recording.body, 1)):
        assert write_all(read_all(FORMAT.stream_reader(), pieces)) == written

    source = rebuilt(recording.data())
    parts = chunks(written)
    assert {part["id"] for part in parts} == {source["id"]}
    assert {part["model"] for part in parts} == {"asked-for"}
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    finishes = [c["finish_reason"] for part in parts for c in part["choices"] if c["finish_reason"]]
    assert finishes == [FINISH[source["stop_reason"]]]
    assert parts[-1]["choices"] == []
    assert all(part["usage"] is None for part in parts[:-1])
    expect_usage(parts[-1]["usage"], source["usage"])

    message = without_index(add_up(parts)["choices"][0]["message"])
    expect_message(message, source)
    expect_turn_two(message, source["content"])


@pytest.mark.parametrize("recording", select("anthropic", stream=True))
def test_a_stream_adds_up_to_the_answer(recording: Recording) -> None:
    folded = fold(read_all(FORMAT.stream_reader(), [recording.body]))
    at_once = FORMAT.read_response(json.dumps(rebuilt(recording.data())).encode())
    one, other = (json.loads(DIALECT.write_response(response, REPLY)) for response in (folded, at_once))
    for answer in (one, other):
        for call in answer["choices"][0]["message"].get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert one == other


@pytest.mark.parametrize("recording", select("anthropic", stream=False, error=True))
def test_errors(recording: Recording) -> None:
    error = FORMAT.read_error(recording.status, {}, recording.body)
    message = json.loads(recording.body)["error"]["message"]
    if recording.status == 401:
        assert (error.status, message in error.message) == (502, False)
    else:
        assert (error.status, error.message) == (recording.status, message)
