"""The simulator's Responses API, by the official client."""

from __future__ import annotations

from typing import Any

import openai
import pydantic
import pytest

from tests.extproc.dialects.responses_client import Machine
from tests.simulator.known import unknown_fields

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class City(pydantic.BaseModel):
    name: str


def ask(client: openai.OpenAI, given: Any = "hello there", **options: Any) -> Any:
    return client.responses.create(model="gpt-5", input=given, **options)


def test_answer(openai_client: openai.OpenAI, account: str) -> None:
    response = ask(openai_client)
    assert response.output_text == f"Echo from {account}/gpt-5: hello there"
    assert response.status == "completed"
    assert response.usage.output_tokens == 5
    assert unknown_fields(response) == [".store"]  # which OpenAI does send


def test_stored_responses_go_on(openai_client: openai.OpenAI) -> None:
    first = ask(openai_client, "get_weather please", tools=[WEATHER])
    [call] = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = ask(openai_client, [result], previous_response_id=first.id, tools=[WEATHER])
    assert "the tool said sunny" in second.output_text
    assert second.previous_response_id == first.id
    unkept = ask(openai_client, store=False)
    with pytest.raises(openai.BadRequestError) as caught:
        ask(openai_client, previous_response_id=unkept.id)
    assert caught.value.code == "previous_response_not_found"


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("hello there", {}),
        ("no [sim:refuse]", {}),
        ("one two three", {"max_output_tokens": 2}),
        ("think", {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}),
        ("get_weather [sim:preamble]", {"tools": [WEATHER]}),
    ],
)  # fmt: skip
def test_streams(openai_client: openai.OpenAI, given: str, options: Any) -> None:
    events = list(ask(openai_client, given, stream=True, **options))
    machine = Machine()
    for event in events:
        told = event.model_dump(mode="json", exclude_unset=True)
        if told["type"] == "response.output_item.added":
            told["item"].pop("encrypted_content", None)
        machine.see(told)
    machine.over()
    whole = ask(openai_client, given, **options)
    assert [item.type for item in events[-1].response.output] == [item.type for item in whole.output]
    assert events[-1].response.status == whole.status


def test_parse(openai_client: openai.OpenAI) -> None:
    response = openai_client.responses.parse(model="gpt-5", input="a city", text_format=City)
    assert isinstance(response.output_parsed, City)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"nonsense": 1}, "nonsense"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}]}, "input"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_refusals(openai_client: openai.OpenAI, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(openai_client, extra_body=fields)
    assert caught.value.param == param


def test_no_such_model(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        openai_client.responses.create(model="missing-1", input="x")
