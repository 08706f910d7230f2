"""OpenAI's embeddings as a dialect."""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from openai.types import CreateEmbeddingResponse, embedding_create_params
from pydantic import TypeAdapter

from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_embeddings import OpenAIEmbeddings
from extproc.embeddings.model import EmbeddingsResponse
from extproc.errors import ProviderFailed, RequestError

DIALECT = OpenAIEmbeddings()
REPLY = ReplyContext(model="asked-for", created=1_700_000_000, request_id="req-1")
REQUESTS: Any = TypeAdapter(embedding_create_params.EmbeddingCreateParams)


def read(**fields: Any) -> Any:
    return DIALECT.read_request(json.dumps({"model": "m", "input": "text"} | fields).encode())


def test_inputs() -> None:
    assert read().inputs == ("text",)
    assert read(input=["a", "b"]).inputs == ("a", "b")


def test_all_fields() -> None:
    request = read(dimensions=5, user="u", encoding_format="base64", taskType="CLUSTERING", other=None)
    assert (request.dimensions, request.user) == (5, "u")
    assert request.echo == {"encoding_format": Raw(b'"base64"')}
    assert request.extra == {"taskType": Raw(b'"CLUSTERING"')}
    assert read(encoding_format="float").echo is None


TOKENS = "input: this model takes text, not tokens, whose numbers mean other words to it"


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"input": [1, 2]}, "input", TOKENS),
        ({"input": [[1], [2]]}, "input", TOKENS),
        ({"input": ["a", [2]]}, "input", TOKENS),
        ({"input": []}, "input", "input: must not be empty"),
        ({"input": ["a", ""]}, "input", "input: must not be empty"),
        ({"input": None}, "input", "input: Expected `str | array`, got `null`"),
        ({"dimensions": 0}, "dimensions", "dimensions: must be at least 1"),
        ({"dimensions": "5"}, "dimensions", "dimensions: Expected `int | null`, got `str`"),
        ({"encoding_format": "hex"}, "encoding_format", "encoding_format: Invalid enum value 'hex'"),
    ],
)
def test_what_is_wrong(fields: dict[str, Any], param: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(**fields)
    assert (caught.value.param, caught.value.message) == (param, message)


def test_a_name_is_edited_and_nothing_else() -> None:
    assert (
        DIALECT.edit_request(b'{"input":[1,  2],"model":"a"}', model="b") == b'{"input":[1,  2],"model":"b"}'
    )
    with pytest.raises(RequestError) as caught:
        DIALECT.edit_request(b"{}", model="b")
    assert caught.value.param == "model"


ANSWER = EmbeddingsResponse(vectors=([0.1, -2.5e-05], [1.0, 3.0]), tokens=7)


def test_an_answer_in_numbers() -> None:
    told = CreateEmbeddingResponse.model_validate_json(DIALECT.write_response(ANSWER, REPLY), strict=True)
    assert [(each.index, each.embedding) for each in told.data] == [(0, [0.1, -2.5e-05]), (1, [1.0, 3.0])]
    assert (told.model, told.usage.prompt_tokens, told.usage.total_tokens) == ("asked-for", 7, 7)


def test_an_answer_packed() -> None:
    reply = ReplyContext(model="m", created=1, request_id="r", echo=read(encoding_format="base64").echo)
    told = json.loads(DIALECT.write_response(ANSWER, reply))
    unpacked = [struct.unpack("<2f", base64.b64decode(each["embedding"])) for each in told["data"]]
    assert unpacked == [pytest.approx((0.1, -2.5e-05)), (1.0, 3.0)]


def test_a_provider_that_does_not_count() -> None:
    told = json.loads(DIALECT.write_response(EmbeddingsResponse(vectors=([1.0],)), REPLY))
    assert told["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


def test_there_are_no_streams() -> None:
    with pytest.raises(ProviderFailed):
        DIALECT.stream_writer(REPLY)


SCALARS = st.none() | st.booleans() | st.integers(-3, 5000) | st.floats(-1, 3) | st.text(max_size=5)
FIELDS = st.sampled_from([*embedding_create_params.EmbeddingCreateParams.__annotations__, "taskType"])
VALUES = (
    SCALARS
    | st.sampled_from(["float", "base64"])
    | st.lists(SCALARS | st.lists(st.integers(0, 9), max_size=2), max_size=3)
)


@given(st.dictionaries(FIELDS, VALUES))
def test_any_request_is_read_or_refused(fields: dict[str, Any]) -> None:
    """What is refused names one of the client's fields; what is read is a request for OpenAI too."""
    refused: list[RequestError] = []
    try:
        request = read(**fields)
    except RequestError as error:
        refused.append(error)
    for one in refused:
        assert re.split(r"[.\[]", one.param or "")[0] in {"model", "input", *fields}
        return
    known = {name: value for name, value in fields.items() if value is not None and name not in request.extra}
    REQUESTS.validate_python({"model": "m", "input": "text"} | known)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_packing_loses_nothing_that_a_float_holds(vector: list[float]) -> None:
    reply = ReplyContext(model="m", created=1, request_id="r", echo={"encoding_format": Raw(b'"base64"')})
    told = json.loads(DIALECT.write_response(EmbeddingsResponse(vectors=(vector,)), reply))
    packed = base64.b64decode(told["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(vector)}f", packed)) == vector
