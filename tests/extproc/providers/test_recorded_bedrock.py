"""Recorded traffic of Bedrock's Converse through the translator: nothing is lost, however it is cut.

What to expect is read from the recordings by the code below and AWS's own parser of event streams.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from extproc.chat.fold import fold
from extproc.providers import WIRE_FORMATS
from extproc.wire.eventstream import EventStreamDecoder
from tests.extproc.providers.clients import DIALECT, REPLY, add_up, chunks, read_all, read_unary, write_all
from tests.extproc.providers.converse import TARGET, check, pure
from tests.extproc.recordings import FOLDER, cuts, needed
from tests.extproc.wire.frames import event

FORMAT = WIRE_FORMATS["bedrock"]
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
}


@dataclass(frozen=True)
class Recorded:
    id: str
    format: str
    status: int
    path: str
    headers: dict[str, str]
    body: bytes
    request: dict[str, Any] | None


@cache
def _all() -> tuple[Recorded, ...]:
    if not (FOLDER / "manifest.json").is_file():
        return ()
    found = []
    for entry in json.loads((FOLDER / "manifest.json").read_text()):
        if entry["provider"] != "bedrock":
            continue
        asked = entry.get("request")
        request = json.loads((FOLDER / asked).read_bytes()) if asked else None
        headers = {name.lower(): value for name, value in (entry.get("response_headers") or {}).items()}
        body = (FOLDER / entry["response"]).read_bytes()
        kind, path = entry["format"], entry.get("path") or "/converse"
        if kind == "chunks":
            body = b"".join(event(*one) for line in body.splitlines() for one in json.loads(line).items())
            kind = "eventstream"
        found.append(Recorded(entry["id"], kind, entry["status"], path, headers, body, request))
    return tuple(found)


def params(found: Iterator[Recorded]) -> list[Any]:
    return [pytest.param(each, id=each.id) for each in found] or [pytest.param(None, marks=needed)]


def is_converse(recorded: Recorded) -> bool:
    return recorded.path.endswith(("/converse", "/converse-stream"))


ANSWERS = params(
    each for each in _all() if each.format == "json" and each.status == 200 and b'"stopReason"' in each.body
)
"""Nova's own answers, to ``invoke``, have Converse's shape."""
ERRORS = params(each for each in _all() if each.status >= 400)
STREAMS = params(each for each in _all() if each.format == "eventstream" and is_converse(each))
FRAMED = params(each for each in _all() if each.format == "eventstream")


def by_botocore(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """What each message of a stream is, and says."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    kinds = ("event", "exception")
    return [
        (
            next(each.headers[f":{kind}-type"] for kind in kinds if f":{kind}-type" in each.headers),
            json.loads(each.payload),
        )
        for each in buffer
    ]


def rebuilt(events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The answer that the events of a stream describe."""
    blocks: dict[int, dict[str, Any]] = {}
    answer: dict[str, Any] = {"usage": None}
    for kind, body in events:
        index = body.get("contentBlockIndex")
        if kind == "contentBlockStart":
            blocks[index] = json.loads(json.dumps(body["start"]))
            if "toolUse" in blocks[index]:
                blocks[index]["toolUse"]["input"] = ""
            if "toolResult" in blocks[index]:
                blocks[index]["toolResult"]["content"] = []
        elif kind == "contentBlockDelta":
            grow(blocks.setdefault(index, {}), body["delta"])
        elif kind == "messageStop":
            answer["stopReason"] = body["stopReason"]
        elif kind == "metadata":
            answer["usage"] = body["usage"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return answer | {"output": {"message": {"content": [blocks[index] for index in sorted(blocks)]}}}


def grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    if "citation" in delta:
        block.setdefault("citations", []).append(delta["citation"])
    if "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    if "toolResult" in delta:
        block["toolResult"]["content"] += delta["toolResult"]
    if "reasoningContent" in delta:
        thought = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {})
        for field, piece in delta["reasoningContent"].items():
            thought[field] = thought.get(field, "") + piece


def texts(content: list[dict[str, Any]]) -> str:
    cited = [block["citationsContent"]["content"] for block in content if "citationsContent" in block]
    return "".join(b.get("text", "") for b in content) + "".join(c["text"] for each in cited for c in each)


def is_special(content: list[dict[str, Any]]) -> bool:
    """Whether OpenAI's fields cannot hold all of it, in its order."""
    kinds = [next(key for key in ("text", "toolUse", "reasoningContent", "other") if key in block or key == "other") for block in content]  # fmt: skip
    order = [("reasoningContent", "text", "toolUse", "other").index(kind) for kind in kinds]
    served = any(block.get("toolUse", {}).get("type") == "server_tool_use" for block in content)
    return (
        order != sorted(order)
        or "other" in kinds
        or served
        or any(block.get("citations") for block in content)
    )


def expect_message(told: dict[str, Any], content: list[dict[str, Any]]) -> None:
    assert (told["content"] or "") == texts(content)
    thought = [b["reasoningContent"].get("reasoningText", {}) for b in content if "reasoningContent" in b]
    assert (told.get("reasoning_content") or "") == "".join(one.get("text", "") for one in thought)
    proofs = [block["signature"] for block in told.get("thinking_blocks") or ()]
    assert proofs == [one["signature"] for one in thought if "signature" in one]
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in told.get("tool_calls") or ()
    ]
    made = [block["toolUse"] for block in content if "toolUse" in block]
    assert calls == [
        (m["toolUseId"], m["name"], m["input"]) for m in made if m.get("type") != "server_tool_use"
    ]
    assert ("bedrock_content" in told) is is_special(content)


