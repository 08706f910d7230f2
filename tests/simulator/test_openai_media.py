"""Images, speech, moderations and rerank of the simulator, by the official client."""

from __future__ import annotations

from typing import Any

import openai
import pytest


def test_images(openai_client: openai.OpenAI) -> None:
    told = openai_client.images.generate(model="gpt-image-1", prompt="a cat", n=2)
    assert told.data is not None
    assert [each.revised_prompt for each in told.data] == ["a cat", "a cat"]


def test_speech(openai_client: openai.OpenAI) -> None:
    told = openai_client.audio.speech.create(model="tts-1", voice="alloy", input="hi")
    assert told.content == b"\xff\xfbhi"


def test_moderations(openai_client: openai.OpenAI) -> None:
    told = openai_client.moderations.create(model="omni-moderation-latest", input=["a", "b"])
    assert [each.flagged for each in told.results] == [False, False]


def test_rerank(openai_client: openai.OpenAI) -> None:
    asked = {"model": "rank", "query": "blue sky", "documents": ["red", "blue sky"], "top_n": 1}
    told: Any = openai_client.post("/rerank", body=asked, cast_to=object)
    assert told["results"] == [{"index": 1, "relevance_score": 1.0}]


def test_refused(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        openai_client.images.generate(model="gpt-image-1", prompt="a", extra_body={"x": 1})
    with pytest.raises(openai.NotFoundError):
        openai_client.moderations.create(model="missing-x", input="a")
    with pytest.raises(openai.BadRequestError):
        openai_client.post("/rerank", body={"model": "rank"}, cast_to=object)
