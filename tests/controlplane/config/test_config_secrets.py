"""A secret leaves only through `reveal`."""

import copy
import json
import pickle
from dataclasses import asdict, dataclass

import msgspec
import pytest
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from controlplane.config.secrets import Secret, SecretError, secret_from_env, secret_from_file

SECRET = Secret("hunter2")


def test_no_representation_shows_it() -> None:
    texts = [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET:>20}",
        f"{SECRET!r}",
        repr([SECRET]),
    ]
    assert not [text for text in texts if "hunter2" in text]
    assert repr(SECRET) == "Secret([redacted])"
    assert not hasattr(SECRET, "__dict__")


def test_no_encoder_takes_it() -> None:
    with pytest.raises(TypeError):
        json.dumps(SECRET)
    with pytest.raises(TypeError):
        msgspec.json.encode(SECRET)
    with pytest.raises(TypeError):
        msgspec.to_builtins({"key": SECRET})
    with pytest.raises(PydanticSerializationError):
        TypeAdapter(object).dump_json(SECRET)
    with pytest.raises(TypeError, match="a Secret cannot be serialised"):
        pickle.dumps(SECRET)


def test_it_is_a_value() -> None:
    @dataclass
    class Holder:
        secret: Secret

    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert copy.copy(SECRET) is SECRET
    assert asdict(Holder(SECRET)) == {"secret": SECRET}
    assert SECRET.reveal() == "hunter2"


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\n"])
def test_a_line_break_at_the_end_of_a_file_does_not_count(content: bytes) -> None:
    assert secret_from_file("key", content) == SECRET


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file key is empty"),
        (b"\n", "the file key is empty"),
        (b"  \n", "the file key is empty"),
        (b"hunter2\0", "the file key has a NUL byte in it"),
        (b"hunter2\nmore\n", "the file key has a line break in it"),
        (b"hunter2\n\n", "the file key has a line break in it"),
        (b" hunter2", "the file key begins or ends with white space"),
        (b"hunter2\xff", "the file key is not UTF-8 text"),
        ("hunter2ü".encode(), "the file key has a character that no HTTP header can carry"),
        (b"hunter2\x7f", "the file key has a character that no HTTP header can carry"),
    ],
)
def test_unusable_files(content: bytes, problem: str) -> None:
    with pytest.raises(SecretError) as caught:
        secret_from_file("key", content)
    assert str(caught.value) == problem


def test_unusable_variables() -> None:
    with pytest.raises(SecretError, match=r"^the environment variable KEY is not set$"):
        secret_from_env("KEY", None)
    with pytest.raises(SecretError, match=r"^the environment variable KEY is empty$"):
        secret_from_env("KEY", "")
