"""Clients that speak of ``functions``, as OpenAI's did before tools, and a provider that has tools only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from extproc.chat.fold import fold
from extproc.chat.seams import ReplyContext
from extproc.contract.target import RoutePolicy
from extproc.dialects import DIALECTS
from extproc.messages import RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.replies import ReplaceResponseBody
from extproc.session import Session
from tests.extproc.providers.claude import HAIKU, TARGET, USER, body, says, send, text
from tests.extproc.providers.clients import add_up, chunks, read_all, read_unary, write_all
from tests.extproc.providers.test_anthropic_stream import START, STOP, block, close, delta, end, framed

DIALECT = DIALECTS["openai_chat"]
ANTHROPIC = WIRE_FORMATS["anthropic"]
REPLY = ReplyContext(model="asked", created=7, request_id="r", legacy_functions=True)

WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
SERVED = {"name": "get_weather", "input_schema": WEATHER["parameters"]}
PARIS = '{"city": "Paris"}'

CALL = [
    START,
    block(0, type="text", text="Let me look."),
    close(0),
    block(1, type="tool_use", id="toolu_1", name="get_weather", input={}),
    delta(1, type="input_json_delta", partial_json='{"city": '),
    delta(1, type="input_json_delta", partial_json='"Paris"}'),
    close(1),
]
SECOND_CALL = [
    block(2, type="tool_use", id="toolu_2", name="get_weather", input={}),
    delta(2, type="input_json_delta", partial_json="{}"),
    close(2),
]
OUTCOME = [end("tool_use"), STOP]


def streamed(*events: dict[str, Any]) -> list[dict[str, Any]]:
    return chunks(write_all(read_all(ANTHROPIC.stream_reader(), [framed(*events)]), REPLY))


def unary(*events: dict[str, Any]) -> dict[str, Any]:
    """The answer that says at once what `events` say."""
    answer = fold(read_all(ANTHROPIC.stream_reader(), [framed(*events)]))
    return read_unary(DIALECT.write_response(answer, REPLY))


@pytest.mark.parametrize(
    ("fields", "legacy"),
    [
        ({"functions": [WEATHER]}, True),
        ({"functions": [WEATHER], "function_call": "none"}, True),
        ({"tools": [{"type": "function", "function": WEATHER}]}, False),
        ({"tools": [{"type": "function", "function": WEATHER}], "functions": [WEATHER]}, False),
        ({"functions": []}, False),
        ({}, False),
    ],
)
def test_which_requests_are_legacy(fields: dict[str, Any], legacy: bool) -> None:
    request = DIALECT.read_request(json.dumps({"model": "m", "messages": [USER]} | fields).encode())
    assert request.legacy_functions is legacy


@pytest.mark.parametrize(
    ("function_call", "choice"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        ("auto", {"type": "auto", "disable_parallel_tool_use": True}),
        ("none", {"type": "none"}),
        ({"name": "get_weather"}, {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True}),
    ],
)
def test_one_call_at_a_time_is_asked_for(function_call: Any, choice: dict[str, Any]) -> None:
    sent = body(functions=[WEATHER], function_call=function_call)
    assert (sent["tools"], sent["tool_choice"]) == ([SERVED], choice)


def test_what_is_not_honoured_is_named_as_the_client_wrote_it() -> None:
    strict = WEATHER | {"strict": True}
    assert send("claude-3-5-haiku-latest", functions=[strict]).unsupported == ("functions[0].strict",)
    strict = {"name": "f", "strict": True, "parameters": {"type": "object", "minProperties": 1}}
    assert send(functions=[strict]).unsupported == ("functions[0].parameters",)


@pytest.mark.parametrize("more", [[], SECOND_CALL], ids=["one call", "two calls"])
def test_an_answer(more: list[dict[str, Any]]) -> None:
    [choice] = unary(*CALL, *more, *OUTCOME)["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Let me look.",
        "refusal": None,
        "function_call": {"name": "get_weather", "arguments": PARIS},
    }
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize("more", [[], SECOND_CALL], ids=["one call", "two calls"])
def test_a_stream(more: list[dict[str, Any]]) -> None:
    told = [part["choices"][0] for part in streamed(*CALL, *more, *OUTCOME)]
    assert [choice["delta"] for choice in told] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Let me look."},
        {"function_call": {"name": "get_weather", "arguments": ""}},
        {"function_call": {"arguments": '{"city": '}},
        {"function_call": {"arguments": '"Paris"}'}},
        {},
    ]
    assert [choice["finish_reason"] for choice in told] == [None] * 5 + ["function_call"]


def test_a_call_without_a_reason_to_finish() -> None:
    for choice in (unary(*CALL, STOP)["choices"][0], streamed(*CALL, STOP)[-1]["choices"][0]):
        assert choice["finish_reason"] == "function_call"


def test_other_answers_are_as_ever() -> None:
    says_hi = [START, block(0, type="text", text="Hi"), close(0), end("max_tokens"), STOP]
    [choice] = unary(*says_hi)["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hi", "refusal": None}
    assert choice["finish_reason"] == streamed(*says_hi)[-1]["choices"][0]["finish_reason"] == "length"


def test_a_session_remembers_what_the_client_reads() -> None:
    session = Session(now=7)
    policy = RoutePolicy(model="m", dialect="openai_chat", models={TARGET.leaf: HAIKU})
    session.on(RequestHeaders(TARGET, policy, {}))
    session.on(RequestBody(json.dumps({"model": "m", "messages": [USER], "functions": [WEATHER]}).encode()))
    session.on(ResponseHeaders(200, {"content-type": "application/json"}))
    tool_use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    answer = json.dumps({"content": [tool_use], "stop_reason": "tool_use"}).encode()
    told = session.on(ResponseBody(answer, end=True)).messages[-1]
    assert isinstance(told, ReplaceResponseBody)
    [choice] = read_unary(told.body)["choices"]
    assert choice["message"]["function_call"] == {"name": "get_weather", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize("stream", [False, True])
def test_the_whole_loop(stream: bool) -> None:
    """What the SDK makes of the answer goes back, with the function's result, and is understood."""
    events = [*CALL, *OUTCOME]
    told = add_up(streamed(*events)) if stream else unary(*events)
    message = ChatCompletion.model_validate(told).choices[0].message
    assert message.function_call is not None
    assert message.tool_calls is None
    assert json.loads(message.function_call.arguments) == {"city": "Paris"}
    history = [
        USER,
        message.model_dump(exclude_none=True),
        {"role": "function", "name": message.function_call.name, "content": "22 °C"},
    ]
    sent = body(messages=history, functions=[WEATHER])
    call = {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Paris"}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "22 °C"}
    assert sent["messages"] == [
        says("user", text("hi")),
        says("assistant", text("Let me look."), call),
        says("user", result),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_the_result_of_a_call_among_the_provider_s_own_blocks(stream: bool) -> None:
    """``anthropic_content`` holds the call's own id, which the client never reads."""
    search = [
        START,
        block(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={"query": "x"}),
        close(0),
        block(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
        close(1),
        block(2, type="tool_use", id="toolu_1", name="get_weather", input={"city": "Paris"}),
        close(2),
        *OUTCOME,
    ]
    told = add_up(streamed(*search)) if stream else unary(*search)
    message = told["choices"][0]["message"]
    result = {"role": "function", "name": "get_weather", "content": "22 °C"}
    sent = body(messages=[USER, message, result], functions=[WEATHER])
    assert [one["type"] for one in sent["messages"][1]["content"]] == [
        "server_tool_use",
        "web_search_tool_result",
        "tool_use",
    ]
    assert sent["messages"][2]["content"][0]["tool_use_id"] == "toolu_1"
