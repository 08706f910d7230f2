"""The dialect of OpenAI's Responses API, towards providers that do not speak it themselves."""

from __future__ import annotations

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import ReplyContext, StreamWriter
from extproc.dialects.openai_responses.request import edit_request, read_request
from extproc.dialects.openai_responses.response import write_error, write_response
from extproc.dialects.openai_responses.stream import EventWriter, write_stream_error
from extproc.errors import GatewayError


class OpenAIResponses:
    """See ``extproc.chat.seams.Dialect``."""

    path: str = "/responses"

    def read_request(self, body: bytes) -> ChatRequest:
        return read_request(body)

    def edit_request(self, body: bytes, *, model: str) -> bytes:
        return edit_request(body, model=model)

    def write_response(self, response: ChatResponse, reply: ReplyContext) -> bytes:
        return write_response(response, reply)

    def stream_writer(self, reply: ReplyContext) -> StreamWriter:
        return EventWriter(reply)

    def write_error(self, error: GatewayError) -> bytes:
        return write_error(error)

    def write_stream_error(self, error: GatewayError) -> bytes:
        return write_stream_error(error)
