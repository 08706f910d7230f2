"""Any valid request of the Responses API becomes a valid request of every provider, or a clean 400."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from pydantic import TypeAdapter

from extproc.chat.model import Thinking
from extproc.chat.places import client_place, in_client_words
from extproc.contract.target import Target
from extproc.dialects.openai_responses.sealed import seal
from extproc.errors import RequestError
from extproc.providers import WIRE_FORMATS
from tests.extproc.dialects.responses_client import DIALECT
from tests.extproc.providers import anthropic_types, claude, converse, gemini, google_types
from tests.extproc.providers.test_corpus import B64, IDS, NAMES, OBJECTS, URLS, WORDS, maybe, typed

OFFICIAL: TypeAdapter[Any] = TypeAdapter(response_create_params.ResponseCreateParams)
CHAT: TypeAdapter[Any] = TypeAdapter(completion_create_params.CompletionCreateParams)
OPENAI = Target(leaf="l", provider="p", type="vllm", wire_format="openai", base_path="/v1")


def check_openai(body: dict[str, Any], _: bool) -> None:
    CHAT.validate_python(body)


def check_google(body: dict[str, Any], _: bool) -> None:
    google_types.check(body)


def check_anthropic(body: dict[str, Any], _: bool) -> None:
    anthropic_types.check(body)


def check_bedrock(body: dict[str, Any], stream: bool) -> None:
    converse.check(body, stream=stream)


PROVIDERS: dict[str, tuple[Target, list[str], Callable[[dict[str, Any], bool], None]]] = {
    "openai": (OPENAI, ["gpt-4o", "gpt-5", "tiny"], check_openai),
    "anthropic": (claude.TARGET, ["claude-sonnet-4-5", "claude-3-5-haiku-latest", "tiny"], check_anthropic),
    "google": (gemini.TARGET, [gemini.FLASH, gemini.OLD], check_google),
    "bedrock": (converse.TARGET, [converse.SONNET, converse.OLD, converse.NOVA], check_bedrock),
}

TEXT = st.builds(
    dict.__or__,
    typed("input_text", text=WORDS),
    st.sampled_from([{}, {"prompt_cache_breakpoint": {"mode": "explicit"}}]),
)
PARTS = st.one_of(
    TEXT,
    st.builds(
        lambda url, detail: {"type": "input_image", "image_url": url, "detail": detail},
        URLS,
        st.sampled_from(["auto", "low"]),
    ),
    st.sampled_from(
        [
            {"type": "input_image", "file_id": "file-1", "detail": "auto"},
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"},
            {"type": "input_file", "file_data": B64, "filename": "a.exe"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_file", "file_id": "file-1"},
        ]
    ),
)
ARGUMENTS = st.sampled_from(["{}", '{"a": [1, 2.0]}', "", "not json", "[1]", '{"a": '])
OUTPUTS = WORDS | st.lists(PARTS, min_size=1, max_size=2)
SEALS = st.sampled_from(
    [
        {},
        {"encrypted_content": "gAAAAABo"},
        {"encrypted_content": None},
        {"encrypted_content": seal(Thinking(text="t", signature="c2ln"))},
        {"encrypted_content": seal(Thinking(text="t", signature="google:c2ln"))},
        {"encrypted_content": seal(Thinking(redacted="c2ln"))},
    ]
)
ITEMS = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "system", "developer"]),
            "content": WORDS | st.lists(TEXT, min_size=1, max_size=2),
        },
        optional={"type": st.just("message")},
    ),
    st.fixed_dictionaries({"role": st.just("user"), "content": st.lists(PARTS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": WORDS}),
    typed(
        "message",
        id=st.just("msg_1"),
        role=st.just("assistant"),
        status=st.just("completed"),
        content=st.lists(
            typed("output_text", text=WORDS, annotations=st.just([])) | typed("refusal", refusal=WORDS),
            min_size=1,
            max_size=2,
        ),
    ),
    typed("function_call", call_id=IDS, name=NAMES, arguments=ARGUMENTS),
    typed("custom_tool_call", call_id=IDS, name=st.just("sql"), input=WORDS),
    typed("function_call_output", call_id=IDS, output=OUTPUTS),
    typed("custom_tool_call_output", call_id=IDS, output=OUTPUTS),
    st.builds(
        dict.__or__,
        typed(
            "reasoning",
            id=st.just("rs_1"),
            summary=st.lists(typed("summary_text", text=WORDS), max_size=2),
        ),
        SEALS,
    ),
    st.sampled_from(
        [
            {"type": "item_reference", "id": "msg_1"},
            {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "open_page"}},
        ]
    ),
)
TOOLS = st.one_of(
    st.builds(
        dict.__or__,
        typed("function", name=NAMES, parameters=OBJECTS | st.none(), strict=st.booleans() | st.none()),
        maybe({"description": WORDS}),
    ),
    st.sampled_from(
        [
            {"type": "custom", "name": "sql", "description": "SQL"},
            {"type": "custom", "name": "sql", "format": {"type": "grammar", "syntax": "regex", "definition": "x"}},
            {"type": "web_search", "search_context_size": "low", "user_location": {"city": "Bonn"}},
            {"type": "web_search_preview"},
            {"type": "file_search", "vector_store_ids": ["v"]},
        ]
    ),
)  # fmt: skip
CHOICES = st.one_of(
    st.sampled_from(
        ["auto", "none", "required", {"type": "web_search_preview"}, {"type": "custom", "name": "sql"}]
    ),
    st.builds(lambda name: {"type": "function", "name": name}, NAMES),
    st.builds(
        lambda mode, name: {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": name}]},
        st.sampled_from(["auto", "required"]),
        NAMES,
    ),
)  # fmt: skip
FORMATS = st.one_of(
    st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
    st.builds(
        lambda schema, strict: {"type": "json_schema", "name": "n", "schema": schema, "strict": strict},
        OBJECTS,
        st.booleans(),
    ),
)
REQUESTS = st.builds(
    dict.__or__,
    st.fixed_dictionaries({"model": st.just("m"), "input": WORDS | st.lists(ITEMS, min_size=1, max_size=6)}),
    maybe(
        {
            "instructions": WORDS,
            "stream": st.booleans(),
            "max_output_tokens": st.integers(1, 100_000),
            "max_tool_calls": st.integers(1, 3),
            "temperature": st.floats(0, 2),
            "top_p": st.floats(0, 1),
            "top_logprobs": st.integers(0, 20),
            "tools": st.lists(TOOLS, min_size=1, max_size=3),
            "tool_choice": CHOICES,
            "parallel_tool_calls": st.booleans(),
            "text": maybe({"format": FORMATS, "verbosity": st.sampled_from(["low", "medium", "high"])}),
            "reasoning": maybe(
                {
                    "effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
                    "summary": st.just("auto"),
                    "mode": st.sampled_from(["standard", "pro"]),
                }
            ),
            "include": st.lists(
                st.sampled_from(
                    [
                        "reasoning.encrypted_content",
                        "message.output_text.logprobs",
                        "file_search_call.results",
                    ]
                ),
                max_size=2,
            ),
            "service_tier": st.sampled_from(["auto", "default", "flex", "priority"]),
            "store": st.booleans(),
            "truncation": st.sampled_from(["auto", "disabled"]),
            "background": st.just(False),
            "previous_response_id": st.just("resp_1"),
            "user": WORDS,
            "safety_identifier": WORDS,
            "metadata": st.dictionaries(st.sampled_from(["user_id", "k"]), WORDS, max_size=2),
            "prompt_cache_key": WORDS,
        }
    ),
)


@pytest.mark.parametrize("name", PROVIDERS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REQUESTS, st.data())
def test_any_request(name: str, asked: dict[str, Any], data: st.DataObject) -> None:
    OFFICIAL.validate_python(asked)
    target, models, check = PROVIDERS[name]
    model = data.draw(st.sampled_from(models))
    places: dict[str, str] = {}
    refused = None
    try:
        request = DIALECT.read_request(json.dumps(asked).encode())
        places = request.places or {}
        sent = WIRE_FORMATS[name].write_request(request, target, model)  # type: ignore[index]
    except RequestError as error:
        refused = in_client_words(error, places)
    if refused is not None:
        assert (refused.status, refused.type) == (400, "invalid_request_error")
        assert refused.param is not None
        assert top(refused.param) in asked, refused.param
        assert refused.message.startswith(refused.param)
        return
    stream = asked.get("stream", False)
    check(json.loads(sent.body), stream)
    told = [*request.unsupported, *(client_place(field, places) for field in sent.unsupported)]
    known = asked.keys() | ({"tools"} if name == "bedrock" else set())  # calls in the past want tools there
    assert {top(field) for field in told} <= known, told
    if asked.get("store"):
        assert "store" in told


def top(field: str) -> str:
    return re.split(r"[.\[]", field)[0]


FIELDS = st.sampled_from(["model", "input", "tools", "type", "text", "role", "content", "format", "output"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
)


@given(ANYTHING)
def test_any_json(value: Any) -> None:
    with suppress(RequestError):
        DIALECT.read_request(json.dumps(value).encode())


@given(st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    with suppress(RequestError):
        DIALECT.read_request(body)
