"""Conversations of OpenAI chat requests as Anthropic gets them, a rule of translation.md a line.

Every body that these tests make must satisfy the SDK's types as well.
"""

from __future__ import annotations

from typing import Any

import pytest

from extproc.errors import UnsupportedFieldError
from tests.extproc.providers.claude import (
    B64,
    EPHEMERAL,
    USER,
    body,
    calls,
    result,
    says,
    send,
    text,
    tool,
    tool_use,
    turns,
)


@pytest.mark.parametrize(
    ("messages", "system", "expected"),
    [
        # system and developer messages, anywhere and several
        (
            [{"role": "system", "content": "a"}, USER, {"role": "developer", "content": [text("b"), text("c", cache_control=EPHEMERAL)]}],
            [text("a"), text("b"), text("c", cache_control=EPHEMERAL)],
            [says("user", text("hi"))],
        ),
        ([{"role": "system", "content": "only"}], None, [says("user", text("only"))]),
        ([{"role": "system", "content": " "}, USER], None, [says("user", text("hi"))]),
        # consecutive roles, empty content, strings and parts
        ([USER, {"role": "user", "content": [text("you")]}], None, [says("user", text("hi"), text("you"))]),
        (
            [USER, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, USER],
            None,
            [says("user", text("hi")), says("assistant", text("a"), text("b")), says("user", text("hi"))],
        ),
        ([USER, {"role": "assistant", "content": ""}, {"role": "user", "content": [text(""), text("x")]}], None, [says("user", text("hi"), text("x"))]),
        ([{"role": "assistant", "content": "a"}, USER], None, [says("user", text(".")), says("assistant", text("a")), says("user", text("hi"))]),
        # a prefill must not end in white space
        ([USER, {"role": "assistant", "content": "Sure: \n"}], None, [says("user", text("hi")), says("assistant", text("Sure:"))]),
        ([USER, {"role": "assistant", "refusal": "no"}, USER], None, [says("user", text("hi")), says("assistant", text("no")), says("user", text("hi"))]),
    ],
)  # fmt: skip
def test_turns(messages: list[dict[str, Any]], system: Any, expected: list[dict[str, Any]]) -> None:
    sent = body(messages=messages)
    assert (sent.get("system"), sent["messages"]) == (system, expected)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        # results of parallel calls in one turn, the user's words after them
        (
            [USER, {"role": "assistant", "content": "t", "tool_calls": calls("a")["tool_calls"] + calls("b")["tool_calls"]}, tool("b"), tool("a"), USER],
            [says("assistant", text("t"), tool_use("a"), tool_use("b")), says("user", result("b"), result("a"), text("hi"))],
        ),
        (
            [USER, calls("a"), USER, tool("a")],
            [says("assistant", tool_use("a")), says("user", result("a"), text("hi"))],
        ),
        # errors, images, marks, nothing at all
        (
            [USER, calls("a"), tool("a", is_error=True, cache_control=EPHEMERAL)],
            [says("assistant", tool_use("a")), says("user", result("a") | {"is_error": True, "cache_control": EPHEMERAL})],
        ),
        (
            [USER, calls("a"), tool("a", [text("see"), {"type": "image_url", "image_url": {"url": "https://x/y.png"}}])],
            [says("assistant", tool_use("a")), says("user", result("a", [text("see"), {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}]))],
        ),
        (
            [USER, calls("a"), tool("a", "")],
            [says("assistant", tool_use("a")), says("user", {"type": "tool_result", "tool_use_id": "a"})],
        ),
        # ids of other providers, the same for a call and its result
        (
            [USER, calls("functions.f:0"), tool("functions.f:0")],
            [says("assistant", tool_use("functions_f_0_b9a7d792")), says("user", result("functions_f_0_b9a7d792"))],
        ),
        # arguments: numbers as they are, nothing, no JSON
        ([USER, calls("a", arguments='{"n": 1}'), tool("a")], [says("assistant", tool_use("a", {"n": 1})), says("user", result("a"))]),
        ([USER, calls("a", arguments=""), tool("a")], [says("assistant", tool_use("a")), says("user", result("a"))]),
        ([USER, calls("a", arguments='{"n": '), tool("a")], [says("assistant", tool_use("a", {"INVALID_JSON": '{"n": '})), says("user", result("a"))]),
        ([USER, calls("a", arguments="[1]"), tool("a")], [says("assistant", tool_use("a", {"INVALID_JSON": "[1]"})), says("user", result("a"))]),
        (
            [USER, {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}]}, tool("a")],
            [says("assistant", tool_use("a", {"input": "x"})), says("user", result("a"))],
        ),
    ],
)  # fmt: skip
def test_tool_turns(messages: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert turns(*messages)[1:] == expected


def test_arguments_keep_numbers_and_order() -> None:
    given = '{"z":1.0,"a":123456789012345678901234567890,"b":1e3}'
    assert given.encode() in send(messages=[USER, calls("a", arguments=given), tool("a")]).body


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y"}}, {"type": "image", "source": {"type": "url", "url": "https://x/y"}}),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{B64}"}, "cache_control": EPHEMERAL},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": B64}, "cache_control": EPHEMERAL},
        ),
        (
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": B64}, "title": "a.pdf"},
        ),
        ({"type": "file", "file": {"file_data": f"data:text/csv;base64,{B64}"}}, {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
        ({"type": "file", "file": {"file_data": f"data:image/png;base64,{B64}"}}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B64}}),
        ({"type": "file", "file": {"file_data": "https://x/y.pdf"}}, {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}),
        ({"type": "file", "file": {"file_id": "file_1"}}, {"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
        # Anthropic's own blocks
        ({"type": "container_upload", "file_id": "f"}, {"type": "container_upload", "file_id": "f"}),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "citations": {"enabled": True}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "citations": {"enabled": True}},
        ),
    ],
)  # fmt: skip
def test_content(part: dict[str, Any], block: dict[str, Any]) -> None:
    assert turns({"role": "user", "content": [part]}) == [says("user", block)]


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "input_audio", "input_audio": {"data": B64, "format": "wav"}}, "audio"),
        ({"type": "image_url", "image_url": {"url": f"data:image/tiff;base64,{B64}"}}, "an image of type 'image/tiff'"),
        ({"type": "image_url", "image_url": {"url": "gs://x"}}, "an image URL that is neither https nor a base64 data URI"),
        ({"type": "file", "file": {"file_data": B64, "filename": "a.zip"}}, "a file of type 'application/octet-stream'"),
        ({"type": "file", "file": {"file_data": "data:text/plain;base64,/w=="}}, "a text file that is not UTF-8 in base64"),
        ({"type": "video_url", "video_url": {}}, "content of type 'video_url'"),
    ],
)  # fmt: skip
def test_content_that_cannot_be_carried(part: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedFieldError) as caught:
        send(messages=[USER, {"role": "user", "content": [text("x"), part]}])
    assert caught.value.message == f"messages[1].content[1]: the provider cannot take {told}"
    assert (caught.value.param, caught.value.status) == ("messages[1].content[1]", 400)


def test_reasoning_goes_back_with_its_proof_only() -> None:
    blocks = [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "thinking", "thinking": "of another provider", "signature": ""},
        {"type": "redacted_thinking", "data": "d"},
    ]
    said = {"role": "assistant", "content": "c", "reasoning_content": "t", "thinking_blocks": blocks}
    assert turns(USER, said, USER)[1] == says("assistant", blocks[0], blocks[2], text("c"))


def test_anthropic_content_goes_back_verbatim() -> None:
    blocks = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}, "index": 0},
        {"type": "text", "text": " spaced "},
    ]
    said = {"role": "assistant", "content": "else", "anthropic_content": blocks}
    expected = [{key: value for key, value in block.items() if key != "index"} for block in blocks]
    assert turns(USER, said, USER)[1] == says("assistant", *expected)
