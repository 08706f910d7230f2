"""Google's official client against the simulator, and each rule that it enforces."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from google import genai
from google.genai import errors, types

from simulator import Simulator
from tests.simulator.known import unknown_fields

MODEL = "gemini-3.6-flash"
WEATHER = {
    "name": "get_weather",
    "parametersJsonSchema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
TOOLS = [{"functionDeclarations": [WEATHER]}]
HI = [{"role": "user", "parts": [{"text": "hi"}]}]


@pytest.fixture
def client(simulator: Simulator, account: str) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=f"{simulator.url}/{account}", api_version="v1beta")
    with genai.Client(api_key="key", http_options=options) as client:
        yield client


class Post:
    """One account's endpoint, asked with JSON."""

    def __init__(self, simulator: Simulator, account: str) -> None:
        self.account = account
        self._url = urlsplit(simulator.url)

    def __call__(
        self, body: Any, *, model: str = MODEL, path: str = "/v1beta", **headers: str
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(str(self._url.hostname), self._url.port, timeout=20)
        given = {"content-type": "application/json", "x-goog-api-key": "key"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        target = f"/{self.account}{path}/models/{model}:generateContent"
        try:
            connection.request("POST", target, json.dumps(body), given)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def post(simulator: Simulator, account: str) -> Post:
    return Post(simulator, account)


def test_answer_names_account_model_and_message(client: genai.Client, account: str) -> None:
    response = client.models.generate_content(model=MODEL, contents="hello there")
    assert response.text == f"Echo from {account}/{MODEL}: hello there"
    assert unknown_fields(response) == []
    [candidate] = response.candidates or []
    assert candidate.finish_reason is types.FinishReason.STOP
    usage: Any = response.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (2, 5, 7)


def test_streamed_and_whole_say_the_same(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True), system_instruction="be brief"
    )
    asked: dict[str, Any] = {"model": MODEL, "contents": "a b c", "config": config}
    whole = client.models.generate_content(**asked)
    chunks = list(client.models.generate_content_stream(**asked))
    parts = [part for chunk in chunks for part in _parts(chunk)]
    assert "".join(part.text or "" for part in parts if not part.thought) == whole.text
    thoughts = [part.text for part in parts if part.thought]
    assert thoughts == [part.text for part in _parts(whole) if part.thought] == ["The user said: a b c"]
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert parts[-1].thought_signature
    assert _parts(whole)[-1].thought_signature
    assert unknown_fields(chunks) == []


def _parts(response: types.GenerateContentResponse) -> list[types.Part]:
    [candidate] = response.candidates or []
    assert candidate.content is not None
    return candidate.content.parts or []


def test_functions(client: genai.Client) -> None:
    """The SDK's own chat sends back what it got, signatures included."""
    config = types.GenerateContentConfig(
        tools=[types.Tool.model_validate(TOOLS[0])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    chat = client.chats.create(model=MODEL, config=config)
    first = chat.send_message("get_weather in Paris")
    [part] = _parts(first)
    assert part.function_call is not None
    assert (part.function_call.name, part.function_call.args) == ("get_weather", {"city": "Paris"})
    assert part.function_call.id
    assert part.thought_signature
    answer = types.Part.from_function_response(name="get_weather", response={"output": "21 degrees"})
    assert "21 degrees" in (chat.send_message(answer).text or "")


def test_structured_output(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    )
    text = client.models.generate_content(model=MODEL, contents="x", config=config).text
    assert json.loads(text or "") == {"a": 1}


def test_several_candidates_log_probabilities_and_sources(post: Post) -> None:
    asked = {
        "contents": HI,
        "generationConfig": {"candidateCount": 2, "responseLogprobs": True, "logprobs": 1},
        "tools": [{"googleSearch": {}}],
    }
    status, answer = post(asked)
    assert status == 200
    assert [candidate["index"] for candidate in answer["candidates"]] == [0, 1]
    types.GenerateContentResponse.model_validate_json(json.dumps(answer))
    first = answer["candidates"][0]
    assert [token["token"] for token in first["logprobsResult"]["chosenCandidates"]][-1] == " hi"
    assert first["groundingMetadata"]["groundingChunks"][0]["web"]["uri"]


def test_a_long_prompt_is_cached_the_second_time(post: Post) -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "word " * 2000}]}]}
    assert "cachedContentTokenCount" not in post(asked)[1]["usageMetadata"]
    assert post(asked)[1]["usageMetadata"]["cachedContentTokenCount"] > 1024


def test_a_stream_without_sse_is_a_list(simulator: Simulator, account: str) -> None:
    post = Post(simulator, account)
    connection = http.client.HTTPConnection(*_address(simulator), timeout=20)
    connection.request(
        "POST",
        f"/{post.account}/v1beta/models/{MODEL}:streamGenerateContent?key=key",
        json.dumps({"contents": HI}),
        {"content-type": "application/json"},
    )
    chunks = json.loads(connection.getresponse().read())
    connection.close()
    assert len(chunks) > 1
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def _address(simulator: Simulator) -> tuple[str, int]:
    url = urlsplit(simulator.url)
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


