"""Protobuf messages of Envoy's, to and fro."""

from __future__ import annotations

import contextlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc import codec
from extproc.contract import names
from extproc.contract.target import encode as text_of
from extproc.messages import ProtocolError, RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.replies import (
    Answer,
    ContinueRequestHeaders,
    ContinueResponseHeaders,
    KeepResponseBody,
    ReplaceRequestBody,
    ReplaceResponseBody,
)
from protos.api import ProcessingRequest
from tests.extproc import envoy
from tests.extproc.transcript import CLAUDE, OPENAI, POLICY, policy


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def put(**headers: bytes) -> list[dict[str, object]]:
    return [
        {
            "header": {"key": name.replace("_", "-"), "raw_value": base64(value)},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
        for name, value in headers.items()
    ]


REPLIES = {
    "continue with the request": (ContinueRequestHeaders(), {"request_headers": {}}),
    "replace the request": (
        ReplaceRequestBody(b'{"a":1}', {"content-length": "7", "x-name": "gr\xf6\xdfe"}),
        {
            "request_body": {
                "response": {
                    "header_mutation": {"set_headers": put(content_length=b"7", x_name=b"gr\xf6\xdfe")},
                    "body_mutation": {"body": base64(b'{"a":1}')},
                }
            }
        },
    ),
    "release the response": (
        ContinueResponseHeaders(),
        {"response_headers": {"response": {"header_mutation": {}}}},
    ),
    "edit the response": (
        ContinueResponseHeaders({"x-a": "1", "x-b": "2"}, ("etag", "digest")),
        {
            "response_headers": {
                "response": {
                    "header_mutation": {
                        "set_headers": put(x_a=b"1", x_b=b"2"),
                        "remove_headers": ["etag", "digest"],
                    }
                }
            }
        },
    ),
    "give the response a body": (
        ContinueResponseHeaders({"x-a": "1"}, ("etag",), body=b"{}"),
        {
            "response_headers": {
                "response": {
                    "status": "CONTINUE_AND_REPLACE",
                    "header_mutation": {"set_headers": put(x_a=b"1"), "remove_headers": ["etag"]},
                    "body_mutation": {"body": base64(b"{}")},
                }
            }
        },
    ),
    "keep a piece": (KeepResponseBody(), {"response_body": {}}),
    "replace a piece": (
        ReplaceResponseBody(b"\x00\xff"),
        {"response_body": {"response": {"body_mutation": {"body": base64(b"\x00\xff")}}}},
    ),
    "drop a piece": (
        ReplaceResponseBody(b""),
        {"response_body": {"response": {"body_mutation": {"clear_body": True}}}},
    ),
    "answer": (
        Answer(400, b'{"error":{}}', "llm_validation_error"),
        {
            "immediate_response": {
                "status": {"code": "BadRequest"},
                "headers": {"set_headers": put(content_type=b"application/json")},
                "body": base64(b'{"error":{}}'),
                "details": "llm_validation_error",
            }
        },
    ),
}


@pytest.mark.parametrize(("reply", "expected"), REPLIES.values(), ids=REPLIES)
def test_replies_are_what_envoy_expects(reply, expected):
    assert envoy.understood(codec.encode(reply)) == expected


def test_pseudo_headers_are_set_as_any_other():
    sent = envoy.understood(codec.encode(ContinueResponseHeaders({":status": "503"})))
    [header] = sent["response_headers"]["response"]["header_mutation"]["set_headers"]
    assert header["header"] == {"key": ":status", "raw_value": base64(b"503")}


def test_request_headers_bring_target_and_policy():
    message = codec.decode(
        envoy.request_headers(CLAUDE, POLICY, {"x-request-id": "r", "x-name": b"gr\xf6\xdfe"})
    )
    assert message == RequestHeaders(CLAUDE, POLICY, {"x-request-id": "r", "x-name": "gr\xf6\xdfe"})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (envoy.request_body(b"\x00\xff{}"), RequestBody(b"\x00\xff{}")),
        (
            envoy.response_headers(529, {"retry-after": "1"}),
            ResponseHeaders(529, {":status": "529", "retry-after": "1"}),
        ),
        (envoy.response_headers(200, {}, end=True), ResponseHeaders(200, {":status": "200"}, end=True)),
        (envoy.response_body(b"x"), ResponseBody(b"x")),
        (envoy.response_body(b"", end=True), ResponseBody(b"", end=True)),
    ],
)
def test_requests(data, expected):
    assert codec.decode(data) == expected


def test_header_values_in_either_field_of_the_protobuf():
    headers = {"headers": [{"key": ":status", "value": "200"}, {"key": "x", "raw_value": b"y"}]}
    request = ProcessingRequest(response_headers={"headers": headers})
    assert codec.decode(request.SerializeToString()).headers == {":status": "200", "x": "y"}


def test_texts_are_decoded_once():
    first = codec.decode(envoy.request_headers(CLAUDE, POLICY))
    again = codec.decode(envoy.request_headers(CLAUDE, POLICY))
    other = codec.decode(envoy.request_headers(OPENAI, policy(hold_headers=False)))
    assert again.target is first.target
    assert again.policy is first.policy
    assert (other.target, other.policy) == (OPENAI, policy(hold_headers=False))


