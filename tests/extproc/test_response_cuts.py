"""Properties of sessions: whatever a provider or a client sends, and however it is cut."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from extproc.contract.target import Target
from extproc.messages import RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.replies import (
    Answer,
    AttemptFailed,
    Bug,
    ContinueRequestHeaders,
    ContinueResponseHeaders,
    KeepResponseBody,
    ReplaceRequestBody,
    ReplaceResponseBody,
    Reply,
)
from extproc.session import Session
from tests.extproc.streams import (
    BEGIN,
    BLOCK,
    COMPLETION,
    END,
    LAST_CHUNK,
    MESSAGE,
    PING,
    ROLE_CHUNK,
    TEXT_CHUNK,
    delta,
    overloaded,
)
from tests.extproc.transcript import CLAUDE, JSON_TYPE, NOW, OPENAI, POLICY, REQUEST, SSE_TYPE, STREAM, policy

fragments = st.one_of(
    st.sampled_from(
        [
            *(
                BEGIN,
                BLOCK,
                delta("Hello"),
                delta("größe"),
                END,
                PING,
                overloaded(),
                overloaded("rate_limit_error"),
            ),
            *(ROLE_CHUNK, TEXT_CHUNK, LAST_CHUNK, b'data: {"error": {"message": "m", "code": 429}}\n\n'),
            *(
                json.dumps(MESSAGE).encode(),
                json.dumps(COMPLETION).encode(),
                b"<html>",
                b"data: {\n\n",
                b"\r\n\r\n",
            ),
        ]
    ),
    st.binary(max_size=12),
)
bodies = st.lists(fragments, max_size=8).map(b"".join)
types = st.sampled_from(
    [
        SSE_TYPE,
        SSE_TYPE,
        JSON_TYPE,
        {"content-type": "text/html"},
        {},
        SSE_TYPE | {"content-encoding": "gzip"},
    ]
)
statuses = st.sampled_from([200, 200, 200, 301, 400, 401, 404, 429, 500, 503, 529])


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(edge, len(data)) for edge in at), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


class Client:
    """What a client gets of the replies: it checks that Envoy could carry them out."""

    def __init__(self) -> None:
        self.headers: ContinueResponseHeaders | None = None
        self.body = b""
        self.owed: list[bytes] = []
        self.failed: list[AttemptFailed] = []
        self.closed = False

    def take(self, reply: Reply) -> None:
        over = bool(self.failed)
        for message in reply.messages:
            if isinstance(message, ContinueResponseHeaders):
                assert self.headers is None, "the headers are released once"
                assert not self.body, "and before any body"
                self.headers = message
                self.body += message.body or b""
                continue
            assert self.headers is not None
            assert self.owed, "a reply to each body message, and no more"
            piece = self.owed.pop(0)
            assert isinstance(message, KeepResponseBody | ReplaceResponseBody)
            assert not over or message == ReplaceResponseBody(b""), "nothing follows an error"
            self.body += piece if isinstance(message, KeepResponseBody) else message.body
        assert not any(isinstance(note, Bug) for note in reply.notes)
        self.failed += [note for note in reply.notes if isinstance(note, AttemptFailed)]
        assert len(self.failed) <= 1
        assert self.headers is not None or not self.failed
        self.closed = reply.close


def respond(session: Session, headers: ResponseHeaders, pieces: list[bytes]) -> Client:
    client = Client()
    client.take(session.on(headers))
    if headers.end:
        assert client.headers is not None
        return client
    for number, piece in enumerate(pieces, 1):
        if client.closed:
            client.body += piece  # Envoy goes on natively
            continue
        client.owed.append(piece)
        client.take(session.on(ResponseBody(piece, end=number == len(pieces))))
        assert client.headers is None or not client.owed, "what is released leaves nothing owed"
        assert not client.closed or not client.owed
    assert client.headers is not None
    assert not client.owed
    return client


def session(target, body: bytes, *, hold_headers: bool) -> Session:
    begun = Session(NOW)
    begun.on(RequestHeaders(target, policy(hold_headers=hold_headers), {"x-request-id": "req-1"}))
    begun.on(RequestBody(body))
    return begun


class Exchange(NamedTuple):
    """at: where the body is cut. last: the end comes by itself, in an empty piece."""

    target: Target
    stream: bool
    status: int
    headers: dict[str, str]
    data: bytes
    at: list[int]
    last: bool = True
    hold_headers: bool = True

    def begin(self) -> Session:
        # Without a window a session of the same format is over by now.
        hold_headers = self.hold_headers or self.target is OPENAI
        return session(self.target, STREAM if self.stream else REQUEST, hold_headers=hold_headers)


exchanges = st.builds(
    Exchange,
    target=st.sampled_from([CLAUDE, OPENAI]),
    stream=st.booleans(),
    status=statuses,
    headers=types,
    data=bodies,
    at=st.lists(st.integers(0, 2000), max_size=12),
    last=st.booleans(),
    hold_headers=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(exchanges)
@example(Exchange(CLAUDE, True, 200, SSE_TYPE, BEGIN + delta("x") + overloaded(), [len(BEGIN)]))
@example(Exchange(CLAUDE, True, 200, SSE_TYPE, b"", []))
@example(Exchange(CLAUDE, False, 500, JSON_TYPE, gzip.compress(b"{}"), [1]))
def test_any_answer_cut_anywhere(exchange):
    begins = ResponseHeaders(exchange.status, exchange.headers)
    whole = respond(exchange.begin(), begins, [exchange.data])
    pieces = cut(exchange.data, exchange.at) + ([b""] if exchange.last else [])
    parts = respond(exchange.begin(), begins, pieces)
    assert parts.body == whole.body
    assert parts.headers == whole.headers
    assert parts.failed == whole.failed


@settings(max_examples=50, deadline=None)
@given(exchanges, exchanges)
def test_an_answer_does_not_depend_on_those_before(exchange, other):
    def answer(to: Exchange) -> tuple[object, bytes, list[AttemptFailed]]:
        client = respond(to.begin(), ResponseHeaders(to.status, to.headers), cut(to.data, to.at))
        return client.headers, client.body, client.failed

    first = answer(exchange)
    answer(other)
    assert answer(exchange) == first


@settings(max_examples=100, deadline=None)
@given(target=st.sampled_from([CLAUDE, OPENAI]), stream=st.booleans(), status=statuses, headers=types)
def test_any_answer_without_a_body(target, stream, status, headers):
    begun = session(target, STREAM if stream else REQUEST, hold_headers=True)
    client = respond(begun, ResponseHeaders(status, headers, end=True), [])
    assert bool(client.body) is bool(client.failed)


@settings(max_examples=200, deadline=None)
@given(
    target=st.sampled_from([CLAUDE, OPENAI]),
    model=st.sampled_from([POLICY.model, "*"]),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["model", "messages", "role", "content", "tools", "x"]), inner
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_request_is_sent_on_or_refused(target, model, body):
    begun = Session(NOW)
    headers = RequestHeaders(target, policy(model=model, models={"openai": "*", "claude": "*"}), {})
    assert begun.on(headers) == Reply((ContinueRequestHeaders(),))
    reply = begun.on(RequestBody(body))
    [message] = reply.messages
    assert not any(isinstance(note, Bug) for note in reply.notes)
    if isinstance(message, Answer):
        assert (message.status, reply.close) == (400, True)
        assert json.loads(message.body)["error"]["type"] == "invalid_request_error"
    else:
        assert isinstance(message, ReplaceRequestBody)
        assert message.headers["content-length"] == str(len(message.body))
        assert isinstance(json.loads(message.body), dict)
