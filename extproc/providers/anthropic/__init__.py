"""Anthropic's Messages API, also spoken by llama.cpp, vLLM, DeepSeek and others."""

from __future__ import annotations

from collections.abc import Mapping

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import NO_HEADERS, ProviderRequest, StreamReader
from extproc.contract.target import Target
from extproc.errors import ProviderError
from extproc.providers.anthropic.request import write_request
from extproc.providers.anthropic.response import read_response
from extproc.providers.anthropic.stream import AnthropicStreamReader
from extproc.providers.faults import fault_error, read_fault


class Anthropic:
    """See ``extproc.chat.seams.WireFormat``."""

    def write_request(self, request: ChatRequest, target: Target, model: str) -> ProviderRequest:
        return write_request(request, target, model)

    def read_response(self, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> ChatResponse:  # noqa: ARG002
        return read_response(body)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:  # noqa: ARG002
        return fault_error(read_fault(body), status)

    def stream_reader(self) -> StreamReader:
        return AnthropicStreamReader()
