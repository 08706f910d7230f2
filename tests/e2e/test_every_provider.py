"""Every type of provider through one running gateway, by the official clients of OpenAI and Anthropic.

The names that the gateway gives its models are those of the types. What a provider has no counterpart of is asserted
as the error that the client gets. The ways through the gateway (native, renamed, failing over) and what is special to
one provider have tests of their own beside this one.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from simulator import Simulator
from simulator.vectors import vector
from tests.e2e.conftest import Accounts
from tests.e2e.harness import CLIENT_KEY, Gateway, running_gateway
from tests.e2e.test_sdk import City, user
from tests.extproc.dialects.responses_client import follow

NAMES = {
    "openai": "gpt-5",
    "anthropic": "claude-haiku-4-5",
    "google_ai": "gemini-3.6-flash",
    "azure_openai": "gpt-5",
    "aws_bedrock": "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "vllm": "qwen3",
    "ollama": "qwen3",
    "together": "qwen3",
}
"""What the provider of each type calls its model."""
PROVIDERS = list(NAMES)
VECTORS = NAMES | {"google_ai": "gemini-embedding-001", "aws_bedrock": "cohere.embed-v4:0"}
OF_OPENAI = {"openai", "azure_openai", "vllm", "ollama", "together"}
"""Types whose answers to OpenAI's chat, completions and embeddings pass as they are."""
WITH_RESPONSES = {"openai", "azure_openai"}
"""Types that get the Responses API itself."""
SIGNED = {"anthropic", "google_ai", "aws_bedrock"}
"""Types whose models prove what they thought."""
PARAMETERS: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DESCRIBED = {"name": "get_weather", "description": "The weather in a city"}
TOOL: Any = {"type": "function", "function": {**DESCRIBED, "parameters": PARAMETERS}}
TOOL_OF_RESPONSES: Any = {"type": "function", **DESCRIBED, "parameters": PARAMETERS, "strict": False}
TOOL_OF_ANTHROPIC: Any = {**DESCRIBED, "input_schema": PARAMETERS}
UNARY_AND_STREAM = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


