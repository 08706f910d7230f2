"""Recorded answers of every provider as a client of the Responses API gets them, and as it sends them back.

Texts, calls, proofs and usage are compared with what a client of chat completions gets, which other tests compare
with the recordings themselves.
"""

from __future__ import annotations

import json
from itertools import groupby
from random import Random
from typing import Any

import pytest

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import Annotation, ChatResponse, TextPart, Thinking, ToolCall
from extproc.contract.target import Target
from extproc.dialects import DIALECTS
from extproc.dialects.openai_responses.sealed import unseal
from extproc.providers import WIRE_FORMATS
from tests.extproc import recordings
from tests.extproc.dialects.responses_client import DIALECT, REPLY, final, read_stream, read_unary, write_all
from tests.extproc.providers import converse, google_recordings, test_recorded_bedrock
from tests.extproc.providers.clients import read_all
from tests.extproc.recordings import cuts

CHAT = DIALECTS["openai_chat"]
MODELS = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5", "google": "gemini-3-pro-preview"}
TARGETS = {
    name: Target(leaf="l", provider="p", type="t", wire_format=name, base_path="/v1")  # type: ignore[arg-type]
    for name in MODELS
} | {"bedrock": converse.TARGET}
MODELS["bedrock"] = converse.SONNET


def _select(*, stream: bool) -> list[Any]:
    found = [
        *recordings.select("anthropic", stream=stream),
        *recordings.select("openai", stream=stream),
        *google_recordings.select(stream=stream),
    ]
    given = [(param, param.values[0].wire_format, param.values[0].body) for param in found if param.values[0]]
    bedrocks = test_recorded_bedrock.STREAMS if stream else test_recorded_bedrock.ANSWERS
    given += [(param, "bedrock", param.values[0].body) for param in bedrocks if param.values[0]]
    return [pytest.param(name, body, id=f"{name}-{param.id}") for param, name, body in given] or [
        pytest.param("", b"", marks=recordings.needed)
    ]


def parts(response: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item for item in response["output"] if item["type"] == kind]


def expect_same(response: dict[str, Any], answer: ChatResponse) -> None:
    message = answer.choices[0].message
    content = [part for item in parts(response, "message") for part in item["content"]]
    texts = [part for part in content if part["type"] == "output_text"]
    assert "".join(part["text"] for part in texts).endswith(message.text)
    refusals = [part["refusal"] for part in content if part["type"] == "refusal"]
    assert "".join(refusals) == (message.refusal or "")
    calls = [(item["call_id"], item["name"], item["arguments"]) for item in parts(response, "function_call")]
    assert calls == [(call.id, call.name, call.arguments) for call in message.tool_calls]
    sealed = [unseal(item.get("encrypted_content", "")) for item in parts(response, "reasoning")]
    assert [one for one in sealed if isinstance(one, Thinking)] == list(message.thinking)
    assert [one for one in sealed if one is not None and not isinstance(one, Thinking)] == (
        [] if message.native is None else [message.native]
    )
    thought = [part["text"] for item in parts(response, "reasoning") for part in item["summary"]]
    assert "".join(thought) == (message.reasoning or "")
    cited = [source["url"] for part in texts for source in part["annotations"]]
    assert cited == [source.url for source in message.annotations]
    usage = answer.usage
    if usage is not None:
        told = response["usage"]
        assert (told["input_tokens"], told["output_tokens"]) == (usage.prompt, usage.completion)
        assert told["input_tokens_details"]["cached_tokens"] == (usage.cached or 0)
        assert told["output_tokens_details"]["reasoning_tokens"] == (usage.reasoning or 0)


