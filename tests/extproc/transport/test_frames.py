"""What a connection makes of frames, right and wrong: RFC 9113, without I/O."""

from __future__ import annotations

import random

import pytest

from extproc.transport.calls import Status
from extproc.transport.h2 import frames as f
from extproc.transport.h2.connection import Connection
from extproc.transport.h2.frames import ErrorCode, frame
from tests.extproc.transport.methods import ECHO, SECRET, UPPER, Recorder
from tests.extproc.transport.methods import methods as served
from tests.extproc.transport.talk import WIDE, Talk, bodies, data, framed, names, padded, parsed

OK = {"grpc-status": "0"}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def talk(recorder) -> Talk:
    return Talk({**served(), "/record": recorder})


def test_the_greeting():
    talk = Talk()
    settings, window, acknowledged = talk.greeting
    assert settings.settings == {
        f.MAX_CONCURRENT_STREAMS: 10_000,
        f.INITIAL_WINDOW_SIZE: 262_144,
        f.MAX_HEADER_LIST_SIZE: 65_536,
    }
    assert window.window_increment == 16 * 1024 * 1024 - 65_535
    assert names([acknowledged]) == ["SETTINGS 0 ACK"]


def test_a_call(talk):
    assert talk.tell(talk.opening(1)) == []
    heard = talk.tell(data(1, framed(b"hello")))
    assert names(heard) == ["HEADERS 1", "DATA 1"]
    assert talk.trailers(heard[0]) == {":status": "200", "content-type": "application/grpc"}
    assert bodies(heard, 1) == framed(b"hello")
    [end] = talk.tell(data(1, b"", f.END_STREAM))
    assert names([end]) == ["HEADERS 1 END"]
    assert talk.trailers(end) == OK
    assert talk.connection.streams == {}
    assert not talk.connection.closed


def test_a_call_with_everything_in_its_last_data(talk):
    heard = talk.tell(talk.opening(1), data(1, framed(b"a", b"", b"c"), f.END_STREAM))
    assert names(heard) == ["HEADERS 1", "DATA 1", "DATA 1", "DATA 1", "HEADERS 1 END"]
    assert bodies(heard, 1) == framed(b"a", b"", b"c")


def test_messages_cut_at_every_byte(recorder, talk):
    said = framed(b"hello", b"", b"world")
    for stream, at in enumerate(range(len(said) + 1)):
        number = 2 * stream + 1
        talk.tell(talk.opening(number, "/record"))
        talk.tell(data(number, said[:at]), data(number), data(number, said[at:]), data(number, b"", 1))
        assert recorder.calls[-1] == [b"hello", b"", b"world", "half closed"]
    talk.tell(talk.opening(1001, "/record"))
    for byte in said:
        talk.tell(data(1001, bytes([byte])))
    talk.tell(data(1001, b"", f.END_STREAM))
    assert recorder.calls[-1] == [b"hello", b"", b"world", "half closed"]


@pytest.mark.parametrize(
    ("path", "payload", "status", "text"),
    [
        ("/nobody/Knows", b"", "12", "no such method"),
        (ECHO, b"\1\0\0\0\1x", "12", "compressed messages are not accepted"),
        (ECHO, b"\0\xff\xff\xff\xff", "8", "a message of 4294967295 bytes, above 1140850688"),
        (ECHO, framed(b"hello")[:-1], "13", "the call ended within a message"),
        (ECHO, b"\0\0\0", "13", "the call ended within a message"),
        (UPPER, b"", "3", "a message was expected"),
        (UPPER, framed(b"a", b"b"), "3", "one message was expected"),
        ("/test.Test/BrokenOpen", b"", "13", "internal error"),
        ("/test.Test/Broken", framed(b"message"), "13", "internal error"),
        ("/test.Test/Broken", b"", "13", "internal error"),
    ],
)
def test_what_is_wrong_with_a_call_ends_it_alone(talk, path, payload, status, text):
    heard = talk.tell(talk.opening(1, path), data(1, payload), data(1, b"", f.END_STREAM))
    assert names(heard) == ["HEADERS 1 END"]
    told = talk.trailers(heard[0])
    assert told == {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-status": status,
        "grpc-message": text,
    }
    assert talk.connection.streams == {}
    assert names(talk.tell(talk.opening(3), data(3, framed(b"on"), 1)))[-1] == "HEADERS 3 END"


