"""Windows in both directions, and how much is held while they are shut; without I/O."""

from __future__ import annotations

import random

import pytest

from extproc.transport.calls import Status
from extproc.transport.h2 import frames as f
from extproc.transport.h2.frames import ErrorCode
from tests.extproc.transport.methods import ECHO, FLOOD, Recorder
from tests.extproc.transport.talk import Talk, bodies, data, framed, names, padded

LARGE = 20 * 1024 * 1024
OPEN = 2**31 - 1 - 65_535
"""What makes the connection's window as wide as it can be."""


def flood(talk: Talk, stream: int, size: int) -> list:
    return talk.tell(talk.opening(stream, FLOOD), data(stream, framed(b"%d" % size)))


@pytest.mark.parametrize("window", [1, 100, 65_535, 1 << 20])
def test_answers_keep_to_the_streams_window(window):
    size = min(LARGE, window * 400)
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, window), window=OPEN)
    heard = flood(talk, 1, size)
    got = bodies(heard, 1)
    assert len(got) == min(window, size + 5)
    while len(got) < size + 5:
        more = talk.tell(f.window_update(1, window))
        assert all(len(frame.data) <= 16_384 for frame in more)
        assert 0 < len(bodies(more, 1)) <= window
        got += bodies(more, 1)
    assert got == framed(bytes(size))
    assert names(talk.tell(data(1, b"", 1))) == ["HEADERS 1 END"]


def test_answers_keep_to_the_connections_window():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 1 << 30))
    got = {1: b"", 3: b"", 5: b""}
    for stream in got:
        got[stream] += bodies(flood(talk, stream, 100_000), stream)
    assert sum(map(len, got.values())) == 65_535
    turns = []
    while sum(map(len, got.values())) < 3 * 100_005:
        heard = talk.tell(f.window_update(0, 20_000))
        assert sum(len(bodies(heard, stream)) for stream in got) <= 20_000
        turns += [frame.stream_id for frame in heard]
        for stream in got:
            got[stream] += bodies(heard, stream)
    assert set(got.values()) == {framed(bytes(100_000))}
    # Each has a turn before any has the second.
    assert list(dict.fromkeys(turns[:6])) == [1, 3, 5]


@pytest.mark.parametrize("frame_size", [16_384, 16_385, 1 << 20, 2**24 - 1])
def test_frames_as_large_as_the_peer_takes_them(frame_size):
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 1 << 30), (f.MAX_FRAME_SIZE, frame_size), window=OPEN)
    heard = [frame for frame in flood(talk, 1, LARGE) if names([frame]) == ["DATA 1"]]
    assert max(len(frame.data) for frame in heard) == min(frame_size, LARGE + 5)
    assert b"".join(frame.data for frame in heard) == framed(bytes(LARGE))


def test_the_end_waits_for_what_is_queued():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 10))
    heard = flood(talk, 1, 100)
    assert names(talk.tell(data(1, b"", f.END_STREAM))) == []
    for _ in range(9):
        heard += talk.tell(f.window_update(1, 10))
    assert names(heard) == ["HEADERS 1", *["DATA 1"] * 10]
    assert names(talk.tell(f.window_update(1, 5))) == ["DATA 1", "HEADERS 1 END"]
    assert talk.connection.streams == {}


def test_what_is_answered_is_answered_once():
    """The peer's half is still open: its windows and settings may go on changing."""
    talk = Talk()
    assert names(talk.tell(talk.opening(1, "/nobody"))) == ["HEADERS 1 END"]
    changes = f.settings((f.INITIAL_WINDOW_SIZE, 1 << 20)) + f.window_update(1, 10) + f.window_update(0, 10)
    assert names(talk.tell(changes)) == ["SETTINGS 0 ACK"]
    assert talk.tell(data(1, b"", f.END_STREAM)) == []
    assert talk.connection.streams == {}


