"""The official openai SDK against every provider of OpenAI's format, natively and under another name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from controlplane.catalogue.providers import PROVIDER_TYPES
from simulator import Simulator
from tests.e2e.conftest import Accounts
from tests.e2e.harness import CLIENT_KEY, Gateway, running_gateway

DATED = "dated_azure"
NAMES = [*(name for name, row in PROVIDER_TYPES.items() if row.wire_format == "openai"), DATED]
VERSION = "2024-10-21"
COOL = {"temperature": 0.5}
"""The newest SDK has no such parameter, the API has."""
NEW_LIMIT = {"openai", "azure_openai", DATED, "groq", "xai", "cerebras"}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def provider(accounts: Accounts, name: str) -> str:
    if name == DATED:
        return accounts.provider(name, "azure_openai", api_version=f"'{VERSION}'")
    return accounts.provider(name, name)


@pytest.fixture(scope="module")
def gateway_and_accounts(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Accounts]]:
    directory = tmp_path_factory.mktemp("vendors")
    accounts = Accounts(simulator, directory)
    providers = "\n".join(f"  {name}: {provider(accounts, name)}" for name in NAMES)
    native = "\n".join(f"  native-{name}: {{target: {name}/native-{name}}}" for name in NAMES)
    patterns = "\n".join(f"  {name}/*: {{target: {name}/*}}" for name in NAMES)
    config = f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
{providers}
models:
{native}
{patterns}
  "a-model/%41?*": {{target: "{DATED}/a-model/%41?*"}}
  "a-model/%41?!": {{target: "{DATED}/a-model/%41?!"}}
"""
    with running_gateway(directory, config) as gateway:
        yield gateway, accounts
    accounts.check_credentials()


@pytest.fixture
def client(gateway_and_accounts: tuple[Gateway, Accounts]) -> Iterator[openai.OpenAI]:
    with gateway_and_accounts[0].openai(timeout=30) as client:
        yield client


@pytest.fixture
def accounts(gateway_and_accounts: tuple[Gateway, Accounts]) -> Accounts:
    return gateway_and_accounts[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", ["native-{}", "{}/some-model"], ids=["native", "renamed"])
class TestEachVendor:
    def test_unary(self, client: openai.OpenAI, accounts: Accounts, name: str, way: str) -> None:
        answer = client.chat.completions.create(model=way.format(name), messages=user("hello there"))
        assert "hello there" in (answer.choices[0].message.content or "")
        assert answer.usage is not None
        request = accounts.requests(name)[-1]
        sent = "native-" + name if way.startswith("native") else "some-model"
        assert request["body"]["model"] == sent
        base = PROVIDER_TYPES["azure_openai" if name == DATED else name].default_path
        path = f"/openai/deployments/{sent}" if name == DATED else base
        assert request["path"] == f"/{accounts.full(name)}{path}/chat/completions"
        assert request["query"].removesuffix("&") == (f"api-version={VERSION}" if name == DATED else "")

    def test_stream(self, client: openai.OpenAI, name: str, way: str) -> None:
        with client.chat.completions.stream(model=way.format(name), messages=user("hello stream")) as stream:
            final = stream.get_final_completion()
        assert "hello stream" in (final.choices[0].message.content or "")
        assert final.choices[0].finish_reason == "stop"

    @pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
    def test_tools(self, client: openai.OpenAI, name: str, way: str, stream: bool) -> None:
        asked: Any = {
            "model": way.format(name),
            "messages": user("What is the weather in Paris? Use get_weather."),
            "tools": [WEATHER],
        }
        if stream:
            with client.chat.completions.stream(**asked) as events:
                choice: Any = events.get_final_completion().choices[0]
        else:
            choice = client.chat.completions.create(**asked).choices[0]
        assert choice.finish_reason == "tool_calls"
        [call] = choice.message.tool_calls
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
        answer = client.chat.completions.create(
            model=asked["model"],
            tools=[WEATHER],
            messages=[
                *asked["messages"],
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": call.id,
                            "type": "function",
                            "function": {"name": "get_weather", "arguments": "{}"},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"},
            ],
        )
        assert "21 degrees" in (answer.choices[0].message.content or "")

    def test_errors(self, client: openai.OpenAI, accounts: Accounts, name: str, way: str) -> None:
        accounts.fault(name, status=404, times=1)
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model=way.format(name), messages=user("hello"))


