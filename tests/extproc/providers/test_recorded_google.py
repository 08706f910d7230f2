"""Recorded traffic of Gemini through the translator: nothing is lost, however it is cut.

What to expect is read from the recordings by the code below, which knows nothing of the translator.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from extproc.chat.fold import fold
from tests.extproc.providers.clients import DIALECT, REPLY, add_up, chunks, read_all, read_unary, write_all
from tests.extproc.providers.gemini import GOOGLE, TARGET
from tests.extproc.providers.google_recordings import select
from tests.extproc.providers.google_types import check
from tests.extproc.recordings import Recording, cuts

FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}


def assign(root: dict[str, Any], path: str, value: Any) -> None:
    """`value` at the end of what is at `path`, by way of Python's own notation."""
    steps = [int(step) if step.isdigit() else step for step in re.findall(r"\w+", path)]
    holder: Any = root
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        new: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(holder, list):
            if step == len(holder):
                holder.append(new)
            elif following is None:
                holder[step] += value
        elif step not in holder:
            holder[step] = new
        elif following is None:
            holder[step] += value
        holder = holder[step]


def rebuilt(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The one answer that a stream of them adds up to."""
    parts: list[dict[str, Any]] = []
    total: dict[str, Any] = {"usageMetadata": {}}
    candidate: dict[str, Any] = {}
    for answer in answers:
        total["usageMetadata"] |= answer.get("usageMetadata", {})
        total |= {key: answer[key] for key in ("responseId", "modelVersion", "createTime") if key in answer}
        [newer] = answer["candidates"]
        candidate |= {key: value for key, value in newer.items() if key != "content"}
        for part in newer.get("content", {}).get("parts", ()):
            add(parts, json.loads(json.dumps(part)))
    for part in parts:
        for key in ("willContinue", "partialArgs"):
            part.get("functionCall", {}).pop(key, None)
    return total | {"candidates": [candidate | {"content": {"role": "model", "parts": parts}}]}


def add(parts: list[dict[str, Any]], part: dict[str, Any]) -> None:
    call = part.get("functionCall")
    last = parts[-1] if parts else {}
    if call is not None and "name" not in call:
        for piece in call.get("partialArgs", ()):
            [value] = [value for key, value in piece.items() if key.endswith("Value")]
            assign(last["functionCall"].setdefault("args", {}), piece["jsonPath"], value)
    elif "text" in part and "text" in last and last.get("thought") == part.get("thought"):
        last["text"] += part["text"]
        if "thoughtSignature" in part:
            last["thoughtSignature"] = part["thoughtSignature"]
    else:
        parts.append(part)


def parts_of(source: dict[str, Any]) -> list[dict[str, Any]]:
    parts = source["candidates"][0].get("content", {}).get("parts", [])
    return [part for part in parts if part.get("text") != "" or "thoughtSignature" in part]


def called(source: dict[str, Any]) -> list[dict[str, Any]]:
    return [part["functionCall"] for part in parts_of(source) if "functionCall" in part]


def is_plain(source: dict[str, Any]) -> bool:
    return all("text" in part or "functionCall" in part for part in parts_of(source))


def expect_choice(choice: dict[str, Any], source: dict[str, Any]) -> None:
    """Text, thoughts, calls, signature, sources and reason of `source` are all in the client's choice."""
    [candidate] = source["candidates"]
    message = choice["message"]
    texts = [part for part in parts_of(source) if "text" in part]
    assert (message["content"] or "") == "".join(p["text"] for p in texts if not p.get("thought"))
    assert (message.get("reasoning_content") or "") == "".join(p["text"] for p in texts if p.get("thought"))
    told = [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    ]
    assert told == [(call["name"], call.get("args", {})) for call in called(source)]
    ids = [call["id"] for call in message.get("tool_calls") or ()]
    assert len(set(ids)) == len(ids)
    assert all(call.get("id") in (None, told) for call, told in zip(called(source), ids, strict=True))
    native = candidate["finishReason"]
    assert choice["native_finish_reason"] == native
    assert choice["finish_reason"] == ("tool_calls" if told else FINISH[native])
    expect_sources(message, candidate)
    assert ("google_content" in message) is not is_plain(source)


def expect_sources(message: dict[str, Any], candidate: dict[str, Any]) -> None:
    grounding = candidate.get("groundingMetadata", {})
    cited = [
        (grounding["groundingChunks"][index]["web"]["uri"], support["segment"]["text"])
        for support in grounding.get("groundingSupports", ())
        for index in support["groundingChunkIndices"]
    ]
    told = [annotation["url_citation"] for annotation in message.get("annotations") or ()]
    text = message["content"] or ""
    assert [(one["url"], text[one["start_index"] : one["end_index"]]) for one in told] == cited


def expect_usage(told: dict[str, Any], usage: dict[str, Any]) -> None:
    thoughts = usage.get("thoughtsTokenCount")
    tools = usage.get("toolUsePromptTokenCount", 0)
    assert told["prompt_tokens"] == usage.get("promptTokenCount", 0) + tools
    assert told["completion_tokens"] == usage.get("candidatesTokenCount", 0) + (thoughts or 0)
    if "totalTokenCount" in usage:
        assert told["total_tokens"] == usage["totalTokenCount"]
    details = told.get("completion_tokens_details") or {}
    assert details.get("reasoning_tokens") == thoughts
    cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens")
    assert cached == usage.get("cachedContentTokenCount")


def expect_turn_two(message: dict[str, Any], source: dict[str, Any]) -> None:
    """The message, sent back by the client, reaches Google as it came."""
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "done"}
        for call in message.get("tool_calls") or ()
    ]
    history = [{"role": "user", "content": "go on"}, message, *results, {"role": "user", "content": "so?"}]
    body = json.dumps({"model": "m", "messages": history}).encode()
    sent = json.loads(GOOGLE.write_request(DIALECT.read_request(body), TARGET, "gemini-2.5-flash").body)
    check(sent)
    if not parts_of(source):
        return
    came, back = parts_of(source), sent["contents"][1]["parts"]
    if not is_plain(source):
        assert back == came
        return
    ids = iter(message.get("tool_calls") or ())
    signed = any("thoughtSignature" in part for part in came)
    expected = []
    for part in came:
        if "functionCall" in part:
            part["functionCall"] |= {"id": next(ids)["id"], "args": part["functionCall"].get("args", {})}
        if signed or not part.get("thought"):
            expected.append(part)
    assert back == expected


