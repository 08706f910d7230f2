"""OpenAI's chat completions as a provider's format: OpenAI, vLLM, Ollama, Together and many more."""

from __future__ import annotations

from collections.abc import Mapping

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import NO_HEADERS, ProviderRequest, StreamReader
from extproc.contract.target import Target
from extproc.errors import ProviderError
from extproc.providers.faults import fault_error, read_fault
from extproc.providers.openai.request import write_request
from extproc.providers.openai.response import read_response
from extproc.providers.openai.stream import OpenAIStreamReader


class OpenAI:
    """See ``extproc.chat.seams.WireFormat``."""

    def write_request(self, request: ChatRequest, target: Target, model: str) -> ProviderRequest:
        return write_request(request, target, model)

    def read_response(self, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> ChatResponse:  # noqa: ARG002
        return read_response(body)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:  # noqa: ARG002
        return fault_error(read_fault(body), status)

    def stream_reader(self) -> StreamReader:
        return OpenAIStreamReader()
