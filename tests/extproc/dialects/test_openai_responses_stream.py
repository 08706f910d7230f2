from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import Annotation, NativeContent, Thinking, Usage
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_responses.custom import Unwrapper, unwrap
from extproc.dialects.openai_responses.sealed import seal, unseal
from extproc.errors import ProviderFailed, ProviderRateLimited
from tests.extproc.dialects.responses_client import DIALECT, REPLY, final, read_stream, read_unary, write_all

START = ev.Start(id="chatcmpl-7", created=5)
CUSTOM = ReplyContext(
    model="asked-for",
    created=1,
    request_id="r",
    echo={"tools": Raw(json.dumps([{"type": "custom", "name": "sql"}]).encode())},
)
END = [ev.UsageSeen(Usage(prompt=3, completion=4, cached=1, reasoning=2)), ev.End()]


def told(*events: ev.Event, reason: Any = "stop", reply: ReplyContext = REPLY) -> list[dict[str, Any]]:
    return read_stream(write_all([START, *events, ev.Finish(reason=reason), *END], reply))


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_text() -> None:
    events = told(ev.TextDelta("Hel"), ev.TextDelta("lo"))
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    response = final(events)
    assert response["id"] == "resp_7"
    assert response["created_at"] == 5
    assert response["model"] == "asked-for"
    assert response["output"][0]["id"] == "msg_7_0"
    assert response["output"][0]["content"][0]["text"] == "Hello"
    assert response["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 7,
    }


def test_reasoning_then_a_call() -> None:
    thinking = Thinking(text="Hmm.", signature="s")
    events = told(
        ev.ReasoningDelta("Hm"),
        ev.ReasoningDelta("m."),
        ev.ThinkingDone(thinking),
        ev.ToolCallStart(index=0, id="call_1", name="f"),
        ev.ToolCallDelta(index=0, arguments='{"a"'),
        ev.ToolCallDelta(index=0, arguments=":1}"),
        reason="tool_calls",
    )
    assert kinds(events)[2:-1] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    reasoning, call = final(events)["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Hmm."}]
    assert unseal(reasoning["encrypted_content"]) == thinking
    assert (call["call_id"], call["name"], call["arguments"]) == ("call_1", "f", '{"a":1}')


def test_a_custom_tool_s_call_has_the_text_of_its_argument() -> None:
    events = told(
        ev.ToolCallStart(index=0, id="c", name="sql"),
        ev.ToolCallDelta(index=0, arguments='{"input": "SELECT'),
        ev.ToolCallDelta(index=0, arguments=' \\"x\\""}'),
        reply=CUSTOM,
    )
    assert kinds(events)[2:-1] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    (call,) = final(events)["output"]
    assert (call["type"], call["input"]) == ("custom_tool_call", 'SELECT "x"')


@given(st.text(), st.booleans(), st.lists(st.integers(0, 40), max_size=4))
def test_the_text_of_an_argument_in_pieces(text: str, ascii_only: bool, ends: list[int]) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    unwrapper = Unwrapper()
    told, start = "", 0
    for end in sorted(ends):
        told += unwrapper.feed(arguments[start:end])
        assert text.startswith(told)
        start = max(start, min(end, len(arguments)))
    assert told + unwrapper.feed(arguments[start:]) + unwrapper.rest() == text == unwrap(arguments)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("SELECT 1", "SELECT 1"),
        ('{"other": 1, "input": "x"}', "x"),
        ('{"other": 1}', '{"other": 1}'),
        ('{"input": "cut', "cut"),
        ('{"input": "cut\\u00', "cut"),
        ('{"input": "a\\ud83db"}', "a"),
        ('{"input": 1}', '{"input": 1}'),
        ("", ""),
    ],
)
def test_arguments_of_another_shape(arguments: str, text: str) -> None:
    assert unwrap(arguments) == text


def test_a_custom_call_of_the_provider_s_own() -> None:
    events = told(
        ev.ToolCallStart(index=0, id="c", name="sql", kind="custom"),
        ev.ToolCallDelta(index=0, arguments="SEL"),
        ev.ToolCallDelta(index=0, arguments="ECT"),
        reply=CUSTOM,
    )
    assert kinds(events).count("custom_tool_call_input.delta") == 2
    assert final(events)["output"][0]["input"] == "SELECT"


def test_calls_may_interleave() -> None:
    events = told(
        ev.TextDelta("x"),
        ev.ToolCallStart(index=0, id="a", name="f"),
        ev.ToolCallStart(index=1, id="b", name="g"),
        ev.ToolCallDelta(index=1, arguments="{}"),
        ev.ToolCallDelta(index=0, arguments="[]"),
    )
    assert [item.get("arguments") for item in final(events)["output"]] == [None, "[]", "{}"]


def test_refusal_citations_and_logprobs() -> None:
    given = Raw(b'{"content":[{"token":"x","logprob":-1.5,"bytes":null,"top_logprobs":[]}]}')
    events = told(
        ev.TextDelta("x"),
        ev.LogprobsDelta(given),
        ev.Cited(Annotation(url="https://u", title="t", start=0, end=1)),
        ev.RefusalDelta("No."),
    )
    text, refusal = final(events)["output"][0]["content"]
    assert text["logprobs"] == [{"token": "x", "bytes": [120], "logprob": -1.5, "top_logprobs": []}]
    assert text["annotations"] == [
        {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "t", "url": "https://u"}
    ]
    assert refusal == {"type": "refusal", "refusal": "No."}


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("unknown", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
        ("refusal", "incomplete", {"reason": "content_filter"}),
        ("pause", "incomplete", {"reason": None}),
    ],
)
def test_ends(reason: Any, status: str, details: Any) -> None:
    events = told(ev.TextDelta("x"), reason=reason)
    assert events[-1]["type"] == f"response.{status}"
    assert final(events)["incomplete_details"] == details
    assert final(events)["output"][0]["status"] == status