def expect_usage(told: dict[str, Any], usage: dict[str, Any]) -> None:
    read, written = usage.get("cacheReadInputTokens") or 0, usage.get("cacheWriteInputTokens") or 0
    assert told["prompt_tokens"] == usage["inputTokens"] + read + written
    assert told["completion_tokens"] == usage["outputTokens"]
    assert told["total_tokens"] == usage["totalTokens"]
    details = told.get("prompt_tokens_details") or {}
    assert (details.get("cached_tokens") or 0, details.get("cache_write_tokens") or 0) == (read, written)


def expect_turn_two(told: dict[str, Any], content: list[dict[str, Any]]) -> None:
    """The message, sent back by the client, reaches Bedrock as it came."""
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "done"}
        for call in told.get("tool_calls") or ()
    ]
    history = [{"role": "user", "content": "go on"}, told, *results, {"role": "user", "content": "and now?"}]
    body = json.dumps({"model": "m", "messages": history}).encode()
    sent = json.loads(
        FORMAT.write_request(DIALECT.read_request(body), TARGET, "anthropic.claude-sonnet-4-5").body
    )
    check(sent)
    back = sent["messages"][1]["content"] if content else []
    said = [{"text": texts(content)}] if texts(content).strip() else []
    if is_special(content):
        assert [pure(block) for block in back] == [pure(block) for block in content if block != {"text": ""}]
        return
    thought = [b for b in content if "signature" in b.get("reasoningContent", {}).get("reasoningText", {})]
    assert back == thought + said + [pure(block) for block in content if "toolUse" in block]


@pytest.mark.parametrize("recorded", ANSWERS)
def test_answers(recorded: Recorded) -> None:
    source = json.loads(recorded.body)
    completion = read_unary(DIALECT.write_response(FORMAT.read_response(recorded.body), REPLY))
    [choice] = completion["choices"]
    assert choice["finish_reason"] == FINISH[source["stopReason"]]
    assert choice["native_finish_reason"] == source["stopReason"]
    content = source["output"]["message"]["content"]
    expect_message(choice["message"], content)
    expect_usage(completion["usage"], source["usage"])
    expect_turn_two(choice["message"], content)


@pytest.mark.parametrize("recorded", STREAMS)
def test_streams(recorded: Recorded) -> None:
    events = read_all(FORMAT.stream_reader(), [recorded.body])
    written = write_all(events)
    for pieces in ([recorded.body[n : n + 1] for n in range(len(recorded.body))], cuts(recorded.body, 1)):
        assert write_all(read_all(FORMAT.stream_reader(), pieces)) == written
    told = by_botocore(recorded.body)
    if told[-1][0].endswith("Exception"):
        error = chunks(written, done=False)[-1]["error"]
        assert error["message"] == told[-1][1]["message"]
        return
    source = rebuilt(told)
    parts = chunks(written)
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    finishes = [c["finish_reason"] for part in parts for c in part["choices"] if c["finish_reason"]]
    assert finishes == [FINISH[source["stopReason"]]]
    if source["usage"]:
        assert parts[-1]["choices"] == []
        expect_usage(parts[-1]["usage"], source["usage"])
    message = {
        key: value for key, value in add_up(parts)["choices"][0]["message"].items() if value is not None
    }
    message.setdefault("content", None)
    for call in message.get("tool_calls") or ():
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    content = source["output"]["message"]["content"]
    expect_message(message, content)
    expect_turn_two(message, content)


@pytest.mark.parametrize("recorded", STREAMS)
def test_a_stream_adds_up_to_the_answer(recorded: Recorded) -> None:
    told = by_botocore(recorded.body)
    if told[-1][0].endswith("Exception"):
        return
    source = rebuilt(told)
    for block in source["output"]["message"]["content"]:
        if citations := block.pop("citations", None):
            block["citationsContent"] = {"content": [{"text": block.pop("text")}], "citations": citations}
    folded = fold(read_all(FORMAT.stream_reader(), [recorded.body]))
    at_once = FORMAT.read_response(json.dumps(source).encode())
    one, other = (json.loads(DIALECT.write_response(response, REPLY)) for response in (folded, at_once))
    for answer in (one, other):
        for call in answer["choices"][0]["message"].get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert one == other


@pytest.mark.parametrize("recorded", FRAMED)
def test_framing(recorded: Recorded) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(recorded.body)
    expected = [(each.headers, each.payload) for each in buffer]
    decoder = EventStreamDecoder()
    assert [tuple(each) for piece in cuts(recorded.body, 2) for each in decoder.feed(piece)] == expected
    decoder.finish()


@pytest.mark.parametrize("recorded", ERRORS)
def test_errors(recorded: Recorded) -> None:
    error = FORMAT.read_error(recorded.status, recorded.headers, recorded.body)
    message = json.loads(recorded.body)["message"]
    if recorded.status == 403:
        assert (error.status, message in error.message) == (502, False)
    else:
        assert (error.status, error.message) == (recorded.status, message)


def test_every_recording_is_used() -> None:
    used = {param.values[0].id for group in (ANSWERS, ERRORS, FRAMED) for param in group if param.values[0]}
    left = {each.id.rpartition("/")[2] for each in _all() if each.id not in used}
    assert {name.rstrip("_0123456789") for name in left} <= {"prompt_cache"}  # Anthropic's own shape


CONVERSATIONS = params(
    each
    for each in _all()
    if each.request is not None and is_converse(each) and "_omitted" not in each.request
)


@pytest.mark.parametrize("recorded", CONVERSATIONS)
def test_the_oracle_takes_what_bedrock_took(recorded: Recorded) -> None:
    """Else it would be no oracle."""
    assert recorded.request is not None
    check(recorded.request)
