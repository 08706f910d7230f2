"""Google's generateContent, which Gemini speaks at AI Studio and on Vertex AI.

https://ai.google.dev/api/generate-content and
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from collections.abc import Mapping

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import NO_HEADERS, ProviderRequest, StreamReader
from extproc.contract.target import Target
from extproc.errors import ProviderError
from extproc.providers.google.errors import read_error
from extproc.providers.google.request import write_request
from extproc.providers.google.response import read_response
from extproc.providers.google.stream import GoogleStreamReader


class Google:
    """See ``extproc.chat.seams.WireFormat``."""

    def write_request(self, request: ChatRequest, target: Target, model: str) -> ProviderRequest:
        return write_request(request, target, model)

    def read_response(self, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> ChatResponse:  # noqa: ARG002
        return read_response(body)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:  # noqa: ARG002
        return read_error(body, status)

    def stream_reader(self) -> StreamReader:
        return GoogleStreamReader()
