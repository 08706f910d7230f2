"""What the Python of one exchange costs, in one process: no Envoy, no transport, no socket.

    python -m tests.bench.hot [--only TEXT] [--seconds S]

Each figure is the least of many repetitions, in microseconds: what the code costs where nothing disturbs it.
The garbage collector is off meanwhile, as its share depends on what else lives in the process.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from extproc.chat.model import ChatRequest
from extproc.chat.seams import ReplyContext
from extproc.contract.target import RoutePolicy, Target
from extproc.dialects import DIALECTS
from extproc.messages import Message, RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.providers import WIRE_FORMATS
from extproc.server import Stream
from extproc.session import Session
from tests.bench import bodies
from tests.extproc import envoy

MODEL: Final = "chat"
CLAUDE: Final = Target(
    leaf="claude", provider="claude", type="anthropic", wire_format="anthropic", base_path="/v1"
)
OPENAI: Final = Target(leaf="openai", provider="openai", type="openai", wire_format="openai", base_path="/v1")
GEMINI: Final = Target(
    leaf="gemini", provider="gemini", type="google_ai", wire_format="google", base_path="/v1beta"
)
BEDROCK: Final = Target(leaf="aws", provider="aws", type="aws_bedrock", wire_format="bedrock", base_path="")
MODELS: Final = {
    "openai": "gpt-4o-mini",
    "claude": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
    "aws": "amazon.nova-lite-v1:0",
}
POLICY: Final = RoutePolicy(model=MODEL, dialect="openai_chat", models=MODELS)
HEADERS: Final = {
    ":method": "POST",
    ":path": "/v1/chat/completions",
    ":authority": "gateway.example",
    ":scheme": "http",
    "content-type": "application/json",
    "x-forwarded-proto": "http",
    "x-request-id": "6f0c4c1e-8f6d-4b0e-9d0a-3f7a3a1c2b4d",
}
JSON_TYPE: Final[dict[str, str | bytes]] = {
    "content-type": "application/json",
    "content-length": "700",
    "date": "Tue, 06 Oct 2026 10:00:00 GMT",
    "server": "upstream",
}
SSE_TYPE: Final[dict[str, str | bytes]] = {
    "content-type": "text/event-stream; charset=utf-8",
    "transfer-encoding": "chunked",
}
AWS_TYPE: Final[dict[str, str | bytes]] = {**SSE_TYPE, "content-type": "application/vnd.amazon.eventstream"}
REPLY: Final = ReplyContext(model=MODEL, created=1_760_000_000, request_id=HEADERS["x-request-id"])
CALLS: Final = 100
"""How often a function is called between two looks at the clock."""
CHUNKS: Final = 100


class Case(NamedTuple):
    """What is measured. prepare: makes what is timed, anew each time. units: how many figures it is."""

    name: str
    prepare: Callable[[], Callable[[], object]]
    units: int


def cases() -> list[Case]:
    small = bodies.request(MODEL, stream=False)
    long = conversation(messages=30, tools=10)
    large = conversation(messages=4, tools=0, text=" lorem ipsum" * 2100)
    return [
        *_translations(small),
        _session("session: a unary exchange", _messages(small)),
        _stream("stream: a unary exchange", _unary(small)),
        Case("stream: one translated chunk", lambda: _chunks(CLAUDE, bodies.anthropic_stream()), CHUNKS),
        Case("stream: one chunk of Gemini", lambda: _chunks(GEMINI, bodies.gemini_stream()), CHUNKS),
        Case(
            "stream: one chunk of Bedrock",
            lambda: _chunks(BEDROCK, bodies.bedrock_stream(), AWS_TYPE),
            CHUNKS,
        ),
        _stream("stream: same format, renamed", _renamed(small)),
        _stream("stream: same format, watched", _watched(small)),
        *_requests("30 messages, 10 tools", long),
        *_requests("100 KB", large),
        _calls("100 KB: edit_request", lambda: DIALECTS["openai_chat"].edit_request(large, model="gpt")),
    ]


def _calls(name: str, call: Callable[[], object]) -> Case:
    def repeated() -> None:
        for _ in itertools.repeat(None, CALLS):
            call()

    return Case(name, lambda: repeated, CALLS)


def _session(name: str, messages: list[Message]) -> Case:
    def exchange() -> None:
        session = Session(0)
        for message in messages:
            session.on(message)

    return _calls(name, exchange)


def _stream(name: str, messages: list[bytes]) -> Case:
    return _calls(name, lambda: _received(Stream(), messages))


def _translations(body: bytes) -> Iterator[Case]:
    dialect = DIALECTS["openai_chat"]
    request = dialect.read_request(body)
    response = WIRE_FORMATS["anthropic"].read_response(bodies.anthropic_answer())
    yield _calls("dialect.read_request", lambda: dialect.read_request(body))
    yield from _format(request, CLAUDE, bodies.anthropic_answer())
    yield from _format(request, GEMINI, bodies.gemini_answer())
    yield from _format(request, BEDROCK, bodies.bedrock_answer())
    yield _calls("dialect.write_response", lambda: dialect.write_response(response, REPLY))


def _format(request: ChatRequest, target: Target, answer: bytes) -> Iterator[Case]:
    name, model = target.wire_format, MODELS[target.leaf]
    wire_format = WIRE_FORMATS[name]
    yield _calls(f"{name}.write_request", lambda: wire_format.write_request(request, target, model))
    yield _calls(f"{name}.read_response", lambda: wire_format.read_response(answer))


def _requests(name: str, body: bytes) -> Iterator[Case]:
    dialect, claude = DIALECTS["openai_chat"], WIRE_FORMATS["anthropic"]
    request = dialect.read_request(body)
    yield _calls(f"{name}: read_request", lambda: dialect.read_request(body))
    yield _calls(f"{name}: write_request", lambda: claude.write_request(request, CLAUDE, "claude-haiku-4-5"))


def _messages(body: bytes) -> list[Message]:
    return [
        RequestHeaders(CLAUDE, POLICY, HEADERS),
        RequestBody(body),
        ResponseHeaders(200, {":status": "200", "content-type": "application/json"}),
        ResponseBody(bodies.anthropic_answer()),
        ResponseBody(b"", end=True),
    ]


def _received(stream: Stream, messages: list[bytes]) -> None:
    for message in messages:
        stream.receive(message)


def _begun(body: bytes, target: Target) -> list[bytes]:
    headers: dict[str, str | bytes] = {**HEADERS}
    return [envoy.request_headers(target, POLICY, headers), envoy.request_body(body)]


def _unary(body: bytes) -> list[bytes]:
    return [
        *_begun(body, CLAUDE),
        envoy.response_headers(200, JSON_TYPE),
        envoy.response_body(bodies.anthropic_answer()),
        envoy.response_body(b"", end=True),
    ]


def _renamed(body: bytes) -> list[bytes]:
    return [*_begun(body, OPENAI), envoy.response_headers(200, JSON_TYPE)]


def _watched(body: bytes) -> list[bytes]:
    begin, chunk, _ = bodies.openai_stream()
    pieces = [envoy.response_body(piece) for piece in (begin, chunk)]
    return [*_begun(body, OPENAI), envoy.response_headers(200, SSE_TYPE), *pieces]


def _chunks(
    target: Target, streamed: tuple[bytes, bytes, bytes], headers: dict[str, str | bytes] = SSE_TYPE
) -> Callable[[], None]:
    """A stream after its first content: one event of the provider's, one message of Envoy's, one chunk."""
    begin, chunk, _ = streamed
    stream = Stream()
    _received(stream, _begun(bodies.request(MODEL, stream=True), target))
    _received(stream, [envoy.response_headers(200, headers)])
    _received(stream, [envoy.response_body(piece) for piece in (begin, chunk)])
    more = [envoy.response_body(chunk)] * CHUNKS
    return lambda: _received(stream, more)


def conversation(*, messages: int, tools: int, text: str = " lorem ipsum" * 20) -> bytes:
    """A chat in which every third message is a tool's result, and the one before it the call."""

    def message(n: int) -> dict[str, Any]:
        if tools and n % 3 == 1:
            function = {"name": f"tool_{n % tools}", "arguments": '{"city": "Paris", "days": 3, "unit": "C"}'}
            call = {"id": f"call_{n}", "type": "function", "function": function}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        if tools and n % 3 == 2:
            return {"role": "tool", "tool_call_id": f"call_{n - 1}", "content": f"{n}{text}"}
        return {"role": "assistant" if n % 2 else "user", "content": f"{n}{text}"}

    def tool(n: int) -> dict[str, Any]:
        properties = {f"p{k}": {"type": "string", "description": f"the {k}th value"} for k in range(6)}
        schema = {"type": "object", "properties": properties, "required": ["p0", "p1"]}
        function = {"name": f"tool_{n}", "description": f"Does the {n}th thing.", "parameters": schema}
        return {"type": "function", "function": function}

    body: dict[str, Any] = {"model": MODEL, "messages": [message(n) for n in range(messages)]}
    if tools:
        body |= {"tools": [tool(n) for n in range(tools)], "tool_choice": "auto"}
    return json.dumps(body, separators=(",", ":")).encode()


def best(case: Case, seconds: float) -> float:
    """The least microseconds of one unit of `case`, from as many repetitions as fit into `seconds`."""
    least = float("inf")
    end = time.perf_counter() + seconds
    while True:
        run = case.prepare()
        started = time.perf_counter_ns()
        run()
        least = min(least, time.perf_counter_ns() - started)
        if time.perf_counter() >= end:
            return least / case.units / 1000


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hot", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each case is repeated")
    asked = parser.parse_args(arguments)
    gc.disable()
    try:
        for case in cases():
            if asked.only in case.name:
                print(f"{case.name:40} {best(case, asked.seconds):8.2f} µs", flush=True)
    finally:
        gc.enable()


if __name__ == "__main__":
    main()
