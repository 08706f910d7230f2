"""Tests of sessions read as transcripts: `>>` is what Envoy says, `<<` what the session must answer.

    assert (
        Transcript()
        >> RequestHeaders(TARGET, POLICY, {})
        << ContinueRequestHeaders()
        >> RequestBody(b"{}")
        << ...
    )

After each message come its replies, then its notes, then `CLOSE` if the session ends the stream. What is
not expected fails, what is expected must come.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import msgspec

from extproc.contract.target import RoutePolicy, Target
from extproc.messages import Message, RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.replies import (
    ContinueRequestHeaders,
    ContinueResponseHeaders,
    KeepResponseBody,
    Note,
    ReplaceResponseBody,
    Reply,
    ReplyMessage,
)
from extproc.session import Session

NOW = 1_700_000_000
OPENAI = Target(leaf="openai", provider="openai", type="openai", wire_format="openai", base_path="/v1")
CLAUDE = Target(leaf="claude", provider="claude", type="anthropic", wire_format="anthropic", base_path="/v1")
POLICY = RoutePolicy(
    model="fast", dialect="openai_chat", models={"openai": "gpt-x", "claude": "claude-haiku-4-5"}
)
REQUEST = b'{"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}'
STREAM = REQUEST[:-1] + b', "stream": true}'
STREAM_WITH_USAGE = REQUEST[:-1] + b', "stream": true, "stream_options": {"include_usage": true}}'
JSON_TYPE = {"content-type": "application/json"}
SSE_TYPE = {"content-type": "text/event-stream; charset=utf-8"}


class _Close(Enum):
    CLOSE = "the stream is ended"


CLOSE = _Close.CLOSE


class Transcript:
    def __init__(self, session: Session | None = None) -> None:
        self._session = session or Session(NOW)
        self._unread: list[ReplyMessage | Note | _Close] = []
        self._told: Message | None = None
        self.replies: list[Reply] = []

    def __rshift__(self, message: Message) -> Transcript:
        self.check()
        self._told = message
        reply = self._session.on(message)
        self.replies.append(reply)
        self._unread = [*reply.messages, *reply.notes, *([CLOSE] if reply.close else [])]
        return self

    def __lshift__(self, expected: object) -> Transcript:
        assert self._unread, f"nothing more in answer to {self._told}; expected {expected}"
        actual = self._unread.pop(0)
        assert actual == expected
        return self

    def __bool__(self) -> bool:
        self.check()
        return True

    def check(self) -> None:
        assert not self._unread, f"in answer to {self._told} came also {self._unread}"


class JSON:
    """Bytes of a JSON object with at least these members; nested ones by a path such as ``error.type``."""

    def __init__(self, **members: Any) -> None:
        self._members = {name.replace("__", "."): value for name, value in members.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, bytes):
            return NotImplemented
        found = json.loads(other)
        return all(_at(found, path) == value for path, value in self._members.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"JSON({self._members})"


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def error(kind: str, *, prefix: bytes = b"", **more: Any) -> Any:
    """The body of an error of type `kind`, behind `prefix`."""
    members = {"error__type": kind, **{f"error__{name}": value for name, value in more.items()}}
    return _Behind(prefix, JSON(**members))


class _Behind:
    def __init__(self, prefix: bytes, rest: JSON) -> None:
        self._prefix = prefix
        self._rest = rest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, bytes):
            return NotImplemented
        return other.startswith(self._prefix) and self._rest == other.removeprefix(self._prefix)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self._prefix!r} {self._rest}"


def policy(**changes: Any) -> RoutePolicy:
    return msgspec.structs.replace(POLICY, **changes)


def asked(target: Target = CLAUDE, body: bytes = REQUEST, **changes: Any) -> Transcript:
    """A transcript that goes on with the response's headers. changes: of the route's policy."""
    headers = RequestHeaders(target, policy(**changes), {"x-request-id": "req-1"})
    transcript = Transcript() >> headers << ContinueRequestHeaders() >> RequestBody(body)
    transcript._unread.clear()
    return transcript


def answered(transcript: Transcript, pieces: list[bytes]) -> Transcript:
    """`transcript`, told of a stream in `pieces`, whose end comes with the last; nothing left unread."""
    transcript.__rshift__(ResponseHeaders(200, SSE_TYPE))
    transcript._unread.clear()
    for number, piece in enumerate(pieces, 1):
        transcript.__rshift__(ResponseBody(piece, end=number == len(pieces)))
        transcript._unread.clear()
    return transcript


KEEP = KeepResponseBody()
NOTHING = ReplaceResponseBody(b"")
STALE = ("content-length", "content-encoding", "etag", "digest", "location")
IN_JSON = ContinueResponseHeaders({"content-type": "application/json"}, STALE)
IN_EVENTS = ContinueResponseHeaders({"content-type": "text/event-stream"}, STALE)


def failed(status: int) -> ContinueResponseHeaders:
    headers = {"content-type": "application/json", ":status": str(status)}
    return ContinueResponseHeaders(headers, (*STALE, "x-llm-gateway-answered"))


def body(data: bytes, *, end: bool = False) -> ResponseBody:
    return ResponseBody(data, end)


LAST = body(b"", end=True)


def written(transcript: Transcript) -> bytes:
    """The client's bytes so far, where every body was replaced."""
    replies = [reply for one in transcript.replies[1:] for reply in one.messages]
    return b"".join(reply.body for reply in replies if isinstance(reply, ReplaceResponseBody))
