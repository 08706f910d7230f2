from __future__ import annotations

import pytest

from extproc.chat.places import client_place, in_client_words
from extproc.errors import RequestError, UnsupportedFieldError

PLACES = {
    "messages": "input",
    "messages[1]": "input[4]",
    "messages.content.image_url.detail": "input.content.detail",
    "tools[0].function": "tools[2]",
}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("messages", "input"),
        ("messages[1]", "input[4]"),
        ("messages[1].content[0].text", "input[4].content[0].text"),
        ("messages[11].content", "input[11].content"),
        ("messages.name", "input.name"),
        ("messages.content.image_url.detail", "input.content.detail"),
        ("tools[0].function.parameters", "tools[2].parameters"),
        ("tools[0]", "tools[0]"),
        ("messagesque", "messagesque"),
        ("", ""),
    ],
)
def test_the_longest_place_that_leads_there_counts(name: str, place: str) -> None:
    assert client_place(name, PLACES) == place


def test_errors_keep_their_kind() -> None:
    error = in_client_words(UnsupportedFieldError("messages[1]: no", param="messages[1]"), PLACES)
    assert type(error) is UnsupportedFieldError
    assert (error.message, error.param) == ("input[4]: no", "input[4]")


def test_other_words_stay() -> None:
    error = in_client_words(RequestError("say more", param="messages"), PLACES)
    assert (error.message, error.param) == ("say more", "input")
    nameless = RequestError("no")
    assert in_client_words(nameless, PLACES) is nameless