@pytest.mark.parametrize("recording", select(stream=False))
def test_answers(recording: Recording) -> None:
    source = json.loads(recording.body)
    if isinstance(source, list):
        source = rebuilt(source)
    completion = read_unary(DIALECT.write_response(GOOGLE.read_response(recording.body), REPLY))
    assert (completion["id"], completion["model"]) == (source["responseId"], "asked-for")
    [choice] = completion["choices"]
    expect_choice(choice, source)
    expect_usage(completion["usage"], source["usageMetadata"])
    expect_turn_two(choice["message"], source)


@pytest.mark.parametrize("recording", select(stream=True))
def test_streams(recording: Recording) -> None:
    events = read_all(GOOGLE.stream_reader(), [recording.body])
    written = write_all(events)
    for pieces in ([recording.body[n : n + 1] for n in range(len(recording.body))], cuts(recording.body, 1)):
        assert write_all(read_all(GOOGLE.stream_reader(), pieces)) == written

    source = rebuilt(recording.data())
    parts = chunks(written)
    assert {part["id"] for part in parts} == {source["responseId"]}
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    assert parts[-1]["choices"] == []
    assert all(part["usage"] is None for part in parts[:-1])
    expect_usage(parts[-1]["usage"], source["usageMetadata"])
    [choice] = add_up(parts)["choices"]
    told = {key: value for key, value in choice["message"].items() if value is not None}
    told.setdefault("content", None)
    for call in told.get("tool_calls") or ():
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    told.pop("parsed", None)
    [end] = [entry for part in parts for entry in part["choices"] if entry["finish_reason"]]
    expect_choice(end | {"message": told}, source)
    expect_turn_two(told, source)


@pytest.mark.parametrize("recording", select(stream=True))
def test_a_stream_adds_up_to_the_answer(recording: Recording) -> None:
    folded = fold(read_all(GOOGLE.stream_reader(), [recording.body]))
    at_once = GOOGLE.read_response(json.dumps(rebuilt(recording.data())).encode())
    one, other = (json.loads(DIALECT.write_response(response, REPLY)) for response in (folded, at_once))
    for answer in (one, other):
        message = answer["choices"][0]["message"]
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        # A stream tells thoughts before the signature that only its end has.
        blocks = message.pop("thinking_blocks", [])
        message["thought"] = "".join(block["thinking"] for block in blocks)
        message["proof"] = "".join(block["signature"] for block in blocks)
    assert one == other


@pytest.mark.parametrize("recording", select(stream=False, error=True))
def test_errors(recording: Recording) -> None:
    error = GOOGLE.read_error(recording.status, {}, recording.body)
    said = json.loads(recording.body)["error"]
    if "API_KEY_INVALID" in str(said):
        assert (error.status, said["message"] in error.message) == (502, False)
    else:
        assert error.status == recording.status
        assert error.message.split()[:6] == said["message"].split()[:6]
