"""``response_format`` where Anthropic's format has no structured output: there, and back as the answer's text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.chat.fold import fold
from extproc.chat.model import ChatResponse
from extproc.errors import RequestError
from extproc.providers import WIRE_FORMATS
from extproc.providers.anthropic.blocks import JSON_TOOL
from tests.extproc.providers.claude import HAIKU, USER, body, calls, send, text, tool
from tests.extproc.providers.clients import DIALECT, REPLY, chunks, read_all, write_all
from tests.extproc.providers.test_anthropic_stream import START, STOP, block, close, delta, end, framed, read

FORMAT = WIRE_FORMATS["anthropic"]
OLD, OTHER = "claude-opus-4-1", "tiny"
SCHEMA = {"type": "object", "properties": {"z": {"type": "string", "minLength": 2}, "a": {}}}
F = {"type": "function", "function": {"name": "f"}}
NAMED = {"type": "function", "function": {"name": "f"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def wants(schema: Any = SCHEMA, **more: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema} | more}}


JSON_OBJECT = {"response_format": {"type": "json_object"}}
ONLY = {"type": "tool", "name": JSON_TOOL, "disable_parallel_tool_use": True}
ANY = {"type": "any"}


@pytest.mark.parametrize("model", ["claude-3-haiku-20240307", "claude-3-7-sonnet-latest", OLD, OTHER])
@pytest.mark.parametrize(
    ("fields", "names", "choice"),
    [
        ({}, [JSON_TOOL], ONLY),
        ({"tools": [F]}, ["f", JSON_TOOL], ANY),
        ({"tools": [F], "tool_choice": "auto"}, ["f", JSON_TOOL], ANY),
        ({"tools": [F], "parallel_tool_calls": False}, ["f", JSON_TOOL], ANY | {"disable_parallel_tool_use": True}),
        ({"functions": [F["function"]]}, ["f", JSON_TOOL], ANY | {"disable_parallel_tool_use": True}),
        ({"tools": [F], "tool_choice": "none"}, [JSON_TOOL], ONLY),
        ({"tools": [F], "tool_choice": "required"}, ["f"], ANY),
        ({"tools": [F], "tool_choice": NAMED}, ["f"], {"type": "tool", "name": "f"}),
        ({"tools": [F], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}}, [JSON_TOOL], ONLY),
        ({"tools": [SEARCH]}, ["web_search", JSON_TOOL], ANY),
        ({"web_search_options": {}}, ["web_search", JSON_TOOL], ANY),
        ({"mcp_servers": [{"type": "url", "url": "https://x", "name": "m"}]}, [JSON_TOOL], ANY),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, [], None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wanted", [wants(), JSON_OBJECT], ids=["schema", "object"])
def test_the_tool_that_answers(
    model: str, fields: dict[str, Any], names: list[str], choice: Any, wanted: dict[str, Any]
) -> None:
    sent = send(model, **fields, **wanted)
    written = json.loads(sent.body)
    assert [offered["name"] for offered in written.get("tools", ())] == names
    assert written.get("tool_choice") == choice
    assert "system" not in written
    assert written.get("output_config") == fields.get("output_config")
    assert sent.unsupported == ()


def test_the_tool_has_the_schema_as_the_client_wrote_it() -> None:
    sent = send(OTHER, **wants(description="A city."))
    [written] = json.loads(sent.body)["tools"]
    assert written.keys() == {"name", "description", "input_schema"}
    assert written["description"].endswith("whole answer, key by key. A city.")
    assert json.dumps(SCHEMA).encode() in sent.body
    [untyped] = body(OLD, **wants({"properties": {"a": {}}}))["tools"]
    assert untyped["input_schema"] == {"type": "object", "properties": {"a": {}}}
    [free] = body(OLD, **JSON_OBJECT)["tools"]
    assert free["input_schema"] == {"type": "object", "additionalProperties": True}


@pytest.mark.parametrize(
    ("model", "wanted", "words"),
    [
        (HAIKU, JSON_OBJECT, "one JSON object"),
        (OLD, wants({"type": "array", "items": {}}), '{"type": "array", "items": {}}'),
        (OTHER, wants({"anyOf": [SCHEMA]}, description="d"), '{"description":"d","anyOf":['),
        (OTHER, wants({"type": ["object", "null"]}), '["object", "null"]'),
    ],
)
def test_what_no_tool_can_hold_is_told_in_words(model: str, wanted: dict[str, Any], words: str) -> None:
    sent = send(model, messages=[{"role": "system", "content": "s"}, USER], **wanted)
    written = json.loads(sent.body)
    assert written["system"][0] == text("s")
    assert words in written["system"][1]["text"]
    assert not {"output_config", "tools", "tool_choice"} & written.keys()
    assert sent.unsupported == ("response_format",)


def test_a_schema_that_is_none() -> None:
    with pytest.raises(RequestError, match="Expected `object`, got `int`") as caught:
        send(OTHER, **wants(5))
    assert caught.value.param == "response_format.json_schema.schema"


@pytest.mark.parametrize(
    ("model", "fields", "effort", "unsupported"),
    [
        (OLD, {"reasoning_effort": "low"}, None, ("reasoning_effort",)),
        (OTHER, {"reasoning_effort": "low"}, None, ("reasoning_effort",)),
        (OTHER, {"reasoning_effort": "none"}, None, ()),
        (OLD, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, None, ("thinking",)),
        (OLD, {"thinking": {"type": "disabled"}}, None, ()),
        # a tool that the client forces does the same
        ("claude-opus-4-6", {"thinking": {"type": "adaptive"}, "reasoning_effort": "low", "tools": [F], "tool_choice": "required"}, "low", ("thinking",)),
    ],
)  # fmt: skip
def test_a_forced_tool_turns_thinking_off(
    model: str, fields: dict[str, Any], effort: str | None, unsupported: tuple[str, ...]
) -> None:
    sent = send(model, temperature=0.5, **wants({"type": "object"}), **fields)
    written = json.loads(sent.body)
    assert written.get("thinking", {"type": "disabled"}) == {"type": "disabled"}
    assert written.get("output_config", {}).get("effort") == effort
    assert written["temperature"] == 0.5
    assert sent.unsupported == unsupported


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [F, {"type": "function", "function": {"name": JSON_TOOL}}]}, "tools[1]"),
        ({"tools": [{"type": "custom", "name": JSON_TOOL}]}, "tools[0]"),
        ({"functions": [{"name": JSON_TOOL}]}, "functions[0]"),
    ],
)
def test_the_name_is_not_the_client_s_to_use(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        send(**fields)
    told = f"{param}: the name 'gateway_json_response' is the gateway's own"
    assert (caught.value.message, caught.value.param) == (told, param)


def test_an_answer_is_plain_text_to_the_next_turn() -> None:
    answer = {"role": "assistant", "content": '{"a":1}'}
    written = body(OLD, messages=[USER, calls("c"), tool("c"), answer, USER], tools=[F], **wants())
    assert written["messages"][3] == {"role": "assistant", "content": [text('{"a":1}')]}


# and back


def answers(call_id: str = "j", **more: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": JSON_TOOL, "input": {}} | more


def client_calls(call_id: str = "c", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": given}


def streamed(content: list[dict[str, Any]], reason: str, *, piece: int = 3) -> list[dict[str, Any]]:
    """The events in which Anthropic sends this content."""
    events: list[dict[str, Any]] = [START]
    for n, whole in enumerate(content):
        if whole["type"] == "text":
            events += [block(n, type="text", text=""), delta(n, type="text_delta", text=whole["text"])]
        else:
            told = json.dumps(whole["input"], separators=(",", ":"))
            events.append(block(n, **whole | {"input": {}}))
            events += [
                delta(n, type="input_json_delta", partial_json=told[at : at + piece])
                for at in range(0, len(told), piece)
            ]
        events.append(close(n))
    return [*events, end(reason), STOP]


def unary(content: list[dict[str, Any]], reason: str) -> ChatResponse:
    message = {"id": "msg_1", "content": content, "stop_reason": reason}
    usage = {"usage": {"input_tokens": 3, "output_tokens": 9}}
    return FORMAT.read_response(json.dumps(message | usage, separators=(",", ":")).encode())


CITY = {"z": "Köln", "a": [1.50, 2]}
TOLD = json.dumps(CITY, separators=(",", ":"))


@pytest.mark.parametrize(
    ("content", "reason", "expected", "finish"),
    [
        ([answers(input=CITY)], "tool_use", {"content": TOLD}, "stop"),
        ([answers(input=CITY)], "end_turn", {"content": TOLD}, "stop"),
        ([answers(input=CITY)], "max_tokens", {"content": TOLD}, "length"),
        ([answers()], "tool_use", {"content": "{}"}, "stop"),
        ([answers(input=CITY)], "what_comes_next", {"content": TOLD}, "stop"),
        ([text("\n\n"), answers(input=CITY), text("\n")], "tool_use", {"content": TOLD}, "stop"),
        # with the client's tools
        ([client_calls(), answers(input=CITY)], "tool_use", {"content": TOLD, "tool_calls": ["c"]}, "tool_calls"),
        ([answers(input=CITY), client_calls()], "tool_use", {"content": TOLD, "tool_calls": ["c"]}, "tool_calls"),
        # what would spoil the JSON is not in the content, nor lost
        (
            [text("Here: ", citations=[{"url": "https://x", "title": "X"}]), answers(input=CITY)],
            "tool_use",
            {"content": TOLD, "anthropic_content": [text("Here: ", citations=[{"url": "https://x", "title": "X"}]), text(TOLD)]},
            "stop",
        ),
        (
            [answers(input=CITY), text("Done.")],
            "tool_use",
            {"content": TOLD, "anthropic_content": [text(TOLD), text("Done.")]},
            "stop",
        ),
        (
            [answers(input=CITY), answers("k", input={"b": 1})],
            "tool_use",
            {"content": TOLD, "anthropic_content": [text(TOLD), text('{"b":1}')]},
            "stop",
        ),
        (
            [answers(input=CITY), text("S", citations=[{"url": "https://x", "title": "X"}])],
            "tool_use",
            {"content": TOLD, "anthropic_content": [text(TOLD), text("S", citations=[{"url": "https://x", "title": "X"}])]},
            "stop",
        ),
    ],
)  # fmt: skip
def test_the_call_is_the_answer(
    content: list[dict[str, Any]], reason: str, expected: dict[str, Any], finish: str
) -> None:
    whole = unary(content, reason)
    if not any("citations" in each for each in content):  # they have events of their own
        assert fold(read(*streamed(content, reason))) == whole
    [choice] = json.loads(DIALECT.write_response(whole, REPLY))["choices"]
    message = {key: value for key, value in choice["message"].items() if value is not None}
    if "tool_calls" in message:
        message["tool_calls"] = [call["id"] for call in message["tool_calls"]]
    assert message == {"role": "assistant"} | expected
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (finish, reason)


def test_its_arguments_stream_as_text() -> None:
    told = chunks(write_all(read(*streamed([answers(input={"a": 10})], "tool_use"))))
    deltas = [choice["delta"] for part in told for choice in part["choices"]]
    assert deltas == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": '{"a'},
        {"content": '":1'},
        {"content": "0}"},
        {},
    ]
    assert told[-2]["choices"][0]["finish_reason"] == "stop"


def test_a_stream_cannot_take_back_what_it_told() -> None:
    told = chunks(write_all(read(*streamed([text("Here: "), answers(input={})], "tool_use"))))
    deltas = [choice["delta"] for part in told for choice in part["choices"]]
    blocks = [{"index": 0} | text("Here: "), {"index": 1} | text("{}")]
    assert deltas[1:] == [{"content": "Here: "}, {"content": "{}"}, {"anthropic_content": blocks}, {}]


def test_numbers_and_spaces_stay_as_the_provider_wrote_them() -> None:
    given = b'{ "n": 1.50, "m": 123456789012345678901 }'
    sent = b'{"content":[{"type":"tool_use","id":"j","name":"%s","input":%s}]}' % (JSON_TOOL.encode(), given)
    assert FORMAT.read_response(sent).choices[0].message.text.encode() == given


def test_an_answer_that_breaks_off() -> None:
    events = [
        START,
        block(0, **answers()),
        delta(0, type="input_json_delta", partial_json='{"a'),
        end("max_tokens"),
        STOP,
    ]
    [choice] = fold(read(*events)).choices
    assert (choice.message.text, choice.finish_reason) == ('{"a', "length")
    searched = [close(0), block(1, type="server_tool_use", id="s", name="web_search", input={}), close(1)]
    [choice] = fold(read(*events[:3], *searched, *events[3:])).choices
    assert choice.message.native is not None
    assert json.loads(bytes(choice.message.native.blocks[0])) == text('{"a')


BLOCKS = st.lists(
    st.one_of(
        st.sampled_from(["", "\n", "Hi"]).map(text),
        st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2).map(
            lambda given: answers(input=given)
        ),
        st.integers().map(lambda n: client_calls(a=n)),
        st.just({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}),
    ),
    max_size=4,
)


@given(BLOCKS, st.sampled_from(["tool_use", "end_turn", "max_tokens"]), st.integers(1, 9), st.integers(1, 99))
def test_a_stream_adds_up_to_the_answer(
    content: list[dict[str, Any]], reason: str, piece: int, cut: int
) -> None:
    stream = framed(*streamed(content, reason, piece=piece))
    events = read_all(FORMAT.stream_reader(), [stream])
    again = read_all(FORMAT.stream_reader(), [stream[n : n + cut] for n in range(0, len(stream), cut)])
    assert write_all(again) == write_all(events)
    whole = unary(content, reason)
    assert fold(events) == whole
    [choice] = whole.choices
    kinds = [each.get("name", each["type"]) for each in content]
    assert [call.name for call in choice.message.tool_calls] == [kind for kind in kinds if kind == "f"]
    if JSON_TOOL in kinds:
        assert json.loads(choice.message.text) == content[kinds.index(JSON_TOOL)]["input"]
        assert choice.finish_reason != "tool_calls" or "f" in kinds
        words = "".join(each.get("text", "") for each in content).strip()
        assert choice.message.native is not None or not words