def test_credentials(simulator: Simulator, account: str, post: Post) -> None:
    simulator.configure(account, api_key="right")
    status, body = post({"contents": HI}, x_goog_api_key="")
    assert (status, body["error"]["status"]) == (403, "PERMISSION_DENIED")
    status, body = post({"contents": HI}, x_goog_api_key="wrong")
    assert (status, body["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    vertex = "/v1/projects/p/locations/l/publishers/google"
    assert post({"contents": HI}, path=vertex)[0] == 401
    assert post({"contents": HI}, path=vertex, authorization="Bearer right")[0] == 200


def test_faults_know_the_model_and_whether_it_is_a_stream(
    simulator: Simulator, account: str, client: genai.Client
) -> None:
    simulator.fault(account=account, match={"model": MODEL, "stream": True}, status=429)
    assert client.models.generate_content(model=MODEL, contents="x").text
    with pytest.raises(errors.ClientError) as raised:
        list(client.models.generate_content_stream(model=MODEL, contents="x"))
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")


def test_a_missing_model(post: Post) -> None:
    status, body = post({"contents": HI}, model="missing-x")
    assert (status, body["error"]["status"]) == (404, "NOT_FOUND")


def call(**more: Any) -> dict[str, Any]:
    return {
        "role": "model",
        "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}} | more],
    }


def answered(name: str = "get_weather") -> dict[str, Any]:
    return {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {"output": "r"}}}]}


EXCUSE = base64.b64encode(b"skip_thought_signature_validator").decode()


def test_signatures_of_the_current_turn_are_demanded(post: Post) -> None:
    status, body = post({"contents": [*HI, call(), answered()]})
    assert (status, "missing a thought_signature" in body["error"]["message"]) == (400, True)
    assert post({"contents": [*HI, call(), answered()]}, model="gemini-2.5-flash")[0] == 200
    assert post({"contents": [*HI, call(), answered(), *HI]})[0] == 200
    assert post({"contents": [*HI, call(thoughtSignature=EXCUSE), answered()]})[0] == 200
    forged = call(thoughtSignature=base64.b64encode(b"x").decode())
    assert "Corrupted" in post({"contents": [*HI, forged, answered()]})[1]["error"]["message"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"contents": []}, "too_short|at least 1"),
    ({"contents": HI, "novelty": 1}, "Unknown name"),
    ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
    ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
    ({"contents": [{"role": "user", "parts": [{"text": "x", "inlineData": {"mimeType": "image/png", "data": "eA=="}}]}]}, "oneof"),
    ({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/gif", "data": "eA=="}}]}]}, "MIME"),
    ({"contents": HI, "generationConfig": {"temperature": 3}}, "temperature"),
    ({"contents": HI, "generationConfig": {"stopSequences": list("abcdef")}}, "stop sequences"),
    ({"contents": HI, "generationConfig": {"logprobs": 1}}, "responseLogprobs"),
    ({"contents": HI, "generationConfig": {"responseJsonSchema": {}}}, "mime type"),
    (
        {"contents": HI, "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {"not": {}}}},
        "Unknown keyword",
    ),
    ({"contents": HI, "generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}}, "only one"),
    ({"contents": HI, "tools": [{"functionDeclarations": [{"name": "1"}]}]}, "function name"),
    ({"contents": HI, "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]}, "Duplicate"),
    ({"contents": HI, "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {}}]}]}, "OBJECT"),
    ({"contents": HI, "tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["get_weather"]}}}, "ANY or VALIDATED"),
    ({"contents": HI, "tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}}, "subset"),
    ({"contents": HI, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "function_declarations"),
    ({"contents": [*HI, call(thoughtSignature=EXCUSE)]}, "followed by"),
    ({"contents": [*HI, call(thoughtSignature=EXCUSE), *HI]}, "number of function response parts"),
    ({"contents": [*HI, answered()]}, "number of function response parts"),
    ({"contents": [call(thoughtSignature=EXCUSE), answered()]}, "immediately after"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), REFUSED)
def test_what_google_refuses(post: Post, body: dict[str, Any], words: str) -> None:
    status, told = post(body)
    assert status == 400, told
    assert any(word in told["error"]["message"] for word in words.split("|")), told


def test_what_vertex_does_not_know(post: Post) -> None:
    asked = {"contents": HI, "tools": TOOLS, "toolConfig": {"includeServerSideToolInvocations": True}}
    assert post(asked)[0] == 200
    vertex = "/v1/projects/p/locations/l/publishers/google"
    assert post(asked, path=vertex, authorization="Bearer key")[0] == 400
    called = call(thoughtSignature=EXCUSE)
    called["parts"][0]["functionCall"]["id"] = "a"
    asked = {"contents": [*HI, called, answered()]}
    assert post(asked)[0] == 200
    status, told = post(asked, path=vertex, authorization="Bearer key")
    assert (status, "Unknown name" in told["error"]["message"]) == (400, True)


def test_levels_are_gemini_3s(post: Post) -> None:
    asked = {"contents": HI, "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}
    assert post(asked, model="gemini-2.5-flash")[0] == 400
