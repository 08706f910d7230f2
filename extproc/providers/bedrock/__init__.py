"""AWS Bedrock's Converse, one format for the models of many makers."""

from __future__ import annotations

from collections.abc import Mapping

from extproc.chat.model import ChatRequest, ChatResponse
from extproc.chat.seams import NO_HEADERS, ProviderRequest, StreamReader
from extproc.contract.target import Target
from extproc.errors import ProviderError
from extproc.providers.bedrock import faults
from extproc.providers.bedrock.request import STREAM_TYPE, write_request
from extproc.providers.bedrock.response import read_response
from extproc.providers.bedrock.stream import BedrockStreamReader

__all__ = ["STREAM_TYPE", "Bedrock"]


class Bedrock:
    """See ``extproc.chat.seams.WireFormat``."""

    def write_request(self, request: ChatRequest, target: Target, model: str) -> ProviderRequest:
        return write_request(request, target, model)

    def read_response(self, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> ChatResponse:  # noqa: ARG002
        return read_response(body)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return faults.read_error(status, headers, body)

    def stream_reader(self) -> StreamReader:
        return BedrockStreamReader()