def test_a_bug_is_logged_without_what_it_says(talk, caplog):
    talk.tell(talk.opening(1, "/test.Test/Broken"), data(1, framed(b"message")))
    talk.tell(talk.opening(3, "/test.Test/Broken"), frame(f.RST_STREAM, 0, 3, bytes(4)))
    [first, second] = caplog.messages
    assert first.startswith("bug in the ext_proc transport: RuntimeError\n")
    assert 'methods.py", line' in first
    assert "in lost" in second
    assert SECRET not in caplog.text


def test_a_bug_costs_the_other_calls_nothing_when_the_connection_fails(talk, recorder):
    talk.tell(talk.opening(1, "/test.Test/Broken"), talk.opening(3, "/record"))
    assert names(talk.tell(frame(f.PING, 0, 1, bytes(8)))) == ["GOAWAY 0 PROTOCOL_ERROR"]
    assert recorder.calls == [["lost"]]


def test_status_texts_fit_into_a_frame():
    def opener(replies):
        replies.finish(Status.INTERNAL, "ü\U0001f600\ud800%\n" * 100_000)

    talk = Talk({"/x": opener})
    [end] = talk.tell(talk.opening(1, "/x"))
    assert len(end.data) < f.DEFAULT_FRAME_SIZE
    assert talk.trailers(end)["grpc-message"].startswith("%C3%BC%F0%9F%98%80?%25%0A%C3%BC")


def test_padding_priority_and_continuation(talk):
    block = talk.block()
    heard = talk.tell(
        frame(f.PRIORITY, 0, 7, b"\0\0\0\1\x10"),
        frame(f.HEADERS, f.PADDED | f.WITH_PRIORITY, 1, b"\3" + b"\x80\0\0\0\xff" + block[:5] + b"\0\0\0"),
        frame(f.CONTINUATION, 0, 1, b""),
        frame(f.CONTINUATION, 0, 1, block[5:9]),
        frame(f.CONTINUATION, f.END_HEADERS, 1, block[9:]),
        padded(1, framed(b"hello")[:3], 200),
        padded(1, b"", 0),
        padded(1, framed(b"hello")[3:], 0, f.END_STREAM),
    )
    assert names(heard) == ["HEADERS 1", "DATA 1", "HEADERS 1 END"]
    assert bodies(heard, 1) == framed(b"hello")


def test_trailers_of_the_client_end_its_half(talk):
    trailers = bytes(talk.encoder.encode([("x-checksum", "1")]))
    heard = talk.tell(talk.opening(1), data(1, framed(b"x")), frame(f.HEADERS, 5, 1, trailers))
    assert names(heard) == ["HEADERS 1", "DATA 1", "HEADERS 1 END"]


def test_unknown_frames_flags_and_settings_are_ignored(talk):
    heard = talk.tell(
        frame(0xB, 0xFF, 0, b"whatever"),
        frame(0xFF, 0xFF, 2**31 - 1, b""),
        f.settings((0x99, 7), (f.MAX_CONCURRENT_STREAMS, 0), (f.HEADER_TABLE_SIZE, 0), (f.ENABLE_PUSH, 1)),
        talk.opening(1, flags=0xD2),
        data(1 | 1 << 31, framed(b"x"), 0xF6 | f.END_STREAM),  # the reserved bit too
    )
    assert names(heard) == ["SETTINGS 0 ACK", "HEADERS 1", "DATA 1", "HEADERS 1 END"]


