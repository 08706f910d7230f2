"""What breaks a connection or a stream, and how each is ended: RFC 9113, without I/O."""

from __future__ import annotations

import pytest

from extproc.transport.calls import Status
from extproc.transport.h2 import frames as f
from extproc.transport.h2.connection import Connection
from extproc.transport.h2.frames import ErrorCode, frame
from tests.extproc.transport.methods import Recorder
from tests.extproc.transport.methods import methods as served
from tests.extproc.transport.talk import REQUEST, Talk, data, names, parsed


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def talk(recorder) -> Talk:
    return Talk({**served(), "/record": recorder})


def _opened(talk: Talk) -> list[bytes]:
    """Streams: 1 open, 3 done, 5 reset by the peer, 7 half closed, 9 answered, 11 reset by us."""
    return [
        talk.opening(1, "/record"),
        talk.opening(3, flags=f.END_STREAM),
        talk.opening(5) + f.rst_stream(5, ErrorCode.CANCEL),
        talk.opening(7, "/record", flags=f.END_STREAM),
        talk.opening(9, "/test.Test/Ends"),
        talk.opening(11, content_type="text/html"),
    ]


CONNECTION_ERRORS = {
    "HEADERS on stream 0": (frame(f.HEADERS, 4, 0, b"\x82"), "PROTOCOL_ERROR"),
    "HEADERS on an even stream": (frame(f.HEADERS, 4, 12, b"\x82"), "PROTOCOL_ERROR"),
    "DATA on stream 0": (data(0, b"x"), "PROTOCOL_ERROR"),
    "DATA on an idle stream": (data(13, b"x"), "PROTOCOL_ERROR"),
    "DATA on an even stream": (data(2, b"x"), "PROTOCOL_ERROR"),
    "RST_STREAM on an idle stream": (f.rst_stream(13, ErrorCode.CANCEL), "PROTOCOL_ERROR"),
    "RST_STREAM on stream 0": (f.rst_stream(0, ErrorCode.CANCEL), "PROTOCOL_ERROR"),
    "RST_STREAM of 3 bytes": (frame(f.RST_STREAM, 0, 1, b"123"), "FRAME_SIZE_ERROR"),
    "WINDOW_UPDATE on an idle stream": (f.window_update(13, 1), "PROTOCOL_ERROR"),
    "WINDOW_UPDATE by nothing": (f.window_update(0, 0), "PROTOCOL_ERROR"),
    "WINDOW_UPDATE too far": (f.window_update(0, 2**31 - 1), "FLOW_CONTROL_ERROR"),
    "WINDOW_UPDATE of 5 bytes": (frame(f.WINDOW_UPDATE, 0, 0, b"12345"), "FRAME_SIZE_ERROR"),
    "PRIORITY on stream 0": (frame(f.PRIORITY, 0, 0, bytes(5)), "PROTOCOL_ERROR"),
    "PRIORITY of 4 bytes": (frame(f.PRIORITY, 0, 1, bytes(4)), "FRAME_SIZE_ERROR"),
    "SETTINGS on a stream": (frame(f.SETTINGS, 0, 1), "PROTOCOL_ERROR"),
    "SETTINGS of 5 bytes": (frame(f.SETTINGS, 0, 0, bytes(5)), "FRAME_SIZE_ERROR"),
    "SETTINGS ACK of 6 bytes": (frame(f.SETTINGS, f.ACK, 0, bytes(6)), "FRAME_SIZE_ERROR"),
    "ENABLE_PUSH of 2": (f.settings((f.ENABLE_PUSH, 2)), "PROTOCOL_ERROR"),
    "a window above 2^31-1": (f.settings((f.INITIAL_WINDOW_SIZE, 2**31)), "FLOW_CONTROL_ERROR"),
    "frames too small": (f.settings((f.MAX_FRAME_SIZE, 16_383)), "PROTOCOL_ERROR"),
    "frames too large": (f.settings((f.MAX_FRAME_SIZE, 2**24)), "PROTOCOL_ERROR"),
    "PING on a stream": (frame(f.PING, 0, 1, bytes(8)), "PROTOCOL_ERROR"),
    "PING of 9 bytes": (frame(f.PING, 0, 0, bytes(9)), "FRAME_SIZE_ERROR"),
    "GOAWAY on a stream": (frame(f.GOAWAY, 0, 1, bytes(8)), "PROTOCOL_ERROR"),
    "GOAWAY of 7 bytes": (frame(f.GOAWAY, 0, 0, bytes(7)), "FRAME_SIZE_ERROR"),
    "PUSH_PROMISE": (frame(f.PUSH_PROMISE, 4, 1, bytes(4)), "PROTOCOL_ERROR"),
    "CONTINUATION of nothing": (frame(f.CONTINUATION, 4, 1, b"\x82"), "PROTOCOL_ERROR"),
    "a block interrupted by DATA": (frame(f.HEADERS, 0, 13, b"\x82") + data(1, b""), "PROTOCOL_ERROR"),
    "a block interrupted by PING": (
        frame(f.HEADERS, 0, 13, b"\x82") + frame(f.PING, 0, 0, bytes(8)),
        "PROTOCOL_ERROR",
    ),
    "a block interrupted by an unknown frame": (
        frame(f.HEADERS, 0, 13, b"\x82") + frame(0x20, 0, 0),
        "PROTOCOL_ERROR",
    ),
    "a block interrupted by another": (
        frame(f.HEADERS, 0, 13, b"\x82") + frame(f.CONTINUATION, 4, 15, b"\x84"),
        "PROTOCOL_ERROR",
    ),
    "a block of more frames than any": (
        frame(f.HEADERS, 0, 13) + frame(f.CONTINUATION, 0, 13) * 65,
        "ENHANCE_YOUR_CALM",
    ),
    "a block of more bytes than any": (
        frame(f.HEADERS, 0, 13) + frame(f.CONTINUATION, 0, 13, bytes(16_384)) * 5,
        "ENHANCE_YOUR_CALM",
    ),
    "a frame too large": (b"\0\x40\1" + bytes(6), "FRAME_SIZE_ERROR"),
    "padding of DATA": (data(1, b"\2xx"[:2], f.PADDED), "PROTOCOL_ERROR"),
    "padding without a length": (data(1, b"", f.PADDED), "FRAME_SIZE_ERROR"),
    "padding of HEADERS": (frame(f.HEADERS, 4 | f.PADDED, 13, b"\5\x82"), "PROTOCOL_ERROR"),
    "HEADERS without their priority": (
        frame(f.HEADERS, 4 | f.WITH_PRIORITY, 13, b"1234"),
        "FRAME_SIZE_ERROR",
    ),
    "garbage for a block": (frame(f.HEADERS, 4, 13, b"\xff\xff\xff\xff"), "COMPRESSION_ERROR"),
    "garbage for trailers": (frame(f.HEADERS, 5, 1, b"\x80"), "COMPRESSION_ERROR"),
    "garbage on a closed stream": (frame(f.HEADERS, 4, 5, b"\xbe\xbf\xff\x7f"), "COMPRESSION_ERROR"),
}


