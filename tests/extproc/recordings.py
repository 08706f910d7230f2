"""The recorded traffic of real providers, which lies beside the repository and not in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

_BESIDE = Path(__file__).parents[2].parent / "shared" / "recorded"
FOLDER = Path(os.environ.get("LLM_GATEWAY_RECORDED", _BESIDE))

needed = pytest.mark.skipif(
    not (FOLDER / "manifest.json").is_file(),
    reason="no recorded traffic; set LLM_GATEWAY_RECORDED to its folder",
)


@dataclass(frozen=True)
class Recording:
    id: str
    wire_format: str
    status: int
    stream: bool
    body: bytes
    request: dict[str, Any] | None

    def data(self) -> list[Any]:
        """The payloads of a stream's events, read line by line."""
        lines = [line[5:].strip() for line in self.body.splitlines() if line.startswith(b"data:")]
        return [json.loads(line) for line in lines if line != b"[DONE]"]


def _is_chat(wire_format: str, body: bytes) -> bool:
    if wire_format == "anthropic":
        return b'"content"' in body or b'"error"' in body
    return any(key in body for key in (b'"choices"', b'"error"', b'"detail"'))


@cache
def _all() -> tuple[Recording, ...]:
    if not (FOLDER / "manifest.json").is_file():
        return ()
    return tuple(_read(json.loads((FOLDER / "manifest.json").read_text())))


def _read(manifest: list[dict[str, Any]]) -> Iterator[Recording]:
    foreign = ("gemini", "bedrock", "vertex")
    for entry in manifest:
        path = entry.get("path") or (
            "/v1/messages" if entry["provider"] == "anthropic" else "/chat/completions"
        )
        if entry["provider"] in foreign or not path.endswith(("/v1/messages", "/chat/completions")):
            continue
        wire_format = "anthropic" if entry["provider"] == "anthropic" else "openai"
        body = (FOLDER / entry["response"]).read_bytes()
        if not _is_chat(wire_format, body) or b'"object":"response"' in body.replace(b" ", b""):
            continue
        request = json.loads((FOLDER / entry["request"]).read_bytes()) if entry.get("request") else None
        stream = entry["format"] in ("sse", "chunks")
        bodies = list(_framed(body)) if entry["format"] == "chunks" else [body]
        for n, one in enumerate(bodies):
            name = entry["id"] if len(bodies) == 1 else f"{entry['id']}#{n}"
            yield Recording(name, wire_format, entry["status"], stream, one, request)


def _framed(payloads: bytes) -> Iterator[bytes]:
    """Streams of which one payload a line was kept; some files hold the streams of several turns."""
    frames: list[bytes] = []
    last_id = None
    for line in filter(None, payloads.splitlines()):
        chat_id = json.loads(line).get("id") or last_id
        begins = b'"message_start"' in line and frames and b'"message_stop"' in frames[-1]
        if begins or chat_id != last_id is not None:
            yield b"".join(frames)
            frames.clear()
        last_id = chat_id
        frames.append(b"data: " + line + b"\n\n")
    yield b"".join(frames)


def select(wire_format: str, *, stream: bool, error: bool = False) -> list[Any]:
    """The recordings of one kind as parameters of a test; one that skips where there are none."""
    found = [
        recording
        for recording in _all()
        if recording.wire_format == wire_format
        and recording.stream is stream
        and (recording.status >= 400 or _is_error(recording)) is error
    ]
    return [pytest.param(recording, id=recording.id) for recording in found] or [
        pytest.param(None, marks=needed)
    ]


def _is_error(recording: Recording) -> bool:
    """Errors under a status of 200."""
    if recording.stream:
        return any(isinstance(data, dict) and data.get("error") for data in recording.data())
    return bool(json.loads(recording.body).get("error"))


def requests() -> list[Any]:
    """Recorded chat completion requests."""
    found = [r for r in _all() if r.wire_format == "openai" and r.request is not None and r.status == 200]
    return [pytest.param(recording, id=recording.id) for recording in found] or [
        pytest.param(None, marks=needed)
    ]


def cuts(body: bytes, seed: int) -> list[bytes]:
    """`body` in pieces of random length, empty ones and cuts between CR and LF included."""
    random = Random(seed)
    pieces = []
    start = 0
    while start < len(body):
        end = start + random.choice((0, 1, 2, 7, 30, 200, 2000))
        pieces.append(body[start:end])
        start = end
    return pieces