def test_names_beyond_ascii_arrive_as_they_are():
    route = policy(model="mod\u00e8le", models={"claude": "\u6a21\u578b"})
    assert codec.decode(envoy.request_headers(CLAUDE, route)).policy == route


GOOD = (text_of(CLAUDE), text_of(POLICY))


@pytest.mark.parametrize(
    ("target", "route", "reason"),
    [
        (None, GOOD[1], "without the header x-llm-gateway-target"),
        (GOOD[0], None, "without the header x-llm-gateway-policy"),
        (None, None, "without the header"),
        ("", GOOD[1], "metadata of another version"),
        ("{", GOOD[1], "metadata of another version"),
        ('{"leaf": "a"}', GOOD[1], "missing required field `provider`"),
        (GOOD[0].replace("anthropic", "telepathy"), GOOD[1], "telepathy"),
        (GOOD[0], GOOD[1].replace("}", ',"dialect":"smoke_signals"}'), "metadata of another version"),
        (GOOD[0], "[]", "metadata of another version"),
        ("\u2028", GOOD[1], "metadata of another version"),
        (GOOD[0], "\xa1", "metadata of another version"),
    ],
)
def test_metadata_that_is_missing_or_of_another_version(target, route, reason):
    headers = [{"key": name, "value": value} for name, value in envoy.sent_along(target, route).items()]
    request = ProcessingRequest(request_headers={"headers": {"headers": headers}})
    with pytest.raises(ProtocolError, match=reason):
        codec.decode(request.SerializeToString())


@pytest.mark.parametrize(
    ("path", "reason"),
    [(None, "without the header x-llm-gateway-path"), ("/v1/smoke", "an endpoint of another version")],
)
def test_a_path_that_is_missing_or_of_another_version(path, reason):
    headers = [{"key": name, "value": value} for name, value in envoy.sent_along(*GOOD, path).items()]
    request = ProcessingRequest(request_headers={"headers": {"headers": headers}})
    with pytest.raises(ProtocolError, match=reason):
        codec.decode(request.SerializeToString())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff", "not a ProcessingRequest"),
        (b"", "an empty message"),
        (ProcessingRequest(request_headers={}).SerializeToString(), "without the header"),
        (ProcessingRequest(request_trailers={}).SerializeToString(), "request_trailers"),
        (ProcessingRequest(response_trailers={}).SerializeToString(), "response_trailers"),
        (ProcessingRequest(response_headers={}).SerializeToString(), "without a status"),
        (
            ProcessingRequest(
                response_headers={"headers": {"headers": [{"key": ":status", "raw_value": b"OK"}]}}
            ).SerializeToString(),
            "without a status",
        ),
    ],
)
def test_what_envoys_configuration_rules_out(data, reason):
    with pytest.raises(ProtocolError, match=reason):
        codec.decode(data)


HEADER = st.tuples(st.text("abc-:", min_size=1, max_size=8), st.binary(max_size=8), st.text(max_size=4))


@st.composite
def requests(draw):
    """Whatever Envoy may say, fields that nobody here reads included."""
    part = draw(st.sampled_from(["request_headers", "response_headers", "request_body", "response_body"]))
    end = draw(st.booleans())
    if part.endswith("body"):
        content = {
            "body": draw(st.binary(max_size=300)),
            "end_of_stream": end,
            "drain_complete": draw(st.booleans()),
        }
    else:
        entries = [
            {"key": k, "raw_value": raw, "value": text} for k, raw, text in draw(st.lists(HEADER, max_size=4))
        ]
        entries += [{"key": ":status", "raw_value": b"200"}]
        entries += [{"key": k, "value": v} for k, v in envoy.sent_along(*GOOD).items()]
        content = {"headers": {"headers": entries}, "end_of_stream": end}
    return ProcessingRequest(
        **{part: content},
        observability_mode=draw(st.booleans()),
        attributes=draw(st.just({}) | st.just({"x": {"fields": {"y": {"number_value": 1.5}}}})),
        protocol_config=draw(st.just({}) | st.just({"request_body_mode": "BUFFERED"})),
    )


def read_by_the_library(request):
    part = request.WhichOneof("request")
    content = getattr(request, part)
    if part.endswith("body"):
        return (
            RequestBody(content.body)
            if part == "request_body"
            else ResponseBody(content.body, content.end_of_stream)
        )
    headers = {h.key: h.raw_value.decode("latin-1") or h.value for h in content.headers.headers}
    if part == "response_headers":
        return ResponseHeaders(int(headers[":status"]), headers, content.end_of_stream)
    del headers[names.HEADER_TARGET], headers[names.HEADER_POLICY], headers[names.HEADER_PATH]
    return RequestHeaders(CLAUDE, POLICY, headers)


@given(requests())
def test_messages_are_read_as_the_protobuf_library_reads_them(request):
    assert codec.decode(request.SerializeToString()) == read_by_the_library(request)


@given(requests(), st.data())
def test_cut_messages_and_any_bytes_are_an_error_or_a_message(request, data):
    whole = request.SerializeToString()
    cut = data.draw(st.integers(0, len(whole)))
    for text in (whole[:cut], whole[:cut] + data.draw(st.binary(max_size=20))):
        with contextlib.suppress(ProtocolError):
            codec.decode(text)
