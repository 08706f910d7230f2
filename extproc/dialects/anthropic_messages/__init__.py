"""The dialect of Anthropic's Messages API, which coding agents speak, and of its counting of tokens."""

from __future__ import annotations

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import ReplyContext, StreamWriter
from extproc.dialects.anthropic_messages.edit import edit_request
from extproc.dialects.anthropic_messages.request import read_request
from extproc.dialects.anthropic_messages.response import write_error, write_response
from extproc.dialects.anthropic_messages.stream import MessageWriter, write_stream_error
from extproc.errors import GatewayError, RequestError


class AnthropicMessages:
    """See ``extproc.chat.seams.Dialect``."""

    path: str = "/messages"

    def read_request(self, body: bytes) -> ChatRequest:
        return read_request(body)

    def edit_request(self, body: bytes, *, model: str) -> bytes:
        return edit_request(body, model=model)

    def write_response(self, response: ChatResponse, reply: ReplyContext) -> bytes:
        return write_response(response, reply)

    def stream_writer(self, reply: ReplyContext) -> StreamWriter:
        return MessageWriter(reply)

    def write_error(self, error: GatewayError) -> bytes:
        return write_error(error)

    def write_stream_error(self, error: GatewayError) -> bytes:
        return write_stream_error(error)


class CannotCount(RequestError):  # noqa: N818 - reads as what happened
    """Only Anthropic counts tokens without answering, and no other tokenizer agrees with its own."""

    status = 404
    code = "not_found"


class AnthropicCountTokens(AnthropicMessages):
    """``count_tokens``: Anthropic's answer, or none.

    Coding agents estimate for themselves where a server does not count; a wrong figure they would believe.
    """

    path: str = "/messages/count_tokens"

    def read_request(self, body: bytes) -> ChatRequest:  # noqa: ARG002
        raise CannotCount("the provider of this model does not count tokens")