def test_a_refusal_in_words_is_complete() -> None:
    assert final(told(ev.RefusalDelta("No."), reason="refusal"))["status"] == "completed"


@pytest.mark.parametrize(
    ("error", "code"),
    [(ProviderFailed("broke"), "server_error"), (ProviderRateLimited("slow"), "rate_limit_exceeded")],
)
def test_an_error_within(error: Any, code: str) -> None:
    events = read_stream(write_all([START, ev.TextDelta("x"), ev.StreamError(error)]))
    assert kinds(events)[-2:] == ["error", "failed"]
    assert events[-2]["message"] == error.message
    assert final(events)["error"] == {"code": code, "message": error.message}
    assert final(events)["output"][0]["content"][0]["text"] == "x"
    assert final(events)["output"][0]["status"] == "incomplete"


def test_an_error_of_which_no_writer_knows() -> None:
    written = DIALECT.write_stream_error(ProviderFailed("broke"))
    assert written.startswith(b"event: error\ndata: ")
    assert json.loads(written.split(b"data: ")[1]) == {
        "type": "error",
        "sequence_number": 0,
        "code": "provider_error",
        "message": "broke",
        "param": None,
    }


def test_a_proof_that_comes_within_a_message_waits_for_its_end() -> None:
    thinking = Thinking(signature="google:s")
    events = told(ev.TextDelta("a"), ev.ThinkingDone(thinking), ev.TextDelta("b"))
    message, reasoning = final(events)["output"]
    assert message["content"][0]["text"] == "ab"
    assert unseal(reasoning["encrypted_content"]) == thinking


def test_a_message_in_the_provider_s_own_blocks() -> None:
    native = NativeContent(owner="anthropic", blocks=(Raw(b'{"type":"text","text":"a"}'),))
    events = told(ev.TextDelta("a"), ev.NativeMessage(native))
    assert unseal(final(events)["output"][1]["encrypted_content"]) == native


@pytest.mark.parametrize(
    "text", ["", "gAAAAABo", "llmgw1.", "llmgw1.t.", "llmgw1.t.!!", "llmgw1.x.e30", "llmgw1.n.e30", "llmgw1.t.W10", "llmgw2.t.e30", "llmgw1.t.é"]
)  # fmt: skip
def test_foreign_seals(text: str) -> None:
    assert unseal(text) is None


def test_other_choices_have_no_place() -> None:
    events = told(ev.TextDelta("a"), ev.TextDelta("b", 1), ev.Finish(reason="stop", choice=1))
    assert final(events)["output"][0]["content"][0]["text"] == "a"


WORDS = st.text(min_size=1, max_size=4)
CALLS = st.lists(st.tuples(st.sampled_from(["f", "sql"]), st.sampled_from(["{}", '{"input":"x"}', '{"input":"x', "no"])), max_size=3)  # fmt: skip


@given(
    st.one_of(st.none(), st.tuples(WORDS, st.booleans())),
    st.lists(WORDS, max_size=3),
    st.lists(WORDS, max_size=2),
    CALLS,
    st.booleans(),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "unknown"]),
    st.randoms(use_true_random=False),
)
def test_a_stream_adds_up_to_the_whole_answer(  # noqa: PLR0913, PLR0917 - one part of an answer each
    thought: tuple[str, bool] | None,
    texts: list[str],
    refusals: list[str],
    calls: list[tuple[str, str]],
    native: bool,
    reason: Any,
    random: Any,
) -> None:
    events: list[ev.Event] = [START]
    if thought is not None:
        events.append(ev.ReasoningDelta(thought[0]))
        if thought[1]:
            events.append(ev.ThinkingDone(Thinking(text=thought[0], signature="s")))
    events += [ev.TextDelta(text) for text in texts]
    events += [ev.RefusalDelta(text) for text in refusals]
    for index, (name, arguments) in enumerate(calls):
        events.append(ev.ToolCallStart(index=index, id=f"call_{index}", name=name))
        events.append(ev.ToolCallDelta(index=index, arguments=arguments))
    if native:
        events.append(ev.NativeMessage(NativeContent(owner="google", blocks=(Raw(b'{"a":1}'),))))
    events += [ev.Finish(reason=reason), *END]
    written = write_all(events, CUSTOM)
    streamed = read_stream(written)
    unary = read_unary(DIALECT.write_response(fold(events), CUSTOM))
    assert final(streamed) == unary
    writer = DIALECT.stream_writer(CUSTOM)
    pieces = b""
    rest = list(events)
    while rest:
        n = random.randint(1, 3)
        pieces += writer.write(rest[:n])
        del rest[:n]
    assert pieces == written


@given(st.builds(Thinking, text=st.text(), signature=st.text(), redacted=st.none() | st.text()))
def test_what_is_sealed_comes_back(thinking: Thinking) -> None:
    assert unseal(seal(thinking)) == thinking