@pytest.fixture
def claude_client(gateway_and_accounts: tuple[Gateway, Accounts]) -> Iterator[anthropic.Anthropic]:
    url = gateway_and_accounts[0].url
    with anthropic.Anthropic(base_url=url, api_key=CLIENT_KEY, max_retries=0, timeout=30) as client:
        yield client


@pytest.mark.parametrize("name", NAMES)
class TestOtherFormat:
    """The gateway writes these bodies itself."""

    def test_the_limit_has_the_vendors_name(
        self, claude_client: anthropic.Anthropic, accounts: Accounts, name: str
    ) -> None:
        answer = claude_client.messages.create(
            model=f"{name}/some-model", max_tokens=50, messages=user("hello there"), extra_body=COOL
        )
        assert "hello there" in "".join(block.text for block in answer.content if block.type == "text")
        body = accounts.requests(name)[-1]["body"]
        limit = "max_completion_tokens" if name in NEW_LIMIT else "max_tokens"
        assert {key: value for key, value in body.items() if key.startswith("max")} == {limit: 50}
        assert body["temperature"] == 0.5

    def test_tools_in_a_stream(self, claude_client: anthropic.Anthropic, name: str) -> None:
        tool: Any = WEATHER["function"]
        with claude_client.messages.stream(
            model=f"{name}/some-model",
            max_tokens=50,
            messages=user("What is the weather in Paris? Use get_weather."),
            tools=[
                {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
            ],
        ) as stream:
            final = stream.get_final_message()
        assert final.stop_reason == "tool_use"
        assert [block.input for block in final.content if block.type == "tool_use"] == [{"city": "Paris"}]


@pytest.mark.parametrize("name", ["openai", "azure_openai", DATED])
@pytest.mark.parametrize("model", ["o3", "gpt-5-mini"])
def test_reasoning_models_get_what_they_take(
    claude_client: anthropic.Anthropic, accounts: Accounts, name: str, model: str
) -> None:
    answer = claude_client.messages.with_raw_response.create(
        model=f"{name}/{model}",
        max_tokens=50,
        messages=user("hello there"),
        extra_body=COOL,
        stop_sequences=["never"],
    )
    assert set(answer.headers["x-llm-gateway-degraded"].split(", ")) == {"temperature", "stop_sequences"}
    assert accounts.requests(name)[-1]["body"].keys() == {"model", "messages", "max_completion_tokens"}


@pytest.mark.parametrize("model", ["a-model/%41?!", "a-model/%41?else"], ids=["native", "ext_proc"])
def test_a_deployments_name_stays_in_its_segment(
    client: openai.OpenAI, accounts: Accounts, model: str
) -> None:
    client.chat.completions.create(model=model, messages=user("hello"))
    path = accounts.requests(DATED)[-1]["path"]
    name = model.replace("%", "%25").replace("/", "%2F").replace("?", "%3F")
    assert path == f"/{accounts.full(DATED)}/openai/deployments/{name.replace('!', '%21')}/chat/completions"


def test_a_clients_own_query_cannot_change_the_version(
    gateway_and_accounts: tuple[Gateway, Accounts], accounts: Accounts
) -> None:
    with gateway_and_accounts[0].openai(timeout=30, default_query={"x": "1"}) as client:
        client.chat.completions.create(model=f"native-{DATED}", messages=user("hello"))
    assert accounts.requests(DATED)[-1]["query"] == f"api-version={VERSION}&?x=1"
