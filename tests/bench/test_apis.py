"""What clients of each dialect send."""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.message_create_params import MessageCreateParamsStreaming as Streaming
from pydantic import TypeAdapter

from extproc.dialects import DIALECTS
from tests.bench.apis import CHAT, MESSAGES
from tests.bench.upstream import chunks_wanted


@pytest.mark.parametrize("stream", [False, True])
def test_each_says_the_same(stream: bool) -> None:
    chat = DIALECTS["openai_chat"].read_request(CHAT.request("m", stream=stream, chunks=7))
    messages = DIALECTS["anthropic_messages"].read_request(MESSAGES.request("m", stream=stream, chunks=7))
    assert messages.messages == chat.messages
    assert (messages.model, messages.stream, messages.max_tokens) == ("m", stream, 7)
    assert messages.temperature == chat.temperature


@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_client_could_have_sent_it(stream: bool) -> None:
    kind = Streaming if stream else MessageCreateParamsNonStreaming
    body = MESSAGES.request("m", stream=stream, chunks=7)
    TypeAdapter(kind).validate_python(json.loads(body), strict=True)
    assert chunks_wanted(body) == 7
