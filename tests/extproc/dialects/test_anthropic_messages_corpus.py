"""Any valid Messages request becomes a valid request of every provider, or a clean 400; any answer is a message."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from extproc.chat import events as ev
from extproc.chat.fold import fold
from extproc.chat.model import Annotation, NativeContent, Thinking, Usage
from extproc.chat.places import client_place, in_client_words
from extproc.errors import RequestError
from extproc.providers import WIRE_FORMATS
from extproc.providers.claude_fields import for_provider
from tests.extproc.dialects.messages_client import DIALECT, REPLY, read_unary, stream_events, write_all
from tests.extproc.dialects.test_openai_responses_corpus import PROVIDERS
from tests.extproc.providers.anthropic_types import check
from tests.extproc.providers.test_corpus import B64, EPHEMERAL, NAMES, OBJECTS, WORDS, maybe, typed

IDS = st.sampled_from(["toolu_01", "call_1", "functions.f:0"])
MARK = maybe({"cache_control": st.just(EPHEMERAL)})


def marked(block: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(dict.__or__, block, MARK)


TEXT = marked(typed("text", text=WORDS))
IMAGE = marked(
    typed(
        "image",
        source=st.sampled_from(
            [
                {"type": "base64", "media_type": "image/png", "data": B64},
                {"type": "url", "url": "https://x/y.png"},
            ]
        ),
    )
)
SOURCES = st.sampled_from(
    [
        {"type": "base64", "media_type": "application/pdf", "data": B64},
        {"type": "url", "url": "https://x/y.pdf"},
        {"type": "text", "media_type": "text/plain", "data": "words"},
        {"type": "content", "content": "words"},
        {"type": "content", "content": [{"type": "text", "text": "words"}]},
    ]
)
DOCUMENT = marked(
    st.builds(
        dict.__or__,
        typed("document", source=SOURCES),
        maybe(
            {
                "title": st.just("A paper"),
                "context": st.just("old"),
                "citations": st.sampled_from([{"enabled": True}, {"enabled": False}]),
            }
        ),
    )
)
SEARCH_RESULT = typed(
    "search_result",
    source=st.just("https://x"),
    title=st.just("X"),
    content=st.lists(typed("text", text=WORDS), max_size=2),
)
RESULT = marked(
    st.builds(
        dict.__or__,
        typed("tool_result", tool_use_id=IDS),
        maybe(
            {
                "is_error": st.booleans(),
                "content": WORDS | st.lists(TEXT | IMAGE | DOCUMENT | SEARCH_RESULT, max_size=2),
            }
        ),
    )
)
CALL = marked(typed("tool_use", id=IDS, name=NAMES, input=st.sampled_from([{}, {"a": [1, 2.0]}])))
THOUGHT = st.sampled_from(
    [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "redacted_thinking", "data": "native:google:W3sidGV4dCI6ImhpIn1d"},
        {"type": "redacted_thinking", "data": "native:google:%"},
    ]
)
TURNS = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.just("user"),
            "content": WORDS
            | st.lists(TEXT | IMAGE | DOCUMENT | SEARCH_RESULT | RESULT, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "role": st.just("assistant"),
            "content": WORDS | st.lists(TEXT | CALL | THOUGHT, min_size=1, max_size=4),
        }
    ),
    st.fixed_dictionaries({"role": st.just("system"), "content": WORDS | st.lists(TEXT, max_size=2)}),
)
TOOLS = st.builds(
    dict.__or__,
    st.fixed_dictionaries(
        {"name": NAMES, "input_schema": OBJECTS.filter(lambda s: s.get("type") == "object")}
    ),
    maybe(
        {
            "type": st.just("custom"),
            "description": WORDS,
            "strict": st.booleans(),
            "cache_control": st.just(EPHEMERAL),
            "defer_loading": st.booleans(),
            "eager_input_streaming": st.booleans(),
        }
    ),
)
OWN_TOOLS = st.just({"type": "web_search_20250305", "name": "web_search"})
PARALLEL = maybe({"disable_parallel_tool_use": st.booleans()})
CHOICES = st.one_of(
    st.builds(dict.__or__, st.sampled_from([{"type": "auto"}, {"type": "any"}]), PARALLEL),
    st.builds(dict.__or__, typed("tool", name=NAMES), PARALLEL),
    typed("none"),
)
THINKING = st.sampled_from(
    [
        {"type": "enabled", "budget_tokens": 2000},
        {"type": "adaptive"},
        {"type": "disabled"},
        {"type": "adaptive", "display": "omitted"},
    ]
)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
CONFIGS = maybe(
    {
        "effort": st.sampled_from(["low", "medium", "high", "xhigh", "max"]),
        "format": st.just({"type": "json_schema", "schema": SCHEMA}),
    }
)
REQUESTS = st.builds(
    dict.__or__,
    st.fixed_dictionaries(
        {
            "model": st.just("m"),
            "max_tokens": st.sampled_from([3000, 8000]),
            "messages": st.lists(TURNS, min_size=1, max_size=4),
        }
    ),
    maybe(
        {
            "system": WORDS | st.lists(TEXT, max_size=2),
            "stream": st.booleans(),
            "temperature": st.sampled_from([0, 0.5, 1]),
            "top_p": st.sampled_from([0.5, 1]),
            "top_k": st.just(5),
            "stop_sequences": st.lists(st.sampled_from(["END", "\n"]), max_size=2),
            "tools": st.lists(TOOLS | OWN_TOOLS, min_size=1, max_size=2),
            "tool_choice": CHOICES,
            "metadata": st.sampled_from([{"user_id": "u"}, {"user_id": "u" * 100}, {}]),
            "service_tier": st.sampled_from(["auto", "standard_only"]),
            "thinking": THINKING,
            "output_config": CONFIGS,
            "cache_control": st.just(EPHEMERAL),
            "inference_geo": st.just("us"),
            "speed": st.just("standard"),
        }
    ),
)


def top(field: str) -> str:
    return re.split(r"[.\[]", field)[0]


@pytest.mark.parametrize(
    ("provider", "model"), [(name, model) for name, row in PROVIDERS.items() for model in row[1]]
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=REQUESTS)
def test_any_request(provider: str, model: str, asked: dict[str, Any]) -> None:
    check(asked)
    target, _, official = PROVIDERS[provider]
    places: dict[str, str] = {}
    refused = None
    try:
        request = for_provider(DIALECT.read_request(json.dumps(asked).encode()), target, model)
        places = request.places or {}
        sent = WIRE_FORMATS[target.wire_format].write_request(request, target, model)
    except RequestError as error:
        refused = in_client_words(error, places)
    if refused is not None:
        assert refused.status == 400
        assert refused.param is not None
        assert top(refused.param) in asked, refused.param
        return
    official(json.loads(sent.body), request.stream)
    told = [*request.unsupported, *(client_place(name, places) for name in sent.unsupported)]
    known = asked.keys() | (
        {"tools"} if provider == "bedrock" else set()
    )  # calls in the past want tools there
    assert {top(field) for field in told} <= known, told


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "model",
                            "messages",
                            "role",
                            "content",
                            "type",
                            "source",
                            "max_tokens",
                            "tools",
                            "system",
                        ]
                    ),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=12,
        ),
    )
)
def test_any_bytes(body: bytes) -> None:
    with suppress(RequestError):
        DIALECT.read_request(body)
    with suppress(RequestError):
        DIALECT.edit_request(body, model="x")


THOUGHTS = st.sampled_from(
    [
        Thinking(text="hm", signature="c2ln"),
        Thinking(text="hm"),
        Thinking(signature="google:x"),
        Thinking(redacted="eA=="),
    ]
)
PIECES = st.one_of(
    st.builds(ev.TextDelta, WORDS),
    st.builds(ev.ReasoningDelta, WORDS),
    st.builds(ev.RefusalDelta, WORDS),
    st.builds(ev.ThinkingDone, THOUGHTS),
    st.builds(ev.UsageSeen, st.builds(Usage, prompt=st.integers(0, 9), completion=st.integers(0, 9))),
    st.builds(ev.Cited, st.just(Annotation(url="https://x", title="X", start=0, end=2))),
    st.just(ev.Progress()),
    st.just(ev.NativeMessage(NativeContent(owner="google", blocks=(Raw(b'{"text":"x"}'),)))),
    st.integers(0, 2),  # a call, or more of one
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12), st.sampled_from(["stop", "length", "tool_calls", "unknown"]))
def test_any_stream(pieces: list[Any], reason: Any) -> None:
    events: list[ev.Event] = [ev.Start(id="x")]
    calls = 0
    for piece in pieces:
        if not isinstance(piece, int):
            events.append(piece)
        elif piece < calls:
            events.append(ev.ToolCallDelta(index=piece, arguments='{"a":1}' if piece == 0 else " "))
        else:
            events.append(ev.ToolCallStart(index=calls, id=f"t{calls}", name="f"))
            calls += 1
    events += [ev.Finish(reason=reason), ev.End()]
    stream = write_all(events)
    writer = DIALECT.stream_writer(REPLY)
    assert writer.write(events) == stream
    told = stream_events(stream)
    kinds = [event["type"] for event in told]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    begun = [event["index"] for event in told if event["type"] == "content_block_start"]
    assert begun == list(range(len(begun)))
    assert sorted(event["index"] for event in told if event["type"] == "content_block_stop") == begun
    texts = "".join(e["delta"]["text"] for e in told if e.get("delta", {}).get("type") == "text_delta")
    assert texts == "".join(e.text for e in events if isinstance(e, ev.TextDelta | ev.RefusalDelta))
    thought = [e["delta"]["thinking"] for e in told if e.get("delta", {}).get("type") == "thinking_delta"]
    assert "".join(thought) == "".join(e.text for e in events if isinstance(e, ev.ReasoningDelta))
    read_unary(DIALECT.write_response(fold(events), REPLY))