def test_windows_shrink_below_nothing_and_grow_again():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 1000))
    assert len(bodies(flood(talk, 1, 5000), 1)) == 1000
    assert names(talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 10)))) == ["SETTINGS 0 ACK"]
    assert talk.connection.streams[1].window == -990
    assert talk.tell(f.window_update(1, 990)) == []
    assert len(bodies(talk.tell(f.window_update(1, 7)), 1)) == 7
    assert len(bodies(talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 20))), 1)) == 10
    assert len(bodies(flood(talk, 3, 5000), 3)) == 20
    assert bodies(talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 0))), 1) == b""
    heard = talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 10_000)))
    assert len(bodies(heard, 1)) == 5005 - 1017
    assert len(bodies(heard, 3)) == 5005 - 20


def test_settings_are_acknowledged_before_they_are_used():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 10))
    flood(talk, 1, 100)
    heard = talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 20), (f.INITIAL_WINDOW_SIZE, 30)))
    assert names(heard) == ["SETTINGS 0 ACK", "DATA 1"]
    assert len(bodies(heard, 1)) == 20


def test_settings_that_overflow_a_window_end_the_connection():
    talk = Talk()
    talk.tell(talk.opening(1), f.window_update(1, 1 << 30))
    assert names(talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 2**31 - 1)))) == ["GOAWAY 0 FLOW_CONTROL_ERROR"]


def credited(frames: list, stream: int) -> int:
    return sum(frame.window_increment for frame in frames if names([frame]) == [f"WINDOW_UPDATE {stream}"])


def test_twenty_megabytes_come_in_within_our_windows():
    """Padding counts as what it takes."""
    talk = Talk({"/record": (recorder := Recorder())})
    talk.tell(talk.opening(1, "/record"))
    said = framed(bytes(LARGE))
    stream, connection, at = 262_144, 16 * 1024 * 1024, 0
    while at < len(said):
        part = said[at : at + 16_000]
        at += len(part)
        heard = talk.tell(padded(1, part, 250))
        stream += credited(heard, 1) - len(part) - 251
        connection += credited(heard, 0) - len(part) - 251
        assert 0 < stream <= 262_144
        assert 0 < connection <= 16 * 1024 * 1024
    assert recorder.calls == [[bytes(LARGE)]]


def test_the_connection_is_credited_for_streams_that_are_gone():
    talk = Talk()
    talk.tell(talk.opening(1, content_type="x"))
    window = 16 * 1024 * 1024
    for _ in range(2000):
        window += credited(talk.tell(data(1, bytes(16_384))), 0) - 16_384
        assert window > 0


@pytest.mark.interpreted
def test_more_than_the_connections_window_ends_it(monkeypatch):
    talk = Talk()
    monkeypatch.setattr("extproc.transport.h2.connection.CONNECTION_WINDOW", 10_000)
    talk.tell(talk.opening(1))
    assert names(talk.tell(data(1, bytes(10_001)))) == ["GOAWAY 0 FLOW_CONTROL_ERROR"]


def held(talk: Talk) -> int:
    streams = talk.connection.streams.values()
    waiting = sum(len(stream._partial) + sum(map(len, stream._queue)) for stream in streams)
    return waiting + len(talk.connection._rest) + sum(map(len, talk.connection.out))


