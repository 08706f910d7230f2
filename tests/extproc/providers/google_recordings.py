"""Recorded traffic of Gemini, at AI Studio and on Vertex AI; see ``tests.extproc.recordings``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.extproc.recordings import FOLDER, Recording, needed


@cache
def _all() -> tuple[Recording, ...]:
    if not (FOLDER / "manifest.json").is_file():
        return ()
    return tuple(_read(json.loads((FOLDER / "manifest.json").read_text())))


def _read(manifest: list[dict[str, Any]]) -> Iterator[Recording]:
    for entry in manifest:
        if entry["provider"] not in ("gemini", "vertex"):
            continue
        body = (FOLDER / entry["response"]).read_bytes()
        is_chat = b'"candidates"' in body or b'"error"' in body
        if not is_chat or not entry.get("path", "GenerateContent").lower().endswith("generatecontent"):
            continue
        request = json.loads((FOLDER / entry["request"]).read_bytes()) if entry.get("request") else None
        bodies = [(entry["format"] == "sse", body)]
        if entry["format"] == "chunks":
            chunks = [json.loads(line) for line in body.splitlines() if line.strip()]
            assert len({chunk["responseId"] for chunk in chunks}) == 1
            bodies = [(True, framed(chunks))]
        elif body.lstrip().startswith(b"["):  # a stream asked for without SSE; the same as one with it
            bodies.append((True, framed(json.loads(body))))
        for stream, one in bodies:
            yield Recording(entry["id"], "google", entry["status"], stream, one, request)


def framed(chunks: list[Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def select(*, stream: bool, error: bool = False) -> list[Any]:
    """The recordings of one kind as parameters of a test; one that skips where there are none."""
    found = [
        recording for recording in _all() if recording.stream is stream and (recording.status >= 400) is error
    ]
    return [pytest.param(recording, id=recording.id) for recording in found] or [
        pytest.param(None, marks=needed)
    ]


def requests() -> list[Any]:
    """Requests that Google accepted."""
    found = {r.id: r for r in _all() if r.request is not None and r.status == 200}
    return [pytest.param(recording, id=name) for name, recording in found.items()] or [
        pytest.param(None, marks=needed)
    ]
