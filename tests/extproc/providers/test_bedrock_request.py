"""Chat completion requests becoming Converse's; every request sent here is valid by AWS's own model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.dialects import DIALECTS
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers import WIRE_FORMATS
from tests.extproc.providers.converse import (
    B64,
    EPHEMERAL,
    NOVA,
    OLD,
    SONNET,
    TARGET,
    USER,
    body,
    calls,
    send,
    tool,
    turns,
)

LLAMA = "us.meta.llama4-scout-17b-instruct-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
NOVA2 = "us.amazon.nova-2-lite-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
SCHEMA = {
    "type": "object",
    "properties": {"b": {"type": "string"}, "a": {"type": "integer"}},
    "required": ["b", "a"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url} | more}


def file(kind: str, name: str | None = None) -> dict[str, Any]:
    return {
        "type": "file",
        "file": {"file_data": f"data:{kind};base64,{B64}"} | ({"filename": name} if name else {}),
    }


def test_paths_and_headers() -> None:
    sent = send("anthropic.claude-3-haiku-20240307-v1:0")
    assert sent.path == "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"
    assert dict(sent.headers) == {"content-type": "application/json", "accept": "application/json"}
    streamed = send(PROFILE, stream=True)
    assert streamed.path == (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/converse-stream"
    )
    assert dict(streamed.headers)["accept"] == "application/vnd.amazon.eventstream"
    assert "stream" not in json.loads(streamed.body)


def test_system_messages_from_anywhere() -> None:
    sent = body(
        messages=[
            {"role": "system", "content": "a"},
            USER,
            {
                "role": "developer",
                "content": [
                    {"type": "text", "text": "b", "cache_control": EPHEMERAL},
                    {"type": "text", "text": " "},
                ],
            },
        ]
    )
    assert sent["system"] == [{"text": "a"}, {"text": "b"}, {"cachePoint": {"type": "default"}}]
    assert sent["messages"] == [{"role": "user", "content": [{"text": "hi"}]}]
    assert body(messages=[{"role": "system", "content": "only"}])["messages"] == [
        {"role": "user", "content": [{"text": "only"}]}
    ]


def test_models_without_system_prompts_hear_it_from_the_user() -> None:
    messages = [{"role": "system", "content": "a"}, USER]
    sent = body("amazon.titan-text-lite-v1", messages=messages, response_format={"type": "json_object"})
    assert "system" not in sent
    assert [block["text"] for block in sent["messages"][0]["content"]][1:] == ["a", "hi"]
    begun = body(
        "amazon.titan-text-lite-v1",
        messages=[{"role": "system", "content": "a"}, {"role": "assistant", "content": "b"}],
    )
    assert [turn["role"] for turn in begun["messages"]] == ["user", "assistant"]


def test_turns_alternate() -> None:
    told = turns(
        {"role": "assistant", "content": "first"},
        {"role": "assistant", "content": "", "refusal": "no"},
        USER,
        {"role": "user", "content": ""},
        USER,
        {"role": "assistant", "content": "end  "},
    )
    assert told == [
        {"role": "user", "content": [{"text": "."}]},
        {"role": "assistant", "content": [{"text": "first"}, {"text": "no"}]},
        {"role": "user", "content": [{"text": "hi"}, {"text": "hi"}]},
        {"role": "assistant", "content": [{"text": "end"}]},
    ]
    with pytest.raises(RequestError, match="at least one that is not empty"):
        send(messages=[{"role": "user", "content": " "}])


def test_media() -> None:
    [turn] = turns(
        user(
            {"type": "text", "text": "look", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            image(f"data:image/jpg;base64,{B64}"),
            image("s3://bucket/a.webp"),
            file("application/pdf", "Q3 report_v2!.pdf"),
            file("application/pdf", "Q3 report?v2.pdf"),
            file("text/plain", "table.csv"),
            file("video/mp4"),
            file("image/png"),
            {"type": "input_audio", "input_audio": {"data": B64, "format": "mp3"}},
            {"type": "video_url", "video_url": {"url": f"data:video/quicktime;base64,{B64}"}},
            {"type": "video_url", "video_url": {"url": "s3://bucket/b.webm"}},
            {"type": "guardContent", "guardContent": {"text": {"text": "guard me"}}},
        )
    )
    of = {"bytes": B64}
    assert turn["content"] == [
        {"text": "look"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"image": {"format": "jpeg", "source": of}},
        {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/a.webp"}}}},
        {"document": {"format": "pdf", "name": "Q3 report v2", "source": of}},
        {"document": {"format": "pdf", "name": "Q3 report v2 2", "source": of}},
        {"document": {"format": "csv", "name": "table", "source": of}},
        {"video": {"format": "mp4", "source": of}},
        {"image": {"format": "png", "source": of}},
        {"audio": {"format": "mp3", "source": of}},
        {"video": {"format": "mov", "source": of}},
        {"video": {"format": "webm", "source": {"s3Location": {"uri": "s3://bucket/b.webm"}}}},
        {"guardContent": {"text": {"text": "guard me"}}},
    ]


def test_a_document_has_words_beside_it() -> None:
    [turn] = turns(user(file("application/pdf")))
    assert turn["content"][1:] == [{"text": "."}]
    assert turn["content"][0]["document"]["name"] == "document"


@pytest.mark.parametrize(
    ("part", "kind", "words"),
    [
        (image("https://example.com/a.png"), UnsupportedFieldError, "content by URL"),
        (image(f"data:image/tiff;base64,{B64}"), UnsupportedFieldError, "an image of type 'image/tiff'"),
        (image("data:image/png;base64,"), RequestError, "has no data"),
        ({"type": "file", "file": {"file_id": "file-1"}}, UnsupportedFieldError, "a file by its id"),
        (file("application/zip"), UnsupportedFieldError, "a file of type 'application/zip'"),
        ({"type": "file", "file": {"file_data": "https://x/a.pdf"}}, UnsupportedFieldError, "content by URL"),
        ({"type": "input_audio", "input_audio": {"data": B64, "format": "au"}}, UnsupportedFieldError, "audio of format 'au'"),
        ({"type": "video_url", "video_url": {"url": "https://x/a.mp4"}}, UnsupportedFieldError, "content by URL"),
        ({"type": "tool_result"}, UnsupportedFieldError, "content of type 'tool_result'"),
        ({"type": "searchResult"}, RequestError, "searchResult: required field is missing"),
    ],
)  # fmt: skip
def test_content_that_converse_cannot_take(
    part: dict[str, Any], kind: type[RequestError], words: str
) -> None:
    with pytest.raises(kind, match=words) as error:
        send(messages=[user({"type": "text", "text": "a"}, part)])
    assert error.value.param is not None
    assert error.value.param.startswith("messages[0].content[1]")


def test_calls_and_results() -> None:
    told = turns(
        USER,
        {"role": "assistant", "content": "let me see", "tool_calls": [calls("call_1", arguments='{"n": 1.0}'), calls("ö", arguments="[1]"), calls("c" * 80, arguments="")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
        {"role": "tool", "tool_call_id": "ö", "content": [{"type": "text", "text": "two"}, image(f"data:image/png;base64,{B64}")], "is_error": True},
        {"role": "tool", "tool_call_id": "c" * 80, "content": "", "cache_control": EPHEMERAL},
        USER,
    )  # fmt: skip
    uses = [block["toolUse"] for block in told[1]["content"][1:]]
    assert [use["input"] for use in uses] == [{"n": 1.0}, {"INVALID_JSON": "[1]"}, {}]
    ids = [use["toolUseId"] for use in uses]
    assert ids[0] == "call_1"
    assert all(len(one) <= 64 for one in ids)
    assert told[2]["content"] == [
        {"toolResult": {"toolUseId": ids[0], "content": [{"text": "one"}]}},
        {"toolResult": {"toolUseId": ids[1], "content": [{"text": "two"}, {"image": {"format": "png", "source": {"bytes": B64}}}], "status": "error"}},
        {"toolResult": {"toolUseId": ids[2], "content": []}},
        {"cachePoint": {"type": "default"}},
        {"text": "hi"},
    ]  # fmt: skip
    audio = {"type": "input_audio", "input_audio": {"data": B64, "format": "wav"}}
    with pytest.raises(UnsupportedFieldError, match="audio in a result"):
        send(
            messages=[
                USER,
                {"role": "assistant", "content": None, "tool_calls": [calls("a")]},
                {"role": "tool", "tool_call_id": "a", "content": [audio]},
            ]
        )


HISTORY = [
    USER,
    {"role": "assistant", "content": None, "tool_calls": [calls("a", "g")]},
    {"role": "tool", "tool_call_id": "a", "content": "x"},
]


def test_calls_in_the_history_need_tools() -> None:
    sent = send(messages=HISTORY)
    spec = {"name": "g", "inputSchema": {"json": {"type": "object", "properties": {}}}}
    assert json.loads(sent.body)["toolConfig"] == {"tools": [{"toolSpec": spec}]}
    assert sent.unsupported == ("tools",)
    kept = send(messages=HISTORY, tools=[tool("g")], tool_choice="none")
    assert kept.unsupported == ("tool_choice",)
    assert "toolConfig" not in body(tools=[tool()], tool_choice="none")


def test_tools() -> None:
    sent = send(
        tools=[
            tool(description="d", parameters={"properties": {"z": {}, "a": {}}}, strict=True) | {"cache_control": EPHEMERAL},
            tool("g", description="", parameters={"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}}, strict=True),
            {"type": "systemTool", "systemTool": {"name": "nova_grounding"}},
        ]
    )  # fmt: skip
    first, mark, second, third = json.loads(sent.body)["toolConfig"]["tools"]
    assert list(first["toolSpec"]["inputSchema"]["json"]["properties"]) == ["z", "a"]
    assert first["toolSpec"]["strict"] is True
    assert mark == {"cachePoint": {"type": "default"}}
    assert "description" not in second["toolSpec"]
    assert third == {"systemTool": {"name": "nova_grounding"}}
    assert sent.unsupported == ("tools[1].function.parameters",)
    assert send(NOVA, tools=[tool(strict=True) | {"cache_control": EPHEMERAL}]).unsupported == (
        "tools.cache_control",
        "tools[0].function.strict",
    )


@pytest.mark.parametrize(
    ("model", "choice", "written", "names", "unsupported"),
    [
        (SONNET, "auto", None, ["f", "g"], ()),
        (SONNET, "required", {"any": {}}, ["f", "g"], ()),
        (SONNET, {"type": "function", "function": {"name": "g"}}, {"tool": {"name": "g"}}, ["f", "g"], ()),
        ("mistral.mistral-large-2407-v1:0", {"type": "function", "function": {"name": "g"}}, {"any": {}}, ["g"], ()),
        (LLAMA, "required", None, ["f", "g"], ("tool_choice",)),
        (LLAMA, {"type": "function", "function": {"name": "g"}}, None, ["g"], ("tool_choice",)),
        (PROFILE, "required", {"any": {}}, ["f", "g"], ()),
        (SONNET, {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}, {"any": {}}, ["f"], ()),
    ],
)  # fmt: skip
def test_choices(
    model: str, choice: Any, written: Any, names: list[str], unsupported: tuple[str, ...]
) -> None:
    sent = send(model, tools=[tool(), tool("g")], tool_choice=choice)
    config = json.loads(sent.body)["toolConfig"]
    assert (config.get("toolChoice"), sent.unsupported) == (written, unsupported)
    assert [one["toolSpec"]["name"] for one in config["tools"]] == names


def test_tools_that_cannot_be() -> None:
    for fields, words in (
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "no custom tools"),
        ({"tools": [{"type": "web_search"}]}, "no tool of type 'web_search'"),
        ({"tools": [{"type": "systemTool"}]}, "required field is missing"),
        ({"tools": [tool("gateway_json_response")]}, "the gateway's own"),
        ({"tool_choice": "required"}, "no such tool"),
    ):
        with pytest.raises(RequestError, match=words):
            send(**fields)


def test_one_call_at_a_time() -> None:
    sent = send(tools=[tool()], parallel_tool_calls=False)
    assert json.loads(sent.body)["additionalModelRequestFields"] == {
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}
    }
    assert sent.unsupported == ()
    assert send(NOVA, tools=[tool()], parallel_tool_calls=False).unsupported == ("parallel_tool_calls",)
    assert send(tools=[tool()], parallel_tool_calls=False, tool_choice="required").unsupported == (
        "parallel_tool_calls",
    )
    assert send(NOVA, functions=[{"name": "f"}]).unsupported == ("functions",)


def test_sampling_and_limits() -> None:
    sent = send(OLD, temperature=1.5, top_p=0.5, max_tokens=7, stop=["a", " ", "b"], top_k=3)
    told = json.loads(sent.body)
    assert told["inferenceConfig"] == {
        "maxTokens": 7,
        "temperature": 1.0,
        "topP": 0.5,
        "stopSequences": ["a", "b"],
    }
    assert told["additionalModelRequestFields"] == {"top_k": 3}
    assert told["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert sent.unsupported == ("temperature", "stop")
    assert send(SONNET, temperature=0.5, top_p=0.5).unsupported == ("top_p",)
    nova = send(NOVA, top_k=3, stop=["1", "2", "3", "4", "5"], seed=1)
    assert json.loads(nova.body)["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 3}}
    assert nova.unsupported == ("stop", "seed")
    assert send(LLAMA, top_k=3, temperature=0, user="u").unsupported == ("top_k", "user")
    assert body(LLAMA, temperature=0)["inferenceConfig"] == {"temperature": 0}
    assert "inferenceConfig" not in body()


def test_reasoning_of_claude() -> None:
    sent = body(reasoning_effort="low", temperature=1, top_k=5)
    assert sent["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 2048}}
    assert sent["inferenceConfig"]["maxTokens"] > 2048
    adaptive = body("us.anthropic.claude-opus-4-6-v1", reasoning_effort="high")
    assert adaptive["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert adaptive["outputConfig"] == {"effort": "high"}
    native = body(
        thinking={"type": "enabled", "budget_tokens": 4000},
        betas=["interleaved-thinking-2025-05-14"],
        output_config={"effort": "low"},
    )
    assert native["additionalModelRequestFields"] == {
        "thinking": {"type": "enabled", "budget_tokens": 4000},
        "anthropic_beta": ["interleaved-thinking-2025-05-14"],
    }
    assert native["outputConfig"] == {"effort": "low"}
    assert send(OLD, reasoning_effort="low").unsupported == ("reasoning_effort",)
    with pytest.raises(RequestError, match="unknown level"):
        send(NOVA, reasoning_effort="colossal")


def test_reasoning_of_others() -> None:
    assert body(NOVA2, reasoning_effort="medium")["additionalModelRequestFields"] == {
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}
    }
    high = send(NOVA2, reasoning_effort="max", temperature=0.5, max_completion_tokens=9)
    assert "inferenceConfig" not in json.loads(high.body)
    assert set(high.unsupported) == {"reasoning_effort", "max_completion_tokens", "temperature"}
    assert body(GPT, reasoning_effort="high")["additionalModelRequestFields"] == {"reasoning_effort": "high"}
    assert send(GPT, reasoning_effort="none").unsupported == ("reasoning_effort",)
    assert send(NOVA, reasoning_effort="none").unsupported == ()
    assert send(LLAMA, reasoning_effort="low").unsupported == ("reasoning_effort",)
    assert send(NOVA, thinking={"type": "enabled"}).unsupported == ("thinking",)


def test_reasoning_goes_back() -> None:
    thought = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": B64},
        {"type": "thinking", "thinking": "other's"},
    ]
    history = [USER, {"role": "assistant", "content": "a", "thinking_blocks": thought}, USER]
    assert turns(*history)[1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": B64}},
        {"text": "a"},
    ]
    assert turns(*history, model=NOVA)[1]["content"] == [{"text": "a"}]


def test_own_blocks_go_back() -> None:
    blocks = [
        {
            "index": 0,
            "toolUse": {
                "toolUseId": "t",
                "name": "nova_code_interpreter",
                "input": {},
                "type": "server_tool_use",
            },
        },
        {"toolResult": {"toolUseId": "t", "content": []}},
    ]
    told = turns(USER, {"role": "assistant", "content": "ignored", "bedrock_content": blocks}, USER)
    assert told[1]["content"] == [{"toolUse": blocks[0]["toolUse"]}, blocks[1]]


def test_structured_output() -> None:
    sent = body(response_format=FORMAT)
    form = sent["outputConfig"]["textFormat"]
    assert form["type"] == "json_schema"
    schema = json.loads(form["structure"]["jsonSchema"]["schema"])
    assert list(schema["properties"]) == ["b", "a"]
    assert form["structure"]["jsonSchema"]["name"] == "answer"
    strict = {
        "type": "json_schema",
        "json_schema": {
            "name": "n",
            "description": "d",
            "schema": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}},
        },
    }
    assert send(response_format=strict).unsupported == ("response_format.json_schema.schema",)
    assert send("qwen.qwen3-32b-v1:0", response_format=strict).unsupported == ()


def test_an_answer_as_a_tool() -> None:
    sent = body(OLD, response_format=FORMAT)["toolConfig"]
    assert sent["toolChoice"] == {"tool": {"name": "gateway_json_response"}}
    assert sent["tools"][0]["toolSpec"]["inputSchema"]["json"] == SCHEMA
    both = body(OLD, response_format={"type": "json_object"}, tools=[tool()])["toolConfig"]
    assert both["toolChoice"] == {"any": {}}
    assert [one["toolSpec"]["name"] for one in both["tools"]] == ["f", "gateway_json_response"]
    forced = body(OLD, response_format=FORMAT, tools=[tool()], tool_choice="required")["toolConfig"]
    assert [one["toolSpec"]["name"] for one in forced["tools"]] == ["f"]


@pytest.mark.parametrize(
    ("model", "form"),
    [
        (LLAMA, FORMAT),
        (SONNET, {"type": "json_object"}),
        (OLD, {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}}),
    ],
)
def test_a_format_in_words(model: str, form: dict[str, Any]) -> None:
    sent = send(model, response_format=form)
    assert sent.unsupported == ("response_format",)
    [words] = json.loads(sent.body)["system"]
    assert "JSON" in words["text"]


def test_fields_of_bedrocks_own() -> None:
    more: dict[str, Any] = {
        "performanceConfig": {"latency": "optimized"},
        "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"},
        "additionalModelRequestFields": {"top_k": 1},
        "additionalModelResponseFieldPaths": ["/x"],
    }
    sent = send(OLD, metadata={"team": "a", "ümlaut": "b"}, service_tier="flex", top_k=5, unknown=1, **more)
    told = json.loads(sent.body)
    assert {name: told[name] for name in more} == more
    assert told["requestMetadata"] == {"team": "a"}
    assert told["serviceTier"] == {"type": "flex"}
    assert sent.unsupported == ("metadata", "unknown")
    assert "serviceTier" not in body(service_tier="auto")
    assert send(service_tier="scale").unsupported == ("service_tier",)
    assert body(serviceTier={"type": "reserved"})["serviceTier"] == {"type": "reserved"}
    assert send(requestMetadata={"a": "b"}, metadata={"c": "d"}).unsupported == ("metadata",)
    assert body(outputConfig={"effort": "low"})["outputConfig"] == {"effort": "low"}


def test_marks_where_there_is_no_cache() -> None:
    marked = [
        {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]},
        USER,
    ]
    assert send(LLAMA, messages=marked).unsupported == ("messages.content.cache_control",)
    assert body(NOVA, messages=marked)["system"][1] == {"cachePoint": {"type": "default"}}


def test_names_and_details_are_told() -> None:
    picture = user({"type": "text", "text": "a"}, image(f"data:image/png;base64,{B64}", detail="low")) | {
        "name": "n"
    }
    assert send(messages=[picture]).unsupported == ("messages.content.image_url.detail", "messages.name")


def test_audio_of_an_answer_is_lost_to_no_one() -> None:
    request = DIALECTS["openai_chat"].read_request(
        json.dumps({"model": "m", "messages": [USER, {"role": "assistant", "audio": {"id": "a"}}]}).encode()
    )
    with pytest.raises(UnsupportedFieldError, match=r"messages\[1\].audio"):
        WIRE_FORMATS["bedrock"].write_request(request, TARGET, SONNET)