@pytest.mark.parametrize("name", list(CONNECTION_ERRORS))
def test_what_breaks_the_connection(recorder, talk, caplog, name):
    broken, code = CONNECTION_ERRORS[name]
    talk.tell(*_opened(talk))
    *_, goaway = talk.tell(broken)
    assert names([goaway]) == [f"GOAWAY 0 {code}"]
    assert goaway.last_stream_id in {11, 13}
    assert goaway.additional_data
    assert caplog.messages[-1] == f"ext_proc connection ended: {code}: {goaway.additional_data.decode()}"
    assert talk.connection.closed
    assert [call[-1] for call in recorder.calls] == ["lost", "lost"]
    assert talk.connection.streams == {}
    # Nothing of what comes later is read, nothing is said.
    recorder.replies[0].send((b"late",))
    recorder.replies[0].finish(Status.OK)
    assert talk.tell(talk.opening(101), frame(f.PING, 0, 0, bytes(8))) == []


STREAM_ERRORS = {
    "DATA on one that is half closed": (data(7, b"x"), 7, "STREAM_CLOSED"),
    "HEADERS on one that is half closed": (frame(f.HEADERS, 5, 7, b""), 7, "STREAM_CLOSED"),
    "DATA on one that is done": (data(3, b"x"), 3, "STREAM_CLOSED"),
    "DATA on one that the peer reset": (data(5, b"x"), 5, "STREAM_CLOSED"),
    "HEADERS on one that is done": (frame(f.HEADERS, 5, 3, b""), 3, "STREAM_CLOSED"),
    "trailers that do not end": (frame(f.HEADERS, 4, 1, b""), 1, "PROTOCOL_ERROR"),
    "trailers with pseudo-headers": (frame(f.HEADERS, 5, 1, b"\x82"), 1, "PROTOCOL_ERROR"),
    "a window by nothing": (f.window_update(1, 0), 1, "PROTOCOL_ERROR"),
    "a window too far": (f.window_update(1, 2**31 - 1), 1, "FLOW_CONTROL_ERROR"),
    "more DATA than its window": (data(1, bytes(16_384)) * 17, 1, "FLOW_CONTROL_ERROR"),
    "more DATA than its window, and its end": (
        data(1, bytes(16_384)) * 16 + data(1, b"x", f.END_STREAM),
        1,
        "FLOW_CONTROL_ERROR",
    ),
    "more DATA than an answered one wants": (data(9, bytes(16_384)) * 9, 9, "NO_ERROR"),
}


