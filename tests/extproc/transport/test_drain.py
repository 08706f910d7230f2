"""The end of a connection that is told to drain; without I/O."""

from __future__ import annotations

import pytest

from extproc.transport.calls import Status
from extproc.transport.h2 import frames as f
from extproc.transport.h2.connection import Connection
from extproc.transport.h2.frames import ErrorCode
from tests.extproc.transport.methods import Recorder
from tests.extproc.transport.methods import methods as served
from tests.extproc.transport.talk import Talk, data, framed, names, parsed


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def talk(recorder) -> Talk:
    return Talk({**served(), "/record": recorder})


def heard(talk: Talk) -> list:
    """What the peer answers to the PING of a connection that drains."""
    return talk.tell(f.frame(f.PING, f.ACK, 0, b"draining"))


def test_open_calls_finish_and_new_ones_are_refused(talk):
    talk.tell(talk.opening(1), talk.opening(3))
    talk.connection.drain()
    assert talk.woken == 1
    first, ping = talk.heard()
    assert names([first, ping]) == ["GOAWAY 0 NO_ERROR", "PING 0"]
    assert (first.last_stream_id, first.additional_data) == (2**31 - 1, b"draining")
    # What the peer sent before it knew is served.
    assert names(talk.tell(talk.opening(5), data(5, framed(b"x"), f.END_STREAM)))[-1] == "HEADERS 5 END"
    [second] = heard(talk)
    assert names([second]) == ["GOAWAY 0 NO_ERROR"]
    assert second.last_stream_id == 5
    refused = talk.tell(talk.opening(7), data(7, framed(b"x"), f.END_STREAM))
    assert names(refused) == ["RST_STREAM 7 REFUSED_STREAM"]
    assert names(talk.tell(data(1, framed(b"still")), data(1, b"", f.END_STREAM)))[-1] == "HEADERS 1 END"
    assert not talk.connection.closed
    talk.tell(f.rst_stream(3, ErrorCode.CANCEL))
    assert talk.connection.closed
    assert talk.tell(f.frame(f.PING, 0, 0, bytes(8))) == []


def test_a_connection_without_calls_ends_once_the_peer_knows(talk):
    talk.connection.drain()
    talk.heard()
    assert not talk.connection.closed
    assert names(heard(talk)) == ["GOAWAY 0 NO_ERROR"]
    assert talk.connection.closed


def test_before_the_greeting_there_is_nothing_to_wait_for():
    connection = Connection(served(), lambda: None)
    connection.drain()
    assert connection.closed
    assert names(parsed(b"".join(connection.out)))[-1] == "GOAWAY 0 NO_ERROR"


def test_to_drain_twice_is_to_drain_once(talk):
    talk.connection.drain()
    talk.connection.drain()
    assert names(talk.heard()) == ["GOAWAY 0 NO_ERROR", "PING 0"]
    heard(talk)
    talk.connection.drain()
    assert talk.heard() == []


def test_only_our_own_ping_counts(talk):
    heard(talk)
    assert names(talk.tell(talk.opening(1, flags=f.END_STREAM))) == ["HEADERS 1 END"]
    talk.connection.drain()
    talk.heard()
    assert names(talk.tell(f.frame(f.PING, f.ACK, 0, b"anything"), talk.opening(3, flags=1))) == [
        "HEADERS 3 END"
    ]
    assert not talk.connection.closed


def test_an_answered_call_is_over_whatever_its_peer_has_left_to_say(talk, recorder):
    talk.tell(talk.opening(1, "/test.Test/Ends"), talk.opening(3, "/record"))
    talk.connection.drain()
    talk.heard()
    assert names(heard(talk)) == ["GOAWAY 0 NO_ERROR", "RST_STREAM 1 NO_ERROR"]
    recorder.replies[0].finish(Status.OK)
    assert names(talk.heard()) == ["HEADERS 3 END", "RST_STREAM 3 NO_ERROR"]
    assert talk.connection.closed
    assert talk.woken == 2


def test_answers_that_wait_for_a_window_are_waited_for():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 0))
    talk.tell(talk.opening(1), data(1, framed(b"hello"), f.END_STREAM))
    talk.connection.drain()
    talk.heard()
    heard(talk)
    assert not talk.connection.closed
    assert names(talk.tell(f.window_update(1, 100))) == ["DATA 1", "HEADERS 1 END"]
    assert talk.connection.closed


def test_an_error_while_draining_does_not_take_back_what_was_said(talk):
    """RFC 9113, section 6.8: the last stream that counts never grows."""
    talk.tell(talk.opening(1))
    talk.connection.drain()
    talk.heard()
    heard(talk)
    talk.tell(talk.opening(9))
    [goaway] = talk.tell(f.frame(f.PING, 0, 1, bytes(8)))
    assert (goaway.last_stream_id, goaway.error_code) == (1, ErrorCode.PROTOCOL_ERROR)


def test_a_peer_that_leaves(talk, recorder, caplog):
    """Its calls go on; only a reason is worth a line."""
    talk.tell(talk.opening(1, "/record"), f.goaway(0, ErrorCode.NO_ERROR, "bye"))
    talk.tell(data(1, framed(b"x")))
    assert recorder.calls == [[b"x"]]
    assert caplog.messages == []
    talk.tell(f.goaway(0, ErrorCode.ENHANCE_YOUR_CALM, "too \xff much"))
    assert caplog.messages == ["Envoy ends an ext_proc connection with code 11: 'too ÿ much'"]
    talk.connection.lose()
    assert recorder.calls == [[b"x", "lost"]]
