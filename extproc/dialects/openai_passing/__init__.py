"""OpenAI's endpoints that no other format has a counterpart of: images, audio, moderations, rerank.

Providers of OpenAI's format get the client's bytes under their own name for the model; their answers, which
may be sound or pictures, pass without a look. For all others such a request is an error.
"""

from __future__ import annotations

from typing import Any, NoReturn

from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_chat.request import edit_request
from extproc.dialects.openai_chat.response import write_error
from extproc.dialects.openai_chat.stream import write_stream_error
from extproc.errors import GatewayError, RequestError


class OpenAIPassing:
    """See ``extproc.chat.seams.ClientDialect``. Nothing is ever read from one or written to it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read_request(self, body: bytes) -> NoReturn:  # noqa: ARG002 - whatever is in it
        """Raises: RequestError."""
        raise self._only_passes()

    def edit_request(self, body: bytes, *, model: str) -> bytes:
        return edit_request(body, model=model)

    def write_response(self, response: Any, reply: ReplyContext) -> NoReturn:  # noqa: ARG002
        """Raises: RequestError."""
        raise self._only_passes()

    def stream_writer(self, reply: ReplyContext) -> NoReturn:  # noqa: ARG002
        """Raises: RequestError."""
        raise self._only_passes()

    def write_error(self, error: GatewayError) -> bytes:
        return write_error(error)

    def write_stream_error(self, error: GatewayError) -> bytes:
        return write_stream_error(error)

    def _only_passes(self) -> RequestError:
        return RequestError(f"model: its provider has no {self.path}", param="model")
