"""Converse as botocore's own client uses it: signed by it, checked by its model, its event streams parsed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import botocore.config
import botocore.session
import pytest
from botocore.exceptions import ClientError, EventStreamError

from simulator import Simulator

KEYS = ("AKIDSIM", "secret/of+the=simulator", "token")
USER = {"role": "user", "content": [{"text": "Hello there"}]}
TOOL = {
    "toolSpec": {
        "name": "get_weather",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    }
}  # fmt: skip


def client_of(url: str, key: str = KEYS[0], secret: str = KEYS[1], token: str | None = KEYS[2]) -> Any:
    session = botocore.session.Session()
    config = botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False)
    return session.create_client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config,
        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
    )  # fmt: skip


@pytest.fixture
def url(simulator: Simulator, account: str) -> str:
    simulator.configure(account, api_key=":".join(KEYS))
    return f"{simulator.url}/{account}/v1"


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with closing(client_of(url)) as client:
        yield client


def ask(client: Any, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return client.converse(modelId="us.amazon.nova-lite-v1:0", messages=list(messages) or [USER], **more)


def told(client: Any, *messages: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = client.converse_stream(modelId="amazon.nova", messages=list(messages) or [USER], **more)
    with closing(answer["stream"]) as stream:
        return list(stream)


def refused(client: Any, *messages: dict[str, Any], **more: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as error:
        ask(client, *messages, **more)
    response = error.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


def test_an_answer(client: Any) -> None:
    answer = ask(client)
    assert answer["output"]["message"]["role"] == "assistant"
    assert "Hello there" in answer["output"]["message"]["content"][0]["text"]
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 0


def test_a_stream(client: Any) -> None:
    events = told(client)
    kinds = [next(iter(event)) for event in events]
    assert [kinds[0], *kinds[-3:]] == ["messageStart", "contentBlockStop", "messageStop", "metadata"]
    said = "".join(
        event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event
    )
    assert said == ask(client)["output"]["message"]["content"][0]["text"].replace("us.amazon.nova-lite-v1:0", "amazon.nova")  # fmt: skip


def test_tools_there_and_back(client: Any) -> None:
    config = {"tools": [TOOL], "toolChoice": {"any": {}}}
    answer = ask(client, toolConfig=config)
    assert answer["stopReason"] == "tool_use"
    [use] = [block["toolUse"] for block in answer["output"]["message"]["content"]]
    events = told(client, toolConfig=config)
    pieces = [e["contentBlockDelta"]["delta"]["toolUse"]["input"] for e in events if "contentBlockDelta" in e]
    assert json.loads("".join(pieces)) == use["input"]
    result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": "rain"}]}}
    final = ask(
        client,
        USER,
        answer["output"]["message"],
        {"role": "user", "content": [result]},
        toolConfig={"tools": [TOOL]},
    )
    assert "rain" in final["output"]["message"]["content"][0]["text"]


@pytest.mark.parametrize("directive", ["", " [sim:redact]"])
def test_reasoning_comes_back_signed_and_must_not_change(client: Any, directive: str) -> None:
    asked = {"role": "user", "content": [{"text": f"think{directive}"}]}
    thinking = {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}
    message = ask(client, asked, **thinking)["output"]["message"]
    ask(client, asked, message, USER, **thinking)
    thought = message["content"][0]["reasoningContent"]
    if directive:
        thought["redactedContent"] = b"other"
    else:
        thought["reasoningText"]["text"] += "!"
    assert refused(client, asked, message, USER, **thinking)[:2] == (400, "ValidationException")
    kinds = [
        event["contentBlockDelta"]["delta"]
        for event in told(client, asked, **thinking)
        if "contentBlockDelta" in event
    ]
    assert any("reasoningContent" in delta for delta in kinds)


def test_limits_stops_and_formats(client: Any) -> None:
    assert ask(client, inferenceConfig={"maxTokens": 2})["stopReason"] == "max_tokens"
    stopped = ask(
        client,
        inferenceConfig={"stopSequences": ["there"]},
        additionalModelResponseFieldPaths=["/stop_sequence"],
    )
    assert (stopped["stopReason"], stopped["additionalModelResponseFields"]) == (
        "stop_sequence",
        {"stop_sequence": "there"},
    )
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}
    answer = ask(client, outputConfig={"textFormat": form})
    assert set(json.loads(answer["output"]["message"]["content"][0]["text"])) == {"a"}


def test_prompts_are_cached(client: Any) -> None:
    system = [{"text": "long " * 50}, {"cachePoint": {"type": "default"}}]
    written, read = (ask(client, system=system)["usage"] for _ in range(2))
    assert written["cacheWriteInputTokens"] == read["cacheReadInputTokens"] > 0
    assert written["totalTokens"] == read["totalTokens"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "must start with a user message"),
        ({"messages": [USER, USER]}, "must alternate"),
        ({"messages": [{"role": "user", "content": [{"text": " "}]}]}, "is blank"),
        ({"messages": [{"role": "user", "content": []}]}, "is empty"),
        ({"messages": [{"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": []}}]}]}, "exceeds the number of toolUse"),
        ({"inferenceConfig": {"temperature": 1.5}}, "temperature"),
        ({"inferenceConfig": {"maxTokens": 0}}, "maxTokens"),
        ({"toolConfig": {"tools": []}}, "tools"),
        ({"toolConfig": {"tools": [TOOL], "toolChoice": {"auto": {}, "any": {}}}}, "toolChoice"),
        ({"toolConfig": {"tools": [TOOL], "toolChoice": {"tool": {"name": "f"}}}}, "not in tools"),
        ({"modelId": "missing-1"}, "model identifier is invalid"),
        ({"serviceTier": {"type": "cheap"}}, "enum value set"),
        ({"requestMetadata": {"a": "ä"}}, "regular expression"),
    ],
)  # fmt: skip
def test_what_bedrock_would_refuse(client: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as error:
        client.converse(**{"modelId": "m", "messages": [USER], **more})
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert message in error.value.response["Error"]["Message"]


def test_signatures(url: str) -> None:
    invalid, unknown = "InvalidSignatureException", "UnrecognizedClientException"
    for keys, kind in (
        ({}, None),
        ({"secret": "wrong"}, invalid),
        ({"key": "AKIDOTHER"}, unknown),
        ({"token": None}, unknown),
    ):
        with closing(client_of(url, **keys)) as client:
            if kind is None:
                ask(client)
            else:
                assert refused(client)[:2] == (403, kind)
    body = json.dumps({"messages": [USER]}).encode()
    for headers, kind in (
        ({}, "MissingAuthenticationTokenException"),
        ({"authorization": "Bearer other"}, "AccessDeniedException"),
        (signed("content-type;x-amz-date"), "InvalidSignatureException"),
        (signed("host;x-amz-date", service="s3"), "InvalidSignatureException"),
        (signed("host;x-amz-date") | {"x-amz-content-sha256": "0"}, "InvalidSignatureException"),
    ):
        assert post(f"{url}/model/m/converse", body, headers) == (403, kind)


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """The status, and the kind of error."""
    asked = urllib.request.Request(url, body, headers | {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["x-amzn-errortype"].partition(":")[0]


def signed(headers: str, service: str = "bedrock") -> dict[str, str]:
    scope = f"AKIDSIM/20250101/us-east-1/{service}/aws4_request"
    return {
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={'0' * 64}"
    }


def test_an_api_key(simulator: Simulator, account: str) -> None:
    simulator.configure(account, api_key="bedrock-api-key-1")
    url = f"{simulator.url}/{account}/v1/model/arn%3Aaws%3Abedrock/converse"
    headers = {"authorization": "Bearer bedrock-api-key-1"}
    assert post(url, json.dumps({"messages": [USER]}).encode(), headers) == (200, "")


def test_faults(simulator: Simulator, account: str, client: Any) -> None:
    simulator.fault(account=account, status=429, times=1, match={"model": "us.amazon.nova-lite-v1:0"})
    assert refused(client)[:2] == (429, "ThrottlingException")
    simulator.fault(
        account=account,
        error_after_events=2,
        error_type="throttlingException",
        times=1,
        match={"stream": True},
    )
    with pytest.raises(EventStreamError, match="throttlingException"):
        told(client)
    simulator.fault(account=account, error_after_events=0, times=1)
    with pytest.raises(EventStreamError, match="serviceUnavailableException"):
        told(client)


def test_unknown_members(simulator: Simulator, account: str) -> None:
    url = f"{simulator.url}/{account}/v1/model/m/converse"
    headers = {"authorization": "Bearer any"}
    for more in ({"temperature": 1}, {"inferenceConfig": {"topK": 1}}, {"messages": [{**USER, "name": "x"}]}):
        body = json.dumps({"messages": [USER]} | more).encode()
        assert post(url, body, headers) == (400, "ValidationException")
    assert post(url, b"{", headers) == (400, "ValidationException")