@pytest.fixture(scope="module")
def accounts(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    found = Accounts(simulator, tmp_path_factory.mktemp("every"))
    yield found
    found.check_credentials()


@pytest.fixture(scope="module")
def gateway(accounts: Accounts) -> Iterator[Gateway]:
    providers = "\n".join(f"  {kind}: {accounts.provider(kind, kind)}" for kind in PROVIDERS)
    models = "\n".join(f"  {kind}: {{target: '{kind}/{NAMES[kind]}'}}" for kind in PROVIDERS)
    vectors = "\n".join(f"  {kind}-vectors: {{target: '{kind}/{VECTORS[kind]}'}}" for kind in PROVIDERS)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
{providers}
models:
{models}
{vectors}
"""
    with running_gateway(accounts.directory, config) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with gateway.openai(timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def claude(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=CLIENT_KEY, timeout=30, max_retries=0) as client:
        yield client


def name_in_answers(provider: str, passing: set[str]) -> str:
    """What passes has the provider's name of the model, what is translated the client's."""
    return NAMES[provider] if provider in passing else provider


@pytest.mark.parametrize("provider", PROVIDERS)
class TestChat:
    def test_unary(self, client: openai.OpenAI, accounts: Accounts, provider: str) -> None:
        completion = client.chat.completions.create(model=provider, messages=user("hello gateway"))
        [choice] = completion.choices
        assert choice.message.role == "assistant"
        assert (
            choice.message.content == f"Echo from {accounts.full(provider)}/{NAMES[provider]}: hello gateway"
        )
        assert choice.finish_reason == "stop"
        assert completion.object == "chat.completion"
        assert completion.model == name_in_answers(provider, OF_OPENAI)
        assert completion.usage is not None
        used = completion.usage
        assert used.total_tokens == used.prompt_tokens + used.completion_tokens
        assert used.prompt_tokens > 0
        assert used.completion_tokens > 0

    def test_stream(self, client: openai.OpenAI, provider: str) -> None:
        chunks = list(client.chat.completions.create(model=provider, messages=user("a b c"), stream=True))
        assert len({chunk.id for chunk in chunks}) == 1
        assert {chunk.model for chunk in chunks} == {name_in_answers(provider, OF_OPENAI)}
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).endswith(": a b c")
        assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
        assert not any(chunk.usage for chunk in chunks)

    def test_usage_in_a_stream_when_asked(self, client: openai.OpenAI, provider: str) -> None:
        asked: Any = {"model": provider, "messages": user("count me")}
        unary = client.chat.completions.create(**asked).usage
        stream = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
        *others, last = list(stream)
        assert last.choices == []
        assert not any(chunk.usage for chunk in others)
        assert last.usage is not None
        assert unary is not None
        assert last.usage.prompt_tokens == unary.prompt_tokens
        assert last.usage.completion_tokens == unary.completion_tokens

    def test_length(self, client: openai.OpenAI, provider: str) -> None:
        completion = client.chat.completions.create(
            model=provider, messages=user("one two three four five"), max_completion_tokens=3
        )
        assert completion.choices[0].finish_reason == "length"

    @UNARY_AND_STREAM
    def test_parse(self, client: openai.OpenAI, provider: str, stream: bool) -> None:
        asked: Any = {"model": provider, "messages": user("a city"), "response_format": City}
        if stream:
            with client.chat.completions.stream(**asked) as events:
                completion = events.get_final_completion()
        else:
            completion = client.chat.completions.parse(**asked)
        [choice] = completion.choices
        assert isinstance(choice.message.parsed, City)
        assert choice.finish_reason == "stop"

    @UNARY_AND_STREAM
    def test_tools_in_two_turns(self, client: openai.OpenAI, provider: str, stream: bool) -> None:
        """With reasoning, whose signatures the simulators of those that give them demand back."""
        messages = user("What is the weather in Paris? Use get_weather.")
        asked: Any = {"model": provider, "tools": [TOOL]}
        if provider in SIGNED:
            asked["reasoning_effort"] = "low"
        if stream:
            with client.chat.completions.stream(messages=messages, **asked) as events:
                first = events.get_final_completion().choices[0]
        else:
            first = client.chat.completions.create(messages=messages, **asked).choices[0]
        assert first.finish_reason == "tool_calls"
        told: Any = first.message.model_dump(exclude_none=True, exclude={"parsed"})
        assert ("reasoning_content" in told) is (provider in SIGNED)
        [call] = told["tool_calls"]
        assert call["function"]["name"] == "get_weather"
        assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
        call.pop("index", None)  # what the stream helper adds
        call["function"].pop("parsed_arguments", None)
        result: Any = {"role": "tool", "tool_call_id": call["id"], "content": "21 degrees"}
        answer = client.chat.completions.create(messages=[*messages, told, result], **asked)
        assert answer.choices[0].finish_reason == "stop"
        assert "21 degrees" in (answer.choices[0].message.content or "")


@pytest.mark.parametrize("provider", PROVIDERS)
class TestCompletions:
    def test_unary(self, client: openai.OpenAI, provider: str) -> None:
        completion = client.completions.create(model=provider, prompt="hello gateway", max_tokens=50)
        [choice] = completion.choices
        assert choice.text.endswith(": hello gateway")
        assert choice.finish_reason == "stop"
        assert completion.object == "text_completion"
        assert completion.model == name_in_answers(provider, OF_OPENAI)
        assert completion.usage is not None
        assert completion.usage.completion_tokens > 0

    def test_echo_and_length(self, client: openai.OpenAI, provider: str) -> None:
        completion = client.completions.create(model=provider, prompt="Say this: ", max_tokens=3, echo=True)
        assert completion.choices[0].text.startswith("Say this: Echo from")
        assert completion.choices[0].finish_reason == "length"

    @pytest.mark.parametrize("usage", [False, True], ids=["plain", "usage"])
    def test_stream(self, client: openai.OpenAI, provider: str, usage: bool) -> None:
        options: Any = {"stream_options": {"include_usage": True}} if usage else {}
        chunks = list(
            client.completions.create(
                model=provider, prompt="hello stream", max_tokens=50, stream=True, **options
            )
        )
        assert len({chunk.id for chunk in chunks}) == 1
        if usage:
            last = chunks.pop()
            assert last.choices == []
            assert last.usage is not None
            assert last.usage.completion_tokens > 0
        assert "".join(chunk.choices[0].text for chunk in chunks).endswith(": hello stream")
        finished = [chunk.choices[0].finish_reason for chunk in chunks]
        assert [reason for reason in finished if reason] == ["stop"]


@pytest.mark.parametrize("provider", PROVIDERS)
class TestEmbeddings:
    @pytest.mark.parametrize("encoding", ["float", "base64", None])
    def test_vectors(self, client: openai.OpenAI, provider: str, encoding: Any) -> None:
        asked: Any = {"model": f"{provider}-vectors", "input": ["one", "two words"], "dimensions": 256}
        asked |= {} if encoding is None else {"encoding_format": encoding}
        if provider == "anthropic":
            with pytest.raises(openai.BadRequestError) as caught:
                client.embeddings.create(**asked)
            assert (caught.value.param, caught.value.type) == ("model", "invalid_request_error")
            assert "model: anthropic (anthropic) has no embeddings" in str(caught.value)
            return
        told = client.embeddings.create(**asked)
        assert told.usage.prompt_tokens == 3
        assert [each.index for each in told.data] == [0, 1]
        found: list[Any] = [each.embedding for each in told.data]
        if encoding == "base64":  # asked for by name, the client leaves it packed
            found = [struct.unpack("<256f", base64.b64decode(packed)) for packed in found]
        expected = [pytest.approx(vector(text, 256), abs=1e-6) for text in ("one", "two words")]
        assert [list(each) for each in found] == expected

    def test_tokens(self, client: openai.OpenAI, provider: str) -> None:
        """Numbers of tokens mean something only to the vendors that take OpenAI's embeddings themselves."""
        given: Any = {"model": f"{provider}-vectors", "input": [[1, 2], [3]]}
        if provider in OF_OPENAI:
            assert len(client.embeddings.create(**given).data) == 2
            return
        with pytest.raises(openai.BadRequestError) as caught:
            client.embeddings.create(**given)
        assert (caught.value.param, caught.value.type) == ("input", "invalid_request_error")


@pytest.mark.parametrize("provider", PROVIDERS)
class TestResponses:
    def test_unary(self, client: openai.OpenAI, provider: str) -> None:
        response = client.responses.create(model=provider, input="hello gateway", instructions="Be brief.")
        assert response.output_text.endswith(": hello gateway")
        assert response.status == "completed"
        assert response.instructions == "Be brief."
        assert response.model == name_in_answers(provider, WITH_RESPONSES)
        assert response.usage is not None
        assert response.usage.output_tokens > 0

    def test_stream(self, client: openai.OpenAI, provider: str) -> None:
        events = list(client.responses.create(model=provider, input="hello stream", stream=True))
        response = follow(events)
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert text.endswith(": hello stream")
        assert response.output_text == text
        assert response.usage.output_tokens > 0

    def test_stream_helper(self, client: openai.OpenAI, provider: str) -> None:
        with client.responses.stream(model=provider, input="hello helper") as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_response()
        assert {"response.created", "response.output_text.done", "response.completed"} <= kinds
        assert "hello helper" in final.output_text

    def test_parse(self, client: openai.OpenAI, provider: str) -> None:
        response = client.responses.parse(model=provider, input="a city", text_format=City)
        assert isinstance(response.output_parsed, City)

    def test_length(self, client: openai.OpenAI, provider: str) -> None:
        response = client.responses.create(model=provider, input="one two three four", max_output_tokens=3)
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"

    @UNARY_AND_STREAM
    def test_tools_in_two_turns(self, client: openai.OpenAI, provider: str, stream: bool) -> None:
        given = user("get_weather please")
        asked: Any = {"model": provider, "tools": [TOOL_OF_RESPONSES], "store": False}
        if stream:
            first = follow(list(client.responses.create(input=given, stream=True, **asked)))
        else:
            first = client.responses.create(input=given, **asked)
        [call] = [item for item in first.output if item.type == "function_call"]
        assert call.name == "get_weather"
        assert set(json.loads(call.arguments)) == {"city"}
        given += [item.model_dump(mode="json", exclude_unset=True) for item in first.output]
        given.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
        second = client.responses.create(input=given, **asked)
        assert "the tool said sunny" in second.output_text


def ask(client: anthropic.Anthropic, messages: Any, *, stream: bool, asked: Any) -> Any:
    if not stream:
        return client.messages.create(messages=messages, **asked)
    with client.messages.stream(messages=messages, **asked) as events:
        return events.get_final_message()


@pytest.mark.parametrize("provider", PROVIDERS)
class TestMessages:
    def test_unary(self, claude: anthropic.Anthropic, provider: str) -> None:
        message = claude.messages.create(model=provider, max_tokens=200, messages=user("hello gateway"))
        [block] = [block for block in message.content if block.type == "text"]
        assert block.text.endswith(": hello gateway")
        assert message.stop_reason == "end_turn"
        assert message.usage.input_tokens > 0
        assert message.usage.output_tokens > 0
        assert message.model == name_in_answers(provider, {"anthropic"})

    def test_stream(self, claude: anthropic.Anthropic, provider: str) -> None:
        with claude.messages.stream(model=provider, max_tokens=200, messages=user("hello stream")) as stream:
            kinds = [event.type for event in stream]
            message = stream.get_final_message()
        assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
        assert "".join(b.text for b in message.content if b.type == "text").endswith(": hello stream")
        assert message.stop_reason == "end_turn"
        assert message.usage.input_tokens > 0
        assert message.usage.output_tokens > 0

    @UNARY_AND_STREAM
    def test_tools_in_two_turns(self, claude: anthropic.Anthropic, provider: str, stream: bool) -> None:
        asked: Any = {"model": provider, "max_tokens": 300, "tools": [TOOL_OF_ANTHROPIC]}
        must = {**asked, "tool_choice": {"type": "tool", "name": "get_weather"}}
        first = ask(claude, user("weather in Paris"), stream=stream, asked=must)
        [call] = [block for block in first.content if block.type == "tool_use"]
        assert first.stop_reason == "tool_use"
        assert call.name == "get_weather"
        assert isinstance(call.input["city"], str)
        turns = [*user("weather in Paris"), *after(first, [call])]
        second = ask(claude, turns, stream=stream, asked={**asked, "tool_choice": {"type": "none"}})
        assert "18 degrees" in "".join(block.text for block in second.content if block.type == "text")

    def test_system_and_parameters(self, claude: anthropic.Anthropic, provider: str) -> None:
        system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
        message = claude.messages.create(
            model=provider,
            max_tokens=200,
            system=system,
            stop_sequences=["never"],
            metadata={"user_id": "u" * 150},
            messages=[*user("one"), {"role": "assistant", "content": "yes"}, *user("two")],
        )
        assert "two" in "".join(block.text for block in message.content if block.type == "text")

    @UNARY_AND_STREAM
    def test_thinking_and_tools(
        self, claude: anthropic.Anthropic, accounts: Accounts, provider: str, stream: bool
    ) -> None:
        """Two turns; simulators of those that sign refuse a turn whose signatures are missing or changed.

        To the others thinking is an effort, and in OpenAI's chat they tell how much they thought, not what.
        """
        asked: Any = {
            "model": provider,
            "max_tokens": 4000,
            "thinking": {"type": "enabled", "budget_tokens": 2000},
            "tools": [TOOL_OF_ANTHROPIC],
        }
        first = ask(claude, user("call get_weather"), stream=stream, asked=asked)
        assert first.stop_reason == "tool_use"
        thoughts = [block for block in first.content if block.type == "thinking"]
        if provider in SIGNED:
            assert any(thought.thinking for thought in thoughts)
            assert any(thought.signature for thought in thoughts)
        else:
            assert thoughts == []
            assert accounts.requests(provider)[-1]["body"]["reasoning_effort"] == "low"
        calls = [block for block in first.content if block.type == "tool_use"]
        turns = [*user("call get_weather"), *after(first, calls)]
        second = ask(claude, turns, stream=stream, asked=asked)
        assert "18 degrees" in "".join(block.text for block in second.content if block.type == "text")

    def test_count_tokens(self, claude: anthropic.Anthropic, provider: str) -> None:
        if provider == "anthropic":
            counted = claude.messages.count_tokens(model=provider, messages=user("how many are these"))
            assert counted.input_tokens > 0
            return
        with pytest.raises(anthropic.NotFoundError) as raised:
            claude.messages.count_tokens(model=provider, messages=user("hello"))
        body: Any = raised.value.body
        assert body["type"] == "error"
        assert body["error"] == {
            "type": "not_found_error",
            "message": "the provider of this model does not count tokens",
        }


def after(first: Any, calls: list[Any]) -> list[Any]:
    """The turn that called, and one with the calls' results."""
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"} for call in calls]
    return [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
