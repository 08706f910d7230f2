"""Any valid chat completion request becomes one that AWS's own model of Converse allows, or a clean 400."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extproc.chat.seams import ReplyContext
from extproc.errors import GatewayError, RequestError
from extproc.providers import WIRE_FORMATS
from simulator.formats.bedrock_rules import check as check_rules
from tests.extproc.providers.clients import DIALECT, chunks, read_all, read_unary, write_all
from tests.extproc.providers.converse import NOVA, OLD, SONNET, TARGET, check
from tests.extproc.providers.test_corpus import REQUESTS
from tests.extproc.wire.frames import event, exception

FORMAT = WIRE_FORMATS["bedrock"]
MODELS = st.sampled_from(
    [
        SONNET,
        OLD,
        NOVA,
        "us.anthropic.claude-opus-4-6-v1",
        "us.amazon.nova-2-lite-v1:0",
        "meta.llama3-70b-instruct-v1:0",
        "mistral.mistral-large-2407-v1:0",
        "amazon.titan-text-lite-v1",
        "openai.gpt-oss-20b-1:0",
        "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abcdefghijkl",
    ]
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(REQUESTS, MODELS)
def test_any_request(asked: dict[str, Any], model: str) -> None:
    request = DIALECT.read_request(json.dumps(asked).encode())
    refused = None
    try:
        sent = FORMAT.write_request(request, TARGET, model)
    except RequestError as error:
        refused = error
    if refused is not None:
        assert refused.status == 400
        assert refused.param is not None
        assert refused.param.startswith(("messages", "tools[", "tool_choice", "function_call"))
        return
    body = json.loads(sent.body)
    check(body, stream=request.stream)
    if not any(message["role"] in ("tool", "assistant") for message in asked["messages"]):
        check_rules(body)  # else the generated calls and results need not belong together
    assert len(set(sent.unsupported)) == len(sent.unsupported)
    roots = {name.partition(".")[0].partition("[")[0] for name in sent.unsupported}
    said = {"max_tokens": "max_completion_tokens", "safety_identifier": "user"}
    assert roots <= {"tools", "functions", *asked, *(said[name] for name in said if name in asked)}


TEXTS = st.text(max_size=8)
JSONS = st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=4)  # fmt: skip
USES = st.fixed_dictionaries({"toolUseId": TEXTS, "name": TEXTS | st.just("gateway_json_response")}, optional={"type": st.just("server_tool_use"), "input": JSONS})  # fmt: skip
STARTS = st.one_of(
    st.builds(lambda use: {"toolUse": use}, USES),
    st.just({}),
    st.dictionaries(st.sampled_from(["toolResult", "image", "x"]), JSONS, max_size=1),
)
DELTAS = st.one_of(
    st.builds(lambda text: {"text": text}, TEXTS),
    st.builds(lambda text: {"toolUse": {"input": text}}, TEXTS),
    st.builds(lambda key, text: {"reasoningContent": {key: text}}, st.sampled_from(["text", "signature", "redactedContent"]), TEXTS),
    st.builds(lambda value: {"citation": value}, JSONS),
    st.builds(lambda value: {"toolResult": value}, JSONS),
    st.builds(lambda value: {"image": value}, JSONS),
)  # fmt: skip
INDEX = st.integers(0, 2)
FRAMES = st.one_of(
    st.builds(lambda at, start: event("contentBlockStart", {"contentBlockIndex": at, "start": start}), INDEX, STARTS),
    st.builds(lambda at, delta: event("contentBlockDelta", {"contentBlockIndex": at, "delta": delta}), INDEX, DELTAS),
    st.builds(lambda at: event("contentBlockStop", {"contentBlockIndex": at}), INDEX),
    st.builds(lambda word: event("messageStop", {"stopReason": word}), st.sampled_from(["end_turn", "tool_use", "x"])),
    st.builds(lambda value: event("metadata", value), JSONS | st.just({"usage": {"inputTokens": 1, "outputTokens": 2}})),
    st.builds(lambda value: exception("throttlingException", value), JSONS),
)  # fmt: skip
QUIET = ReplyContext(model="m", created=1, request_id="r")


@settings(max_examples=250)
@given(st.lists(FRAMES, max_size=8), st.integers(1, 40))
def test_any_stream_gives_valid_chunks_or_one_error(frames: list[bytes], size: int) -> None:
    stream = b"".join(frames)
    written = write_all(read_all(FORMAT.stream_reader(), [stream]))
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert write_all(read_all(FORMAT.stream_reader(), pieces)) == written
    done = written.endswith(b"data: [DONE]\n\n")
    chunks(written, done=done)


BLOCKS = st.dictionaries(st.sampled_from(["text", "toolUse", "reasoningContent", "citationsContent", "image"]), JSONS | USES, max_size=2)  # fmt: skip


@settings(max_examples=250)
@given(st.lists(BLOCKS, max_size=3), JSONS, TEXTS)
def test_any_answer_is_read_or_refused(blocks: list[dict[str, Any]], more: Any, reason: str) -> None:
    body = {
        "output": {"message": {"content": blocks}},
        "stopReason": reason,
        "additionalModelResponseFields": more,
    }
    try:
        response = FORMAT.read_response(json.dumps(body).encode())
    except GatewayError:
        return
    read_unary(DIALECT.write_response(response, QUIET))
