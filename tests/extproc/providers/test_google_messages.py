"""Conversations as Gemini wants them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.google.messages import UNSIGNED
from tests.extproc.providers.gemini import (
    B64,
    OLD,
    SIGNATURE,
    USER,
    VERTEX,
    body,
    calls,
    says,
    send,
    tool,
    turns,
)

HI = says("user", "hi")
PNG = f"data:image/png;base64,{B64}"
INLINE = {"inlineData": {"mimeType": "image/png", "data": B64}}
SIGNED = {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": f"google:{SIGNATURE}"}]}


def call(call_id: str, name: str = "f", args: Any = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"id": call_id, "name": name, "args": args or {}}} | more


def result(call_id: str, name: str = "f", **response: Any) -> dict[str, Any]:
    return {"functionResponse": {"id": call_id, "name": name, "response": response or {"output": "r"}}}


def test_system_messages_go_apart_in_their_order_wherever_they_stand() -> None:
    sent = body(
        messages=[
            {"role": "system", "content": "one"},
            USER,
            {"role": "developer", "content": [{"type": "text", "text": "two"}]},
        ]
    )
    assert sent["systemInstruction"] == {"parts": [{"text": "one"}, {"text": "two"}]}
    assert sent["contents"] == [HI]


def test_a_system_message_alone_is_what_the_user_says() -> None:
    sent = body(messages=[{"role": "system", "content": "one"}])
    assert (sent["contents"], "systemInstruction" in sent) == ([says("user", "one")], False)


def test_turns_of_one_role_become_one_and_empty_ones_vanish() -> None:
    contents = turns(
        USER,
        {"role": "user", "content": "there"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": None, "refusal": "b"},
    )
    assert contents == [says("user", "hi", "there"), says("model", "a", "b")]


def test_a_conversation_begins_with_the_user() -> None:
    assert turns({"role": "assistant", "content": "a"}) == [says("user", "."), says("model", "a")]


def test_nothing_to_say_is_an_error() -> None:
    with pytest.raises(RequestError, match="at least one that is not empty") as caught:
        turns({"role": "user", "content": ""})
    assert caught.value.param == "messages"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": {"url": PNG}}, INLINE),
        (
            {"type": "image_url", "image_url": {"url": "https://x/y.PNG?z=1"}},
            {"fileData": {"fileUri": "https://x/y.PNG?z=1", "mimeType": "image/png"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "gs://bucket/picture"}},
            {"fileData": {"fileUri": "gs://bucket/picture", "mimeType": "image/jpeg"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": B64, "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": B64}},
        ),
        (
            {
                "type": "file",
                "file": {"file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"},
            },
            {"inlineData": {"mimeType": "application/pdf", "data": B64}},
        ),
        (
            {"type": "file", "file": {"file_data": f"data:application/json;base64,{B64}"}},
            {"inlineData": {"mimeType": "text/plain", "data": B64}},
        ),
        (
            {"type": "file", "file": {"file_data": f"data:image/jpg;base64,{B64}"}},
            {"inlineData": {"mimeType": "image/jpeg", "data": B64}},
        ),
        (
            {"type": "file", "file": {"file_data": "https://x/a.txt"}},
            {"fileData": {"fileUri": "https://x/a.txt", "mimeType": "text/plain"}},
        ),
        (
            {"type": "file", "file": {"file_id": "files/abc"}},
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
        ),
        (
            {"type": "file", "file": {"file_id": "gs://b/report.pdf"}},
            {"fileData": {"fileUri": "gs://b/report.pdf", "mimeType": "application/pdf"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x/a.webm"}},
            {"fileData": {"fileUri": "https://x/a.webm", "mimeType": "video/webm"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{B64}"}},
            {"inlineData": {"mimeType": "video/mp4", "data": B64}},
        ),
    ],
)
def test_media(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert turns({"role": "user", "content": [part]}) == [{"role": "user", "parts": [expected]}]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{B64}"}},
        {"type": "image_url", "image_url": {"url": "ftp://x/y.png"}},
        {"type": "file", "file": {"file_id": "file-openai"}},
        {"type": "file", "file": {"file_data": B64, "filename": "a.exe"}},
        {"type": "video_url", "video_url": {"url": "data:video/mp4,x"}},
        {"type": "novelty"},
    ],
)
def test_content_that_gemini_cannot_take_is_an_error_that_names_it(part: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedFieldError, match="the provider cannot take") as caught:
        send(messages=[USER, {"role": "user", "content": [{"type": "text", "text": "x"}, part]}])
    assert caught.value.param == "messages[1].content[1]"


def test_a_video_without_an_address_is_an_error() -> None:
    with pytest.raises(RequestError) as caught:
        send(messages=[{"role": "user", "content": [{"type": "video_url"}]}])
    assert caught.value.param == "messages[0].content[0].video_url"


def test_details_and_names_are_not_honoured() -> None:
    image = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
    sent = send(messages=[{"role": "user", "name": "n", "content": [image]}])
    assert sent.unsupported == ("messages.name", "messages.content.image_url.detail")


def test_calls_and_results_keep_their_ids_and_learn_their_names() -> None:
    asked = calls("a", "f", '{"n": 1.0}')
    asked["tool_calls"] += calls("b", "g", "")["tool_calls"]
    contents = turns(USER, asked, tool("b", "two"), tool("a", "no", is_error=True), USER, model=OLD)
    assert contents == [
        HI,
        says("model", call("a", "f", {"n": 1.0}), call("b", "g")),
        says("user", result("a", "f", error="no"), result("b", "g", output="two")),
        HI,
    ]


@pytest.mark.parametrize("arguments", ["not json", "[1]", '{"a":'])
def test_arguments_that_are_no_object(arguments: str) -> None:
    contents = turns(USER, calls("a", "f", arguments), tool("a"), model=OLD)
    assert contents[1] == says("model", call("a", "f", {"INVALID_JSON": arguments}))


def test_a_result_of_no_call_is_an_error() -> None:
    with pytest.raises(RequestError, match="no earlier message calls a tool") as caught:
        turns(USER, calls("a"), tool("b"))
    assert caught.value.param == "messages[2].tool_call_id"


def test_images_in_results() -> None:
    content = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": PNG}}]
    asked = calls("a")
    asked["tool_calls"] += calls("b")["tool_calls"]
    history = (USER, asked, tool("a", content), tool("b"), USER)
    answered = result("a", output="see")
    answered["functionResponse"]["parts"] = [INLINE]
    assert turns(*history)[2:] == [says("user", answered, result("b")), HI]
    # Before Gemini 3 results had only text: what they show comes after all of them.
    assert turns(*history, model=OLD)[2:] == [
        says("user", result("a", output="see"), result("b")),
        says("user", INLINE, "hi"),
    ]


def test_the_signature_goes_back_with_the_first_call() -> None:
    asked = calls("a") | SIGNED | {"content": "so"}
    asked["tool_calls"] += calls("b")["tool_calls"]
    contents = turns(USER, asked, tool("a"), tool("b"))
    assert contents[1]["parts"] == [
        {"text": "hm", "thought": True},
        {"text": "so"},
        call("a", thoughtSignature=SIGNATURE),
        call("b"),
    ]


def test_the_signature_goes_back_with_the_text() -> None:
    contents = turns(USER, {"role": "assistant", "content": "so"} | SIGNED, USER)
    assert contents[1]["parts"] == [
        {"text": "hm", "thought": True},
        {"text": "so", "thoughtSignature": SIGNATURE},
    ]


def test_a_signature_without_a_word_still_goes_back() -> None:
    contents = turns(USER, {"role": "assistant", "content": None} | SIGNED, USER)
    assert contents[1]["parts"][-1] == {"text": "", "thoughtSignature": SIGNATURE}


def test_calls_without_a_signature_are_excused_in_the_turn_that_is_checked() -> None:
    early, late = (calls("a"), tool("a")), (calls("b"), tool("b"))
    contents = turns(USER, *early, USER, *late)
    assert contents[1]["parts"] == [call("a")]
    assert contents[4]["parts"] == [call("b", thoughtSignature=UNSIGNED)]
    assert turns(USER, *late, model=OLD)[1]["parts"] == [call("b")]


def test_what_claude_thought_is_not_geminis() -> None:
    blocks = {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "EpQB"}]}
    contents = turns(USER, calls("a") | blocks, tool("a"))
    assert contents[1]["parts"] == [call("a", thoughtSignature=UNSIGNED)]


def test_what_gemini_thought_is_not_claudes() -> None:
    from tests.extproc.providers import claude

    sent = claude.body(messages=[USER, {"role": "assistant", "content": "so"} | SIGNED, USER])
    assert sent["messages"][1]["content"] == [{"type": "text", "text": "so"}]


def test_googles_own_parts_go_back_verbatim() -> None:
    parts = [
        {"text": "x", "index": 0},
        {"executableCode": {"language": "PYTHON", "code": "1"}, "index": 1},
        {"functionCall": {"name": "f", "args": {}}, "index": 2},
    ]
    contents = turns(USER, calls("call_r_0") | {"google_content": parts}, tool("call_r_0"))
    assert contents[1]["parts"] == [{k: v for k, v in part.items() if k != "index"} for part in parts]
    # The call had no id, so its result has none.
    assert contents[2]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "r"}}}]


def test_own_parts_that_are_none() -> None:
    parts = [{"functionCall": 5}]
    with pytest.raises(RequestError) as caught:
        turns(USER, calls("a") | {"google_content": parts})
    assert caught.value.param == "messages[1].google_content[0].functionCall"


def test_an_assistants_audio_has_no_place() -> None:
    with pytest.raises(UnsupportedFieldError) as caught:
        turns(USER, {"role": "assistant", "audio": {"id": "a"}})
    assert caught.value.param == "messages[1].audio"


def test_a_system_message_has_only_text() -> None:
    part = {"type": "image_url", "image_url": {"url": PNG}}
    with pytest.raises(UnsupportedFieldError) as caught:
        turns({"role": "system", "content": [part]}, USER)
    assert caught.value.param == "messages[0].content[0]"


def test_custom_calls_of_another_provider() -> None:
    asked = {
        "role": "assistant",
        "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "c", "input": "x"}}],
    }
    assert turns(USER, asked, tool("a"), model=OLD)[1]["parts"] == [call("a", "c", {"input": "x"})]


def test_key_order_and_numbers_of_arguments_survive() -> None:
    sent = send(messages=[USER, calls("a", "f", '{"z": 1.0, "a": 1e3}'), tool("a")]).body
    assert b'"args":{"z": 1.0, "a": 1e3}' in sent
    assert json.loads(sent)


def test_vertex_knows_no_ids_but_the_order() -> None:
    asked = calls("a", "f", '{"n": 1}')
    asked["tool_calls"] += calls("b", "f", '{"n": 2}')["tool_calls"]
    own = [{"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": SIGNATURE}]
    history = [
        USER,
        asked,
        tool("b", "two"),
        tool("a", "one"),
        calls("c") | {"google_content": own},
        tool("c"),
    ]
    contents = json.loads(send(OLD, VERTEX, messages=history).body)["contents"]
    assert '"id"' not in json.dumps(contents)
    assert [part["functionResponse"]["response"]["output"] for part in contents[2]["parts"]] == ["one", "two"]
    assert contents[3]["parts"] == [
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": SIGNATURE}
    ]
    assert contents[4]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "r"}}}]
