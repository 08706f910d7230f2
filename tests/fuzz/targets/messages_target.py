"""gRPC messages of Envoy's, whole calls of them: nothing but ProtocolError, and never a bug.

An input is messages, each after four bytes that have its length.
"""

from __future__ import annotations

import json
from random import Random

from google.protobuf.message import DecodeError

from extproc.codec import decode, encode
from extproc.messages import ProtocolError, RequestHeaders
from extproc.replies import Bug
from extproc.session import Session
from protos.api import ProcessingRequest, ProcessingResponse
from tests.extproc import envoy
from tests.extproc.streams import BEGIN, BLOCK, END, MESSAGE, delta, overloaded
from tests.extproc.transcript import (
    CLAUDE,
    JSON_TYPE,
    NOW,
    OPENAI,
    POLICY,
    REQUEST,
    SSE_TYPE,
    STREAM,
    policy,
)
from tests.fuzz.mutation import mutate_bytes, mutate_json, mutate_lines, mutate_sequence

ANSWER = json.dumps(MESSAGE).encode()
HOLDING = policy(hold_headers=True)
KNOWN = ((CLAUDE, POLICY), (OPENAI, POLICY), (OPENAI, HOLDING))


def seeds() -> list[bytes]:
    def call(*said: bytes) -> bytes:
        return joined(list(said))

    translated = envoy.request_headers()
    events = (BEGIN, BLOCK + delta("Hel"), delta("lo"), END)
    return [
        call(
            translated,
            envoy.request_body(REQUEST),
            envoy.response_headers(200, JSON_TYPE),
            envoy.response_body(ANSWER, end=True),
        ),
        call(
            translated,
            envoy.request_body(STREAM),
            envoy.response_headers(200, SSE_TYPE),
            *(envoy.response_body(event) for event in events),
            envoy.response_body(b"", end=True),
        ),
        call(
            translated,
            envoy.request_body(STREAM),
            envoy.response_headers(200, SSE_TYPE),
            envoy.response_body(overloaded()),
        ),
        call(translated, envoy.request_body(REQUEST), envoy.response_headers(529, JSON_TYPE, end=True)),
        call(envoy.request_headers(OPENAI, POLICY), envoy.request_body(REQUEST)),
        call(
            envoy.request_headers(OPENAI, HOLDING),
            envoy.request_body(STREAM),
            envoy.response_headers(200, SSE_TYPE),
            envoy.response_body(b'data: {"choices": []}\n\n'),
        ),
    ]


def check(given: bytes) -> None:
    session = Session(NOW)
    for data in split(given):
        try:
            message = decode(data)
            if isinstance(message, RequestHeaders) and (message.target, message.policy) not in KNOWN:
                return  # our own control plane writes these
            reply = session.on(message)
        except ProtocolError:
            return
        for note in reply.notes:
            if isinstance(note, Bug):
                raise note.error
        for message in reply.messages:
            ProcessingResponse.FromString(encode(message))
        if reply.close:
            return


def split(given: bytes) -> list[bytes]:
    messages, at = [], 0
    while at + 4 <= len(given):
        end = at + 4 + int.from_bytes(given[at : at + 4], "big")
        messages.append(given[at + 4 : end])
        at = end
    return messages


def joined(messages: list[bytes]) -> bytes:
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


def mutate(given: bytes, dice: Random) -> bytes:
    return joined(mutate_sequence(split(given), dice, _mutate_message))


def _mutate_message(data: bytes, dice: Random) -> bytes:
    if dice.random() < 0.2:
        return mutate_bytes(data, dice)
    try:
        request = ProcessingRequest.FromString(data)
    except DecodeError:
        return mutate_bytes(data, dice)
    part = getattr(request, request.WhichOneof("request") or "request_body")
    if hasattr(part, "body"):
        part.body = _mutate_body(part.body, dice)
        if dice.random() < 0.1:
            part.end_of_stream = not part.end_of_stream
    elif hasattr(part, "headers") and part.headers.headers:
        header = dice.choice(list(part.headers.headers))
        mutant = mutate_json if header.raw_value.startswith(b"{") else mutate_bytes
        header.raw_value = mutant(header.raw_value, dice)
    return bytes(request.SerializeToString())


def _mutate_body(body: bytes, dice: Random) -> bytes:
    return mutate_lines(body, dice, mutate_line) if b"data:" in body else mutate_json(body, dice)


def mutate_line(line: bytes, dice: Random) -> bytes:
    """Of an event stream."""
    if line.startswith(b"data: ") and dice.random() < 0.9:
        return b"data: " + mutate_json(line[6:], dice)
    return mutate_bytes(line, dice)