def test_pings_and_settings_are_answered(talk):
    heard = talk.tell(frame(f.PING, 0, 0, b"12345678"), frame(f.PING, f.ACK, 0, b"draining"), f.settings())
    assert names(heard) == ["PING 0 ACK", "SETTINGS 0 ACK"]
    assert heard[0].opaque_data == b"12345678"
    assert names(talk.tell(talk.opening(1, flags=f.END_STREAM))) == ["HEADERS 1 END"]


def _conversation() -> bytes:
    """A bit of everything."""
    talk = Talk()
    block = talk.block()
    return b"".join(
        (
            f.PREFACE + f.settings(WIDE) + f.window_update(0, 1 << 20),
            frame(f.HEADERS, 0, 1, block[:4]) + frame(f.CONTINUATION, f.END_HEADERS, 1, block[4:]),
            talk.opening(3) + data(1, framed(b"hello" * 50)),
            padded(3, framed(b"abc")[:4], 9) + padded(3, framed(b"abc")[4:], 1),
            talk.opening(5, "/nobody", x_new="header") + data(1, framed(b"x") * 3, f.END_STREAM),
            talk.opening(7, content_type="x") + f.rst_stream(5, ErrorCode.CANCEL),
            f.settings((f.INITIAL_WINDOW_SIZE, 10)) + talk.opening(9) + data(9, framed(b"y" * 30)),
            frame(f.PING, 0, 0, b"12345678") + f.window_update(9, 100) + data(9, b"", f.END_STREAM),
            frame(0x30, 1, 1, b"unknown") + data(3, b"\1\0\0\0\0") + data(3, b"", f.END_STREAM),
            frame(f.GOAWAY, 0, 0, bytes(8)) + frame(f.PING, 0, 2, bytes(8)) + b"what follows the end",
        )
    )


def _said(pieces: list[bytes]) -> bytes:
    connection = Connection(served(), lambda: None)
    for piece in pieces:
        connection.receive(piece)
    assert connection.closed
    return b"".join(connection.out)


def test_the_same_bytes_cut_anywhere_give_the_same_output():
    whole = _conversation()
    expected = _said([whole])
    assert names(parsed(expected))[-1] == "GOAWAY 0 PROTOCOL_ERROR"
    assert _said([bytes([byte]) for byte in whole]) == expected
    for at in range(len(whole)):
        assert _said([whole[:at], whole[at:]]) == expected
    dice = random.Random(9113)
    for _ in range(200):
        cuts = sorted(dice.randrange(len(whole)) for _ in range(dice.randrange(1, 40)))
        assert _said([whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]) == expected


def test_resets_at_every_point_of_a_call():
    """Whatever has been said: the reset ends the call, tells it so once unless it is over, and leaves nothing."""
    talk = Talk()
    steps = [
        talk.opening(1, "/record"),
        data(1, framed(b"one")[:3]),
        data(1, framed(b"one")[3:]),
        data(1, framed(b"two") + b"\0\0"),
        data(1, b"\0\0\1x"),
        data(1, b"", f.END_STREAM),
    ]
    for length in range(1, len(steps) + 1):
        for answers in range(4):
            recorder = Recorder()
            talk = Talk({"/record": recorder})
            talk.tell(talk.opening(1, "/record"), *steps[1:length])
            if answers > 0:
                recorder.replies[0].send((b"a",))
            if answers > 1:
                recorder.replies[0].send((b"b" * 70_000,))  # more than the window
            if answers > 2:
                recorder.replies[0].finish(Status.OK)
            talk.heard()
            assert talk.tell(f.rst_stream(1, ErrorCode.CANCEL)) == []
            assert recorder.calls[0][-1] == "lost"
            assert recorder.calls[0].count("lost") == 1
            assert talk.connection.streams == {}
            assert talk.connection._waiting == {}
            recorder.replies[0].send((b"late",))
            recorder.replies[0].finish(Status.OK)
            assert talk.tell(f.window_update(0, 1 << 20)) == []
            assert names(talk.tell(talk.opening(3, "/nobody", flags=1))) == ["HEADERS 3 END"]