@pytest.mark.parametrize("size", [1, 1000, 200_000])
def test_who_does_not_read_is_not_read_from(size):
    """A peer that sends as much as it may, and takes nothing: what is held is bounded, and so is what it may send."""
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 0))
    said = framed(bytes(size)) * (3 * 1024 * 1024 // (size + 5))
    talk.tell(talk.opening(1))
    window = 262_144
    sent = 0
    while window and sent < len(said):
        part = said[sent : sent + min(window, 16_384)]
        sent += len(part)
        window += credited(talk.tell(data(1, part)), 1) - len(part)
        assert held(talk) <= 2 * 262_144 + size + 10
    assert sent < 1024 * 1024
    # It reads on, and gets everything in order.
    got = bodies(talk.tell(f.settings((f.INITIAL_WINDOW_SIZE, 1000))), 1)
    for _ in range(4 * len(said) // 1000):
        heard = talk.tell(f.window_update(0, 5000), f.window_update(1, 5000))
        got += bodies(heard, 1)
        window += credited(heard, 1)
        part = said[sent : sent + min(window, 16_384)]
        sent += len(part)
        window -= len(part)
        heard = talk.tell(data(1, part)) if part else []
        got += bodies(heard, 1)
        window += credited(heard, 1)
        assert held(talk) <= 2 * 262_144 + size + 10
        if len(got) >= len(said) - 65_535:
            break
    assert said.startswith(got)
    assert len(got) >= len(said) - 65_535


def test_the_half_close_of_who_does_not_read_waits_its_turn():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 0), window=OPEN)
    said = framed(bytes(150_000)) * 3
    talk.tell(talk.opening(1))
    for at in range(0, 400_000, 16_384):
        if talk.connection.streams[1]._uncredited + 16_384 > 262_144:
            break
        talk.tell(data(1, said[at : at + 16_384]))
    said = said[:at]
    talk.tell(data(1, b"", f.END_STREAM))
    assert names(talk.tell(data(1, b"x"))) == ["RST_STREAM 1 STREAM_CLOSED"]
    # The same, and now it reads: it hears the messages that were whole, and that the last was not.
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 0), window=OPEN)
    talk.tell(talk.opening(1))
    for begin in range(0, len(said), 16_384):
        talk.tell(data(1, said[begin : begin + 16_384]))
    talk.tell(data(1, b"", f.END_STREAM))
    heard = talk.tell(f.window_update(1, 1 << 20))
    whole = len(said) // 150_005
    assert bodies(heard, 1) == framed(bytes(150_000)) * whole
    assert names(heard)[-1] == "HEADERS 1 END"
    assert talk.connection.streams == {}


def test_a_reset_of_who_does_not_read_frees_everything():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 0))
    for stream in range(1, 401, 2):
        flood(talk, stream, 100_000)
    assert held(talk) > 200 * 100_000
    for stream in range(1, 401, 2):
        talk.tell(f.rst_stream(stream, ErrorCode.CANCEL))
    assert held(talk) == 0
    assert talk.connection._waiting == {}


class TestCorked:
    """The peer's socket is full."""

    def test_nothing_but_control_frames_is_written(self):
        talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 1 << 30), window=OPEN)
        talk.connection.cork(corked=True)
        assert names(flood(talk, 1, 100_000)) == ["HEADERS 1"]
        assert names(talk.tell(f.frame(f.PING, 0, 0, bytes(8)))) == ["PING 0 ACK"]
        assert talk.tell(f.window_update(1, 10)) == []
        talk.woken = 0
        talk.connection.cork(corked=False)
        assert talk.woken > 0
        assert bodies(talk.heard(), 1) == framed(bytes(100_000))

    def test_a_window_that_opens_meanwhile_is_not_missed(self):
        talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 10), window=OPEN)
        flood(talk, 1, 100)
        talk.connection.cork(corked=True)
        assert talk.tell(f.window_update(1, 1000)) == []
        talk.connection.cork(corked=False)
        assert len(bodies(talk.heard(), 1)) == 95

    def test_corked_again_by_its_own_output(self):
        """The driver may cork from within a write."""
        talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 1 << 30), window=OPEN)
        talk.connection.cork(corked=True)
        for stream in (1, 3, 5):
            flood(talk, stream, 100_000)
        wake = talk.connection._wake
        talk.connection._wake = lambda: talk.connection.cork(corked=True)
        talk.connection.cork(corked=False)
        talk.connection._wake = wake
        talk.connection.cork(corked=True)
        assert names(flood(talk, 7, 10)) == ["DATA 1"] * 7 + ["DATA 3"] * 7 + ["DATA 5"] * 7 + ["HEADERS 7"]
        talk.connection.cork(corked=False)
        assert bodies(talk.heard(), 7) == framed(bytes(10))

    def test_late_answers_wait_too(self):
        talk = Talk({"/record": (recorder := Recorder())}, window=OPEN)
        talk.tell(talk.opening(1, "/record"))
        talk.connection.cork(corked=True)
        recorder.replies[0].send((b"x",))
        recorder.replies[0].finish(Status.OK)
        assert names(talk.heard()) == ["HEADERS 1"]
        talk.connection.cork(corked=False)
        assert names(talk.heard()) == ["DATA 1", "HEADERS 1 END"]


