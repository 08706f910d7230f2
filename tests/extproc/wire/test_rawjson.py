"""JSON text: one kind of error, and edits that change one value only."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from extproc.wire.rawjson import MalformedJSON, decode, join, replace_string

EDITS = [
    (b'{"model":"a"}', b'{"model":"NEW"}'),
    (b' { "model" : "a" , "n":1.0e3}\n', b' { "model" : "NEW" , "n":1.0e3}\n'),
    (b'{"n":123456789012345678901234567890,"model":"a"}', b'{"n":123456789012345678901234567890,"model":"NEW"}'),
    (b'{"model":"a","model":"b"}', b'{"model":"NEW","model":"NEW"}'),
    (b'{"model":1,"model":"b"}', b'{"model":"NEW","model":"NEW"}'),
    (b'{"model":{"model":[1]},"x":2,"model":"b"}', b'{"model":"NEW","x":2,"model":"NEW"}'),
    (b'{"mod\\u0065l":"a","model":"b"}', b'{"mod\\u0065l":"NEW","model":"NEW"}'),
    (b'{"x":{"model":"in"},"y":["model"],"z":"\\"model\\":\\"q\\"","model":"a\\"}"}',
     b'{"x":{"model":"in"},"y":["model"],"z":"\\"model\\":\\"q\\"","model":"NEW"}'),
    (b'{"x":12,"x":1,"model":"a"}', b'{"x":12,"x":1,"model":"NEW"}'),
    (b'\xef\xbb\xbf{"model":"a"}', b'{"model":"NEW"}'),
    ('{"ü":"ü","model":"ü"}'.encode(), '{"ü":"ü","model":"NEW"}'.encode()),
]  # fmt: skip


@pytest.mark.parametrize(("body", "edited"), EDITS)
def test_only_the_value_changes(body: bytes, edited: bytes) -> None:
    assert replace_string(body, "model", "NEW") == edited


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("model"), inner, max_size=4)
    ),
    max_leaves=12,
)
MEMBERS = st.lists(st.tuples(st.text() | st.sampled_from(["model", "x"]), VALUES), max_size=6)


@given(MEMBERS, st.text(), st.text(), st.booleans(), st.sampled_from([None, 2]))
@example([("model", "x"), ("a", {"model": ["model"]})], "b", '"\\', True, None)
def test_any_object(
    members: list[tuple[str, Any]], model: str, new: str, ascii_only: bool, indent: int | None
) -> None:
    members = [*members, ("model", model)]
    space = " " if indent is None else "\n  "
    inner = ("," + space).join(
        f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=ascii_only)}" for k, v in members
    )
    body = f"{{{space}{inner}{space}}}"
    edited = replace_string(body.encode(), "model", new)
    pairs = json.loads(edited, object_pairs_hook=lambda pairs: pairs)
    before = json.loads(body, object_pairs_hook=lambda pairs: pairs)
    assert pairs == [(key, new if key == "model" else value) for key, value in before]
    if not any(key == "model" for key, _ in members[:-1]):
        assert len(edited) - len(body.encode()) == len(msgspec.json.encode(new)) - len(
            json.dumps(model, ensure_ascii=ascii_only).encode()
        )


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", ""),
        (b"[]", ""),
        (b"{}", "model"),
        (b'{"model":null}', "model"),
        (b'{"model":["a"]}', "model"),
        (b'{"model":"a"', ""),
        (b'{"model":"a"} x', ""),
        (b'{"model":"a","x":NaN}', ""),
        (b'{"model":"\\ud800"}', ""),
        (b'{"model":"a","x":"\xff"}', ""),
        (b'{"model":"a","x":' + b"[" * 100_000, ""),
        (b'{"model":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    ],
)
def test_what_is_no_such_object(body: bytes, path: str) -> None:
    with pytest.raises(MalformedJSON) as caught:
        replace_string(body, "model", "x")
    assert caught.value.path == path


@given(st.binary())
def test_any_bytes_decode_or_are_malformed(body: bytes) -> None:
    for shape in (dict[str, Raw], list[Raw], str, Raw):
        with suppress(MalformedJSON):
            decode(body, shape)


TEXTS = ['{"a":"x"}', '{"a":"ü\U0001f600"}', '\ufeff{"a":"x"}', '\ufeff{"a":"ü"}']


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_the_same_in_every_type(text: str) -> None:
    expected = json.loads(text.removeprefix("\ufeff"))
    for data in (text, text.encode(), Raw(text.encode())):
        assert decode(data, dict[str, str]) == expected
        assert {
            name: json.loads(bytes(value)) for name, value in decode(data, dict[str, Raw]).items()
        } == expected


@pytest.mark.parametrize(
    "bad", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\x80"}', b'{"\xff":1}']
)
def test_bad_utf_8_is_refused_also_where_nobody_looks(bad: bytes) -> None:
    for data in (bad, Raw(bad)):
        for shape in (dict[str, Raw], Raw, msgspec.defstruct("Nothing", [])):
            with pytest.raises(MalformedJSON, match="codec can't decode"):
                decode(data, shape)


class Inner(msgspec.Struct):
    b: int


class Outer(msgspec.Struct):
    a: list[Inner]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a":[{"b":1},{"b":"x"}]}', "a[1].b: Expected `int`, got `str`"),
        (b'{"a":[{}]}', "a[0].b: required field is missing"),
        (b"{}", "a: required field is missing"),
        (b"5", "Expected `object`, got `int`"),
    ],
)
def test_errors_name_the_place(body: bytes, message: str) -> None:
    with pytest.raises(MalformedJSON) as caught:
        decode(body, Outer)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "inner", "joined"),
    [("", "a", "a"), ("a", "", "a"), ("a", "b", "a.b"), ("a", "[0].b", "a[0].b"), ("", "[0]", "[0]")],
)
def test_paths(path: str, inner: str, joined: str) -> None:
    assert join(path, inner) == joined
