"""Images, audio, moderations, rerank: to providers of OpenAI's format as they are, to all others an error."""

from __future__ import annotations

from typing import Any

import pytest

from extproc.chat.seams import ReplyContext
from extproc.contract.endpoints import ENDPOINTS, PASSING, Endpoint
from extproc.dialects import DIALECTS
from extproc.errors import RequestError
from extproc.replies import ReplaceRequestBody
from tests.extproc.transcript import CLAUDE, OPENAI, asked, error

PASSED = [pytest.param(row, id=row.path) for row in ENDPOINTS if row.passes]


@pytest.mark.parametrize("row", PASSED)
def test_requests_pass_under_the_providers_name(row: Endpoint) -> None:
    transcript = asked(OPENAI, b'{"n": 1.0, "model": "fast"}', dialect=row.dialect)
    [sent] = transcript.replies[-1].messages
    assert isinstance(sent, ReplaceRequestBody)
    assert (sent.headers[":path"], sent.body) == (row.path, b'{"n": 1.0, "model": "gpt-x"}')
    assert transcript.replies[-1].close, "what comes back may be anything"


@pytest.mark.parametrize("row", PASSED)
def test_other_formats_have_no_counterpart(row: Endpoint) -> None:
    [answer] = asked(CLAUDE, b'{"model": "fast"}', dialect=row.dialect).replies[-1].messages
    message = f"model: its provider has no {row.path.removeprefix('/v1')}"
    assert answer.body == error("invalid_request_error", param="model", message=message)  # type: ignore[union-attr]


def test_a_request_without_a_model() -> None:
    [answer] = asked(OPENAI, b"{}", dialect="openai_moderations").replies[-1].messages
    assert answer.body == error("invalid_request_error", param="model")  # type: ignore[union-attr]


def test_there_is_nothing_to_translate() -> None:
    dialect: Any = DIALECTS[min(PASSING)]
    reply = ReplyContext(model="m", created=1, request_id="r")
    with pytest.raises(RequestError):
        dialect.write_response(None, reply)
    with pytest.raises(RequestError):
        dialect.stream_writer(reply)