class Ledger:
    """A peer that counts what it allows and what it gets."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.initial = self.dice.choice([0, 1, 7, 1000, 65_535])
        self.talk = Talk(None, (f.INITIAL_WINDOW_SIZE, self.initial))
        self.connection = 65_535
        self.windows: dict[int, int] = {}
        self.got: dict[int, bytes] = {}
        self.expected: dict[int, bytes] = {}
        self.floods: set[int] = set()

    def tell(self, *said: bytes) -> None:
        for frame in self.talk.tell(*said):
            kind = names([frame])[0].split()[0]
            assert kind not in {"RST_STREAM", "GOAWAY"}
            if kind == "DATA":
                self.connection -= len(frame.data)
                self.windows[frame.stream_id] -= len(frame.data)
                assert self.connection >= 0
                assert self.windows[frame.stream_id] >= 0
                self.got[frame.stream_id] += frame.data

    def open(self) -> None:
        stream = 2 * len(self.got) + 1
        self.got[stream], self.expected[stream], self.windows[stream] = b"", b"", self.initial
        path = self.dice.choice([ECHO, FLOOD])
        if path == FLOOD:
            self.floods.add(stream)
        self.tell(self.talk.opening(stream, path))

    def speak(self) -> None:
        stream, number = self.dice.choice(list(self.got)), self.dice.randrange(3000)
        message = b"%d" % number if stream in self.floods else bytes(number)
        self.expected[stream] += framed(bytes(number))
        said = framed(message)
        at = self.dice.randrange(len(said))
        self.tell(data(stream, said[:at]), data(stream, said[at:]))

    def widen(self, stream: int, more: int) -> None:
        if stream:
            self.windows[stream] += more
        else:
            self.connection += more
        self.tell(f.window_update(stream, more))

    def change(self) -> None:
        new = self.dice.randrange(3000)
        self.windows = {stream: window + new - self.initial for stream, window in self.windows.items()}
        self.initial = new
        self.tell(f.settings((f.INITIAL_WINDOW_SIZE, new)))


@pytest.mark.parametrize("seed", range(40))
def test_random_traffic_never_breaks_a_window(seed):
    """Windows of any size, settings that change: each call gets its own answers, in order."""
    peer = Ledger(seed)
    peer.open()
    for _ in range(150):
        what = peer.dice.randrange(6)
        if what == 0:
            peer.open()
        elif what == 1:
            peer.change()
        elif what == 2:
            peer.widen(peer.dice.choice([0, *peer.got]), peer.dice.randrange(1, 5000))
        else:
            peer.speak()
    peer.widen(0, 1 << 30)
    for stream in peer.got:
        peer.widen(stream, 1 << 30)
        peer.tell(data(stream, b"", f.END_STREAM))
    assert peer.got == peer.expected
    assert peer.talk.connection.streams == {}


def test_small_messages_that_wait_take_no_more_memory_than_they_have():
    talk = Talk(None, (f.INITIAL_WINDOW_SIZE, 0), window=OPEN)
    talk.tell(talk.opening(1))
    for _ in range(15):
        talk.tell(data(1, framed(b"x") * 2730))
    queue = talk.connection.streams[1]._queue
    assert sum(map(len, queue)) == 15 * 2730 * 6
    assert len(queue) < 20
    heard = talk.tell(f.window_update(1, 1 << 20))
    assert bodies(heard, 1) == framed(b"x") * 2730 * 15