def expect_turn_two(response: dict[str, Any], answer: ChatResponse, name: str) -> None:
    """What a client sends back reaches the provider as if it were a client of chat completions."""
    calls = answer.choices[0].message.tool_calls
    outputs = [{"type": "function_call_output", "call_id": call.id, "output": "done"} for call in calls]
    begin, more = {"role": "user", "content": "go on"}, {"role": "user", "content": "and now?"}
    tools = {call.name for call in calls}
    ours = {
        "model": "m",
        "input": [begin, *response["output"], *outputs, more],
        "tools": [{"type": "function", "name": tool, "parameters": None, "strict": None} for tool in tools],
    }
    chat = json.loads(CHAT.write_response(answer, REPLY))["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "done"} for call in calls]
    theirs = {
        "model": "m",
        "messages": [begin, chat, *results, more],
        "tools": [{"type": "function", "function": {"name": tool}} for tool in tools],
    }
    chat.pop("annotations", None)
    read = DIALECT.read_request(json.dumps(ours).encode())
    assert read.unsupported == ()
    wire, target = WIRE_FORMATS[name], TARGETS[name]  # type: ignore[index]
    sent = json.loads(wire.write_request(read, target, MODELS[name]).body)
    expected = wire.write_request(CHAT.read_request(json.dumps(theirs).encode()), target, MODELS[name])
    assert settled(sent) == settled(json.loads(expected.body))


def settled(body: dict[str, Any]) -> dict[str, Any]:
    """`body`, with what OpenAI's format may say in two ways said in one."""
    for message in body.get("messages", ()):
        if message.get("refusal") is None:
            message.pop("refusal", None)
        content = message.get("content")
        if isinstance(content, list) and body.get("model") == MODELS["openai"]:
            refusals = [part["refusal"] for part in content if part["type"] == "refusal"]
            texts = [part["text"] for part in content if part["type"] == "text"]
            message["content"] = "".join(texts) or None
            if refusals:
                message["refusal"] = "".join(refusals)
        if message.get("content") in ("", None):
            message.pop("content", None)
    if "messages" in body:  # an answer without a word has no item
        body["messages"] = [message for message in body["messages"] if message != {"role": "assistant"}]
    return body


@pytest.mark.parametrize(("name", "body"), _select(stream=False))
def test_answers(name: str, body: bytes) -> None:
    answer = WIRE_FORMATS[name].read_response(body)  # type: ignore[index]
    response = read_unary(DIALECT.write_response(answer, REPLY))
    expect_same(response, answer)
    expect_turn_two(response, answer, name)


@pytest.mark.parametrize(("name", "body"), _select(stream=True))
def test_streams(name: str, body: bytes) -> None:
    wire = WIRE_FORMATS[name]  # type: ignore[index]
    events = read_all(wire.stream_reader(), [body])
    written = write_all(events)
    singles = [body[n : n + 1] for n in range(len(body))] if len(body) < 50_000 else cuts(body, 2)
    for pieces in (singles, cuts(body, 1)):
        writer, reader = DIALECT.stream_writer(REPLY), wire.stream_reader()
        told = b"".join(writer.write(reader.feed(piece)) for piece in pieces)
        assert told + writer.write(reader.finish()) == written
    response = final(read_stream(written))
    answer = fold(events)
    expect_same(response, answer)
    expect_turn_two(response, answer, name)


def _shape(kinds: list[str]) -> list[str]:
    return [kind for kind, _ in groupby(kinds)]


@pytest.mark.parametrize(
    ("recorded", "cited"),
    [
        ("openai_instructions_with_responses_logprobs_streaming", False),
        ("openai_include_raw_annotations_streaming_1", True),
    ],
)
@recordings.needed
def test_the_order_is_openai_s(recorded: str, cited: bool) -> None:
    stream = (recordings.FOLDER / "openai" / f"{recorded}.response.sse").read_text()
    theirs = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
    begin, item = theirs[:2], theirs.index("response.content_part.added") - 1
    source: list[ev.Event] = [ev.Cited(Annotation(url="u", title="t", start=0, end=1))] if cited else []
    events = [ev.Start(), ev.TextDelta("a"), ev.TextDelta("b"), *source, ev.Finish(reason="stop"), ev.End()]
    ours = [event["type"] for event in read_stream(write_all(events))]
    assert _shape(ours) == _shape(begin + theirs[item:])


def test_a_turn_of_openai_s_own_format() -> None:
    """A call with text before it, which is one message there too."""
    answer = fold(
        [
            ev.Start(),
            ev.TextDelta("Let me see."),
            ev.ToolCallStart(index=0, id="c", name="f"),
            ev.ToolCallDelta(index=0, arguments="{}"),
            ev.Finish(reason="tool_calls"),
            ev.End(),
        ]
    )
    response = read_unary(DIALECT.write_response(answer, REPLY))
    [message] = DIALECT.read_request(
        json.dumps({"model": "m", "input": response["output"]}).encode()
    ).messages
    assert message.parts == (TextPart(text="Let me see."),)
    assert message.tool_calls == (ToolCall(id="c", name="f", arguments="{}"),)  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "body"), _select(stream=True))
def test_broken_streams(name: str, body: bytes) -> None:
    """Whatever becomes of a provider's bytes, a client reads a legal stream with an end, or nothing."""
    random = Random(len(body))
    for _ in range(8):
        broken = bytearray(body)
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(broken))
            match random.randrange(3):
                case 0:
                    broken[at] = random.randrange(256)
                case 1:
                    del broken[at : at + random.choice((1, 20, 400))]
                case _:
                    broken[at:at] = broken[: random.randrange(300)]
        events = read_all(WIRE_FORMATS[name].stream_reader(), cuts(bytes(broken), 1))  # type: ignore[index]
        written = write_all(events)
        if written:
            read_stream(written)
        else:
            assert not any(map(ev.commits, events))
