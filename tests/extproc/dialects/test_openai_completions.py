"""Legacy completions: what a chat answers, and what a provider of the same format answers itself."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from openai.types import Completion, completion_create_params
from pydantic import TypeAdapter

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import TextPart, Usage, UserMessage
from extproc.chat.seams import ReplyContext
from extproc.dialects import DIALECTS
from extproc.errors import ProviderFailed, RequestError
from extproc.messages import ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import ContinueResponseHeaders, KeepResponseBody, ReplaceRequestBody
from tests.extproc.providers.clients import read_all
from tests.extproc.transcript import (
    CLOSE,
    IN_JSON,
    JSON,
    JSON_TYPE,
    OPENAI,
    SSE_TYPE,
    answered,
    asked,
    body,
    error,
    failed,
    written,
)

DIALECT = DIALECTS["openai_completions"]
REPLY = ReplyContext(model="asked-for", created=1_700_000_000, request_id="req-1")
SPEAKING = msgspec.structs.replace(OPENAI, speaks=("openai_completions",))
PROMPT = b'{"model": "fast", "prompt": "Once upon"}'
REQUESTS: Any = TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming)
LOGPROBS = Raw(
    b'{"content":[{"token":"Hi","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"Hi","logprob":-0.5},'
    b'{"token":"Ho","logprob":-2}]},{"token":" you","logprob":-1,"bytes":null,"top_logprobs":[]}],"refusal":null}'
)


def read(**fields: Any) -> Any:
    return DIALECT.read_request(json.dumps({"model": "m", "prompt": "p"} | fields).encode())


def chunks(stream: bytes) -> list[Completion]:
    frames = [frame.removeprefix("data: ") for frame in stream.decode().split("\n\n")]
    assert frames.pop() == ""
    assert frames.pop() == "[DONE]"
    return [chunk(json.loads(frame)) for frame in frames]


def chunk(data: dict[str, Any]) -> Completion:
    """As the SDK reads it; its type does not admit that OpenAI's chunks before the last have no finish reason."""
    finished = [{**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in data["choices"]]
    Completion.model_validate({**data, "choices": finished}, strict=True)
    return Completion.construct(**data)


def test_the_prompt_is_a_users_message() -> None:
    for prompt in ("Once", ["Once"]):
        assert read(prompt=prompt).messages == (UserMessage(parts=(TextPart(text="Once"),)),)


def test_what_a_chat_has_too() -> None:
    request = read(
        max_tokens=9, temperature=1.5, top_p=0.5, stop="x", user="u", stream=True,
        stream_options={"include_usage": True}, n=2, seed=3, logit_bias={"1": 2}, min_p=0.1,
    )  # fmt: skip
    assert (request.max_tokens, request.temperature, request.top_p, request.stop) == (9, 1.5, 0.5, ("x",))
    assert (request.user, request.stream, request.include_usage) == ("u", True, True)
    assert {name: bytes(value) for name, value in request.plain.items()} == {
        "n": b"2", "seed": b"3", "logit_bias": b'{"1": 2}'
    }  # fmt: skip
    assert list(request.extra) == ["min_p"]


def test_logprobs_are_asked_for_as_a_chat_does() -> None:
    assert {name: bytes(value) for name, value in read(logprobs=2).plain.items()} == {
        "logprobs": b"true", "top_logprobs": b"2"
    }  # fmt: skip
    assert list(read(logprobs=0).plain) == ["logprobs"]


def test_what_asks_for_nothing() -> None:
    request = read(
        n=1, best_of=1, echo=False, suffix="", presence_penalty=0, frequency_penalty=0.0, logit_bias={}, seed=None,
        logprobs=None, stop=None, user=None, min_p=None,
    )  # fmt: skip
    assert (request.plain, request.extra, request.stop) == ({}, {}, ())
    assert "best_of" not in read(n=2, best_of=2).plain


def test_what_a_chat_cannot_honour_is_left_to_the_policy() -> None:
    assert read(echo=True, best_of=3).unsupported == ("best_of",)
    assert read(echo=True, logprobs=0).unsupported == ("echo",)  # the prompt's own log probabilities


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"prompt": ["a", "b"]}, "prompt", "prompt: this model takes one prompt in a request, not 2"),
        ({"prompt": []}, "prompt", "prompt: this model takes one prompt in a request, not 0"),
        (
            {"prompt": [1, 2]},
            "prompt",
            "prompt: this model takes text, not tokens, whose numbers mean other words to it",
        ),
        (
            {"prompt": [[1, 2]]},
            "prompt",
            "prompt: this model takes text, not tokens, whose numbers mean other words to it",
        ),
        ({"prompt": None}, "prompt", "prompt: Expected `str | array`, got `null`"),
        (
            {"suffix": "end"},
            "suffix",
            "suffix: this model answers through a chat, which cannot fill in the middle of a text",
        ),
        ({"logprobs": 6}, "logprobs", "logprobs: must be between 0 and 5"),
        ({"max_tokens": 0}, "max_tokens", "max_tokens: must be at least 1"),
        ({"temperature": 3}, "temperature", "temperature: must be between 0 and 2"),
        ({"top_p": -1}, "top_p", "top_p: must be between 0 and 1"),
        ({"stop": 1}, "stop", "stop: Expected `str | array | null`, got `int`"),
    ],
)
def test_what_a_chat_cannot_answer(fields: dict[str, Any], param: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(**fields)
    assert (caught.value.param, caught.value.message) == (param, message)


def test_a_request_without_a_prompt() -> None:
    with pytest.raises(RequestError) as caught:
        DIALECT.read_request(b'{"model": "m"}')
    assert caught.value.param == "prompt"


def test_a_name_is_edited_and_nothing_else() -> None:
    assert (
        DIALECT.edit_request(b'{"prompt":[1,  2],"model":"a"}', model="b")
        == b'{"prompt":[1,  2],"model":"b"}'
    )
    with pytest.raises(RequestError) as caught:
        DIALECT.edit_request(b'{"prompt": "a"}', model="b")
    assert caught.value.param == "model"


EVENTS = [
    ev.Start(id="x", created=5),
    ev.ReasoningDelta("hm"),
    ev.TextDelta("Hi"),
    ev.TextDelta(" you"),
    ev.LogprobsDelta(LOGPROBS),
    ev.Finish(reason="stop", native_reason="end_turn", stop_sequence="!"),
    ev.UsageSeen(Usage(prompt=3, completion=2, cached=1)),
    ev.End(),
]
OLD_LOGPROBS = {
    "tokens": ["Hi", " you"],
    "token_logprobs": [-0.5, -1.0],
    "top_logprobs": [{"Hi": -0.5, "Ho": -2.0}, {}],
    "text_offset": [0, 2],
}


def test_an_answer() -> None:
    told = DIALECT.write_response(fold(EVENTS), REPLY)
    completion = Completion.model_validate_json(told, strict=True)
    assert completion.usage is not None
    assert (completion.id, completion.created, completion.model, completion.object) == (
        "x", 5, "asked-for", "text_completion"
    )  # fmt: skip
    assert json.loads(told)["choices"] == [
        {
            "text": "Hi you", "index": 0, "logprobs": OLD_LOGPROBS, "finish_reason": "stop", "reasoning": "hm",
            "native_finish_reason": "end_turn", "stop_sequence": "!",
        }
    ]  # fmt: skip
    assert completion.usage.total_tokens == 5


def test_a_stream() -> None:
    told = chunks(DIALECT.stream_writer(REPLY).write(EVENTS))
    assert "".join(chunk.choices[0].text for chunk in told) == "Hi you"
    assert [chunk.choices[0].finish_reason for chunk in told][-1] == "stop"
    [logprobs] = [chunk.choices[0].logprobs for chunk in told if chunk.choices[0].logprobs]
    assert logprobs.model_dump() == OLD_LOGPROBS
    assert {chunk.id for chunk in told} == {"x"}
    assert not any(chunk.usage for chunk in told)


def test_the_prompt_comes_back_where_it_is_asked_for() -> None:
    reply = ReplyContext(
        model="m", created=1, request_id="r", echo=read(prompt="Say \u00e9: ", echo=True).echo
    )
    told = json.loads(DIALECT.write_response(fold(EVENTS), reply))
    assert told["choices"][0]["text"] == "Say \u00e9: Hi you"
    stream = chunks(DIALECT.stream_writer(reply).write([*EVENTS[:-1], ev.TextDelta("2", 1), ev.End()]))
    texts = [
        "".join(chunk.choices[0].text for chunk in stream if chunk.choices[0].index == index)
        for index in (0, 1)
    ]
    assert texts == ["Say \u00e9: Hi you", "Say \u00e9: 2"]


def test_errors_name_the_prompt() -> None:
    [answer] = asked(body=b'{"model":"fast","prompt":" "}', dialect="openai_completions").replies[-1].messages
    assert answer.body == error("invalid_request_error", param="prompt")  # type: ignore[union-attr]


def test_a_stream_with_usage() -> None:
    reply = ReplyContext(model="m", created=1, request_id="r", include_usage=True)
    *others, last = chunks(DIALECT.stream_writer(reply).write(EVENTS))
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 2
    assert not any(chunk.usage for chunk in others)


def test_ids_where_the_provider_gives_none() -> None:
    written = DIALECT.stream_writer(REPLY).write([ev.TextDelta("a"), ev.Finish(reason="length"), ev.End()])
    assert {chunk.id for chunk in chunks(written)} == {"cmpl-req-1"}


def test_offsets_go_on_over_the_pieces_of_a_stream() -> None:
    piece = Raw(b'{"content":[{"token":"ab","logprob":-1}]}')
    told = chunks(
        DIALECT.stream_writer(REPLY).write(
            [ev.LogprobsDelta(piece), ev.LogprobsDelta(piece), ev.LogprobsDelta(piece, 1), ev.End()]
        )
    )
    assert [chunk.choices[0].logprobs.text_offset for chunk in told if chunk.choices[0].logprobs] == [
        [0],
        [2],
        [0],
    ]


@pytest.mark.parametrize("broken", [b'{"content":[1]}', b'{"content":[{"token":1}]}'])
def test_broken_logprobs(broken: bytes) -> None:
    with pytest.raises(ProviderFailed):
        DIALECT.stream_writer(REPLY).write([ev.LogprobsDelta(Raw(broken))])


ANTHROPIC_STREAM = b"".join(
    b"event: %s\ndata: %s\n\n" % (data["type"].encode(), json.dumps(data).encode())
    for data in [
        {"type": "message_start", "message": {"id": "msg", "type": "message", "content": [], "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " a time"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
)  # fmt: skip


def test_a_translated_session() -> None:
    transcript = asked(body=PROMPT, dialect="openai_completions")
    [sent] = transcript.replies[-1].messages
    assert isinstance(sent, ReplaceRequestBody)
    assert json.loads(sent.body)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Once upon"}]}
    ]
    answer = b'{"type":"message","content":[{"type":"text","text":" a time"}],"stop_reason":"end_turn"}'
    assert (
        transcript
        >> ResponseHeaders(200, JSON_TYPE)
        >> body(answer, end=True)
        << IN_JSON
        << _replaced(
            JSON(object="text_completion", choices__0__text=" a time", choices__0__finish_reason="stop")
        )
        << CLOSE
    )


def _replaced(matcher: JSON) -> Any:
    class Replaced:
        def __eq__(self, other: object) -> bool:
            return matcher == getattr(other, "body", None)

        __hash__ = None  # type: ignore[assignment]

    return Replaced()


def test_a_translated_stream() -> None:
    transcript = asked(body=PROMPT[:-1] + b', "stream": true}', dialect="openai_completions")
    told = written(answered(transcript, [ANTHROPIC_STREAM[:150], ANTHROPIC_STREAM[150:], b""]))
    assert [(chunk.choices[0].text, chunk.choices[0].finish_reason) for chunk in chunks(told)] == [
        (" a time", None),
        ("", "length"),
    ]


def test_fields_that_the_provider_lacks_are_named() -> None:
    rejected = asked(
        body=PROMPT[:-1] + b', "best_of": 2, "logprobs": 3}',
        dialect="openai_completions",
        unsupported_fields="reject",
    )
    [answer] = rejected.replies[-1].messages
    assert "best_of, logprobs" in answer.body.decode()  # type: ignore[union-attr]
    assert answer.status == 400  # type: ignore[union-attr]
    assert answer.body == error("invalid_request_error", param="best_of", code="unsupported_field")  # type: ignore[union-attr]


def test_the_same_format_passes() -> None:
    transcript = asked(
        SPEAKING, b'{"prompt": [[1]], "model": "fast", "suffix": "x"}', dialect="openai_completions"
    )
    [sent] = transcript.replies[-1].messages
    assert isinstance(sent, ReplaceRequestBody)
    assert sent.body == b'{"prompt": [[1]], "model": "gpt-x", "suffix": "x"}'
    assert sent.headers[":path"] == "/v1/completions"


def test_a_stream_of_the_same_format_passes_from_its_first_text_on() -> None:
    transcript = asked(SPEAKING, PROMPT, dialect="openai_completions")
    first = b'data: {"id":"c","object":"text_completion","choices":[{"text":" a","index":0}]}\n\n'
    assert (
        transcript
        >> ResponseHeaders(200, SSE_TYPE)
        >> body(b'data: {"id":"c","choices":[]}\n\n')
        >> body(first)
        << ContinueResponseHeaders()
        << KeepResponseBody()
        << KeepResponseBody()
        << CLOSE
    )


def test_a_stream_of_the_same_format_that_begins_with_an_error() -> None:
    transcript = asked(SPEAKING, PROMPT, dialect="openai_completions")
    transcript.__rshift__(ResponseHeaders(200, SSE_TYPE))
    transcript >> ResponseBody(b'data: {"error":{"message":"no","type":"server_error"}}\n\n') << failed(502)
    transcript._unread.clear()


def test_a_vendor_of_the_same_format_without_completions_is_asked_as_a_chat() -> None:
    sent = asked(OPENAI, PROMPT, dialect="openai_completions").replies[-1].messages[0]
    assert isinstance(sent, ReplaceRequestBody)
    assert sent.headers[":path"] == "/v1/chat/completions"
    assert json.loads(sent.body)["messages"] == [{"role": "user", "content": "Once upon"}]


def test_no_text_where_there_is_a_delta_too() -> None:
    both = b'data: {"choices":[{"index":0,"text":"a","delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    events = read_all(WIRE_FORMATS["openai"].stream_reader(), [both])
    assert [event.text for event in events if isinstance(event, ev.TextDelta)] == ["a"]


SCALARS = st.none() | st.booleans() | st.integers(-3, 5000) | st.floats(-1, 3) | st.text(max_size=5)
FIELDS = st.sampled_from(
    [*completion_create_params.CompletionCreateParamsBase.__annotations__, "stream", "min_p"]
)
VALUES = SCALARS | st.lists(SCALARS | st.lists(st.integers(0, 9), max_size=2), max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)  # fmt: skip


@settings(max_examples=200)
@given(st.dictionaries(FIELDS, VALUES))
def test_any_request_is_read_or_refused(fields: dict[str, Any]) -> None:
    """What is refused names one of the client's fields; what is read is a request for OpenAI too, and no more."""
    refused: list[RequestError] = []
    try:
        request = read(**fields)
    except RequestError as error:
        refused.append(error)
    for one in refused:
        assert re.split(r"[.\[]", one.param or "")[0] in {"model", "prompt", *fields}
        return
    known = {
        name: value
        for name, value in fields.items()
        if value is not None and name not in ("stream", "min_p", *request.plain, *request.extra)
    }
    REQUESTS.validate_python({"model": "m", "prompt": "p"} | known)