@pytest.mark.parametrize("name", list(STREAM_ERRORS))
def test_what_breaks_a_stream(talk, name):
    broken, stream, code = STREAM_ERRORS[name]
    talk.tell(*_opened(talk))
    if "window" in name and "DATA" in name:
        talk.connection.streams[1]._queued = 2**30  # as if nothing could be read on
    heard = talk.tell(broken)
    assert names(heard) == [f"RST_STREAM {stream} {code}"]
    assert stream not in talk.connection.streams
    assert names(talk.tell(talk.opening(13, flags=f.END_STREAM))) == ["HEADERS 13 END"]
    # What was under way when we reset it is dropped without a word.
    assert talk.tell(data(stream, b"more"), data(stream, b"", f.END_STREAM)) == []
    assert talk.tell(f.rst_stream(stream, ErrorCode.CANCEL), f.window_update(stream, 9)) == []


MALFORMED = {
    "not POST": {":method": "GET"},
    "not gRPC": {"content-type": "application/json"},
    "no path": {":path": ""},
    "no scheme": {":scheme": ""},
    "an upper-case name": {"X-A": "1"},
    "a name with a space": {"x a": "1"},
    "an empty name": {"": "1"},
    "a connection header": {"connection": "close"},
    "transfer-encoding": {"transfer-encoding": "chunked"},
    "te other than trailers": {"te": "gzip"},
    "an unknown pseudo-header": {":protocol": "websocket"},
    "a value with a line end": {"x": "a\nb"},
    "a value with a NUL": {"x": "a\0b"},
    "a value that begins with a space": {"x": " a"},
    "a value that ends with a tab": {"x": "a\t"},
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_malformed_requests(talk, caplog, name):
    block = bytes(
        Talk().encoder.encode(
            [
                (k, v)
                for k, v in sorted(
                    {**dict(REQUEST), **MALFORMED[name]}.items(), key=lambda h: h[0][:1] != ":"
                )
                if v or k == ""
            ],
        )
    )
    heard = talk.tell(frame(f.HEADERS, f.END_HEADERS, 1, block), data(1, b"ignored", f.END_STREAM))
    assert names(heard) == ["RST_STREAM 1 PROTOCOL_ERROR"]
    [line] = caplog.messages
    assert line.startswith("ext_proc stream refused: ")
    assert names(talk.tell(talk.opening(3, flags=f.END_STREAM))) == ["HEADERS 3 END"]


def test_a_pseudo_header_after_others_or_twice(talk):
    for stream, headers in (
        (1, [*REQUEST, (":authority", "late")]),
        (3, [REQUEST[0], *REQUEST]),
    ):
        heard = talk.tell(frame(f.HEADERS, f.END_HEADERS, stream, bytes(talk.encoder.encode(headers))))
        assert names(heard) == [f"RST_STREAM {stream} PROTOCOL_ERROR"]


BAD_GREETINGS = {
    "HTTP/1.1": (b"GET / HTTP/1.1\r\n\r\n", "PROTOCOL_ERROR"),
    "half a preface, then others": (f.PREFACE[:20] + b"xxxx", "PROTOCOL_ERROR"),
    "no settings": (f.PREFACE + frame(f.PING, 0, 0, bytes(8)), "PROTOCOL_ERROR"),
    "DATA first": (f.PREFACE + data(1, b"x"), "PROTOCOL_ERROR"),
    "an acknowledgement first": (f.PREFACE + frame(f.SETTINGS, f.ACK, 0), "PROTOCOL_ERROR"),
    "an unknown frame first": (f.PREFACE + frame(0x77, 0, 0), "PROTOCOL_ERROR"),
    "too large a frame": (f.PREFACE + b"\xff\xff\xff" + bytes(6), "FRAME_SIZE_ERROR"),
}


@pytest.mark.parametrize("name", list(BAD_GREETINGS))
def test_bad_greetings(name, caplog):
    sent, code = BAD_GREETINGS[name]
    for cut in (len(sent), 1):
        connection = Connection(served(), lambda: None)
        for at in range(0, len(sent), cut):
            connection.receive(sent[at : at + cut])
        assert names(parsed(b"".join(connection.out)))[2:] == [f"GOAWAY 0 {code}"]
        assert connection.closed
    assert len(caplog.messages) == 2


@pytest.mark.interpreted
def test_a_connection_of_too_many_streams(monkeypatch, talk):
    monkeypatch.setattr("extproc.transport.h2.connection.MAX_STREAMS", 3)
    heard = talk.tell(*(talk.opening(stream) for stream in (1, 3, 5, 7)), data(7, b"dropped", f.END_STREAM))
    assert names(heard) == ["RST_STREAM 7 REFUSED_STREAM"]
    assert names(talk.tell(data(1, b"", 1), talk.opening(9, flags=f.END_STREAM))) == [
        "HEADERS 1 END",
        "HEADERS 9 END",
    ]


def test_resets_are_remembered_within_limits(talk):
    for number in range(3000):
        talk.tell(talk.opening(2 * number + 1, content_type="x"))
    assert len(talk.connection._ended) == 1024
    assert names(talk.tell(data(1, b"x"))) == ["RST_STREAM 1 STREAM_CLOSED"]
