"""Embeddings of the simulator, by the official client."""

from __future__ import annotations

import math
from typing import Any

import openai
import pytest

from tests.simulator.known import unknown_fields


def embed(client: openai.OpenAI, given: Any = "hello there", **options: Any) -> Any:
    return client.embeddings.create(model="text-embedding-3-small", input=given, **options)


def test_answer(openai_client: openai.OpenAI) -> None:
    told = embed(openai_client, ["hello there", "other"], encoding_format="float")
    assert [(each.index, len(each.embedding)) for each in told.data] == [(0, 1536), (1, 1536)]
    assert math.hypot(*told.data[0].embedding) == pytest.approx(1)
    assert told.data[0].embedding != told.data[1].embedding
    assert (told.usage.prompt_tokens, told.usage.total_tokens) == (3, 3)
    assert unknown_fields(told) == []


def test_packed_is_the_same(openai_client: openai.OpenAI) -> None:
    packed = embed(openai_client).data[0].embedding  # what the client asks for by itself
    plain = embed(openai_client, encoding_format="float").data[0].embedding
    assert packed == pytest.approx(plain, abs=1e-7)


def test_dimensions(openai_client: openai.OpenAI) -> None:
    assert len(embed(openai_client, dimensions=3).data[0].embedding) == 3
    with pytest.raises(openai.BadRequestError) as caught:
        embed(openai_client, dimensions=5000)
    assert caught.value.param == "dimensions"


def test_tokens(openai_client: openai.OpenAI) -> None:
    assert embed(openai_client, [1, 2, 3]).usage.prompt_tokens == 3
    assert len(embed(openai_client, [[1], [2, 3]]).data) == 2


@pytest.mark.parametrize("given", [[], [""], ""])
def test_nothing_to_embed(openai_client: openai.OpenAI, given: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        embed(openai_client, given)
    assert caught.value.param == "input"


def test_refused(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        embed(openai_client, extra_body={"top_k": 1})
    assert caught.value.param == "top_k"
    with pytest.raises(openai.NotFoundError):
        openai_client.embeddings.create(model="missing-x", input="x")
