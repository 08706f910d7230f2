"""``read_body.lua`` on LuaJIT, as in Envoy, compared with Python's own JSON reader."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lupa import luajit21

RUNTIME = luajit21.LuaRuntime(encoding=None)
RUNTIME.execute(files("controlplane.xds").joinpath("read_body.lua").read_bytes())
READ_BODY = RUNTIME.globals()[b"read_body"]

BAD = (None, None, True)


def read_body(text: bytes) -> tuple[str | None, bool, bool]:
    """Model, whether it streams, whether the text is bad."""
    model, stream, bad = READ_BODY(text)
    return None if model is None else model.decode(), stream == b"true", bad


def expected(body: Any) -> tuple[str | None, bool, bool]:
    """The same by Python's rules."""
    if not isinstance(body, dict):
        return None, False, False
    model = body.get("model")
    if isinstance(model, dict | list):
        model = None
    elif model is not None and not isinstance(model, str):
        model = json.dumps(model)
    return model, body.get("stream") is True, False


@pytest.mark.parametrize(
    ("text", "model", "stream"),
    [
        (b'{"model":"gpt-4o","stream":true}', "gpt-4o", True),
        (b' { "model" : "gpt-4o" , "stream" : false } \r\n', "gpt-4o", False),
        (b'{"nested":{"model":"x","stream":true},"list":[{"model":"y"}]}', None, False),
        (b'{"a":"\\"model\\":\\"x\\"","model":"right"}', "right", False),
        (b'{"a":"\\\\","model":"after a backslash"}', "after a backslash", False),
        (b'{"a":"\\\\\\"","model":"after both"}', "after both", False),
        (b'{"a":"}]","b":["{",{"c":"]"}],"model":"brackets in strings"}', "brackets in strings", False),
        (b'{"model":"first","model":"last"}', "last", False),
        (b'{"mod\\u0065l":"escaped key"}', "escaped key", False),
        (b'{"model":"\\u00e9\\ud83d\\ude00\\n\\/"}', "\u00e9\U0001f600\n/", False),
        (b'\xef\xbb\xbf{"model":"after a byte order mark"}', "after a byte order mark", False),
        (b'{"seed":99999999999999999999,"x":-1.5e+3,"model":"m"}', "m", False),
        (b'{"model":5}', "5", False),
        (b'{"model":null}', None, False),
        (b'{"stream":"true"}', None, False),
        (b'{"' + b"k" * 1000 + b'":1,"model":"after a long key"}', "after a long key", False),
        (b'{"' + b"".join(b"\\u%04x" % c for c in b"model") + b'":"all escaped"}', "all escaped", False),
        (b"{}", None, False),
        (b"[]", None, False),
        (b'[{"model":"x"}]', None, False),
        (b'"model"', None, False),
    ],
)
def test_reads(text: bytes, model: str | None, stream: bool) -> None:
    assert read_body(text) == (model, stream, False)
    assert expected(json.loads(text.decode("utf-8-sig"))) == (model, stream, False)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"not json",
        b"{",
        b'{"model"',
        b'{"model":',
        b'{"model":}',
        b'{"model":"gpt"',
        b'{"model":"gpt',
        b'{"model":"gpt",}',
        b'{"model":"gpt"}}',
        b'{"model":"gpt"} {"model":"other"}',
        b'{"model" "gpt"}',
        b'{model:"gpt"}',
        b"{'model':'gpt'}",
        b'{"model":"gpt","x":tru}',
        b'{"model":"gpt","x":NaN}',
        b'{"model":"gpt","x":01x}',
        b'{"model":"gpt","x":[1,2}',
        b'{"model":"gpt","x":["a]}',
        b'{"model":"\\x"}',
        b'{"model":"\\ud800"}',
        b'{"model":"\\udc00"}',
        b'{"model":"\\u12"}',
        b'{"model":"\xff"}',
        b'{"model":"\xc3"}',
        b'{"model":"\\u0000"}',
        b'{"model":"' + b"m" * 5000 + b'"}',
        b"[1,2",
        b"[] x",
    ],
)
def test_refuses(text: bytes) -> None:
    assert read_body(text)[2] is True


@pytest.mark.parametrize("hiding", [b'/* " */', b'// "\n', b"'\"'"])
def test_what_lenient_readers_would_read_otherwise_is_refused(hiding: bytes) -> None:
    """Whoever skips comments would find another model than we do."""
    assert read_body(b'{"x":[' + hiding + b'],"model":"cheap"}')[2] is True


_KEYS = st.sampled_from(["model", "stream", "messages", 'mo"del', "\\model", "m\u00f6del"]) | st.text(
    max_size=5
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def _has_nul(body: Any) -> bool:
    return isinstance(body, dict) and "\x00" in str(body.get("model"))


@given(_VALUES | st.dictionaries(_KEYS, _VALUES, max_size=6), st.booleans(), st.sampled_from([None, 1]))
@example({"model": "\u007f", "stream": True}, True, None)
def test_any_json_is_read_as_python_reads_it(body: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(body, ensure_ascii=ascii_only, indent=indent)
    assert read_body(text.encode("utf-8", "surrogatepass")) == (
        (None, read_body(text.encode())[1], True) if _has_nul(body) else expected(body)
    )


@given(_VALUES, st.data())
def test_cut_json_is_never_whole(body: Any, data: st.DataObject) -> None:
    text = json.dumps({"model": "gpt", "body": body}).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    assert read_body(text[:cut])[2] is True


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ truefalsn01', max_size=60).map(str.encode))
def test_any_bytes_have_an_answer(text: bytes) -> None:
    """Whatever Python reads, this reads alike; it may let pass what is broken inside a value."""
    model, stream, bad = READ_BODY(text)
    try:
        body = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return
    if b"NaN" in text or b"Infinity" in text or _has_nul(body):
        return
    assert (model and model.decode(), stream == b"true", bad) == expected(body)
