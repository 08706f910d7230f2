"""OpenAI's Responses API where the provider speaks it itself: bytes pass, and are only watched."""

from __future__ import annotations

from extproc.chat.seams import StreamReader
from extproc.providers.openai import OpenAI
from extproc.providers.openai.watcher import ResponsesWatcher


class OpenAIResponsesPassed(OpenAI):
    """``OpenAI`` with other streams."""

    def stream_reader(self) -> StreamReader:
        return ResponsesWatcher()
