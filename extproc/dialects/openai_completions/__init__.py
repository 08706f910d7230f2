"""The dialect of OpenAI's legacy completions: a text, and what comes after it.

A provider of OpenAI's format gets the client's bytes. For all others the text is a user's message.
"""

from __future__ import annotations

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import ReplyContext, StreamWriter
from extproc.dialects.openai_chat.response import write_error
from extproc.dialects.openai_chat.stream import write_stream_error
from extproc.dialects.openai_completions.request import edit_request, read_request
from extproc.dialects.openai_completions.response import write_response
from extproc.dialects.openai_completions.stream import CompletionWriter
from extproc.errors import GatewayError


class OpenAICompletions:
    """See ``extproc.chat.seams.Dialect``."""

    path: str = "/completions"

    def read_request(self, body: bytes) -> ChatRequest:
        return read_request(body)

    def edit_request(self, body: bytes, *, model: str) -> bytes:
        return edit_request(body, model=model)

    def write_response(self, response: ChatResponse, reply: ReplyContext) -> bytes:
        return write_response(response, reply)

    def stream_writer(self, reply: ReplyContext) -> StreamWriter:
        return CompletionWriter(reply)

    def write_error(self, error: GatewayError) -> bytes:
        return write_error(error)

    def write_stream_error(self, error: GatewayError) -> bytes:
        return write_stream_error(error)
