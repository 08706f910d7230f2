"""Legacy completions of the simulator, by the official client."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.simulator.known import unknown_fields


def complete(client: openai.OpenAI, prompt: Any = "hello there", **options: Any) -> Any:
    return client.completions.create(model="davinci-002", prompt=prompt, **options)


def test_answer(openai_client: openai.OpenAI, account: str) -> None:
    completion = complete(openai_client)
    assert completion.choices[0].text == f"Echo from {account}/davinci-002: hello there"
    assert completion.choices[0].finish_reason == "stop"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (2, 5)
    assert unknown_fields(completion) == []


def test_each_prompt_has_n_answers(openai_client: openai.OpenAI) -> None:
    choices = complete(openai_client, ["one", "two"], n=2).choices
    assert [choice.index for choice in choices] == [0, 1, 2, 3]
    assert [choice.text[-3:] for choice in choices] == ["one", "one", "two", "two"]


def test_tokens(openai_client: openai.OpenAI) -> None:
    assert [choice.text[-3:] for choice in complete(openai_client, [[1, 2], [3]]).choices] == ["1 2", ": 3"]
    assert complete(openai_client, [4, 5]).choices[0].text.endswith("4 5")


def test_echo_and_logprobs(openai_client: openai.OpenAI) -> None:
    choice = complete(openai_client, "a b", echo=True, logprobs=1, max_tokens=2).choices[0]
    assert choice.text.startswith("a b")
    assert choice.finish_reason == "length"
    assert "".join(choice.logprobs.tokens) == choice.text
    assert choice.logprobs.text_offset == [0, 3, 7]
    assert choice.logprobs.top_logprobs[0] == {"a b": -0.5}


@pytest.mark.parametrize("usage", [False, True])
def test_stream(openai_client: openai.OpenAI, usage: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(complete(openai_client, "a b", stream=True, logprobs=0, **options))
    last = chunks.pop() if usage else None
    assert (last is not None and last.usage.completion_tokens == 5) is usage
    assert "".join(chunk.choices[0].text for chunk in chunks).endswith(": a b")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    offsets = [offset for chunk in chunks for offset in chunk.choices[0].logprobs.text_offset]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"logprobs": 6}, "logprobs"),
        ({"n": 2, "best_of": 1}, "n"),
        ({"best_of": 2, "stream": True}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"extra_body": {"stream": "yes"}}, "stream"),
        ({"extra_body": {"top_k": 1}}, "top_k"),
    ],
)
def test_refused(openai_client: openai.OpenAI, options: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        complete(openai_client, **options)
    assert caught.value.param == param


def test_unknown_model(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_client.completions.create(model="missing-x", prompt="x")
