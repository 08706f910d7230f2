"""HTTP/2 frames: a connection never raises, what it says is HTTP/2, and what it holds adds up.

The first byte of an input says how the rest is cut and whether the greeting goes before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from extproc.transport.h2 import frames as f
from extproc.transport.h2.connection import Connection
from extproc.transport.h2.stream import State
from extproc.transport.health import Health
from tests.extproc.transport.methods import ECHO, Echo
from tests.extproc.transport.talk import Talk, data, framed, padded, parsed
from tests.fuzz.mutation import mutate_bytes, mutate_sequence

GREETING = f.PREFACE + f.settings()


def seeds() -> list[bytes]:
    talk = Talk()
    call = [talk.opening(1), data(1, framed(b"hello")), data(1, b"", f.END_STREAM)]
    block = talk.block()
    return [
        b"\1" + b"".join(call),
        b"\3" + b"".join(call[:1]) + padded(1, framed(b"abc"), 5) + f.rst_stream(1, f.ErrorCode.CANCEL),
        b"\0" + GREETING + b"".join(call),
        b"\5" + call[0] + f.frame(f.HEADERS, 0, 3, block[:3]) + f.frame(f.CONTINUATION, 4, 3, block[3:]),
        b"\1" + f.settings((f.INITIAL_WINDOW_SIZE, 3)) + b"".join(call) + f.window_update(1, 100),
        b"\1" + call[0] + data(1, framed(bytes(3000)) * 5) + f.window_update(0, 1000) + call[2],
        b"\1" + f.frame(f.PING, 0, 0, bytes(8)) + f.goaway(0, f.ErrorCode.NO_ERROR, "x"),
        b"\1" + call[0] + f.settings((f.INITIAL_WINDOW_SIZE, 0), (f.MAX_FRAME_SIZE, 20_000)) + call[1],
        b"\1" + Talk().opening(1, "/grpc.health.v1.Health/Watch") + data(1, framed(b"")),
        b"\1" + Talk().opening(1, "/nobody") + f.window_update(1, 5) + f.settings((4, 1 << 20)) + call[2],
    ]


def check(given: bytes) -> None:
    how, said = (given[0], given[1:]) if given else (0, b"")
    said = GREETING + said if how & 1 else said
    whole = _output([said], drain=bool(how & 2))
    if not how & 2:
        assert _output(_pieces(said, how >> 2), drain=False) == whole, "the output depends on the cuts"


def _pieces(said: bytes, seed: int) -> list[bytes]:
    dice = Random(seed)
    pieces, at = [], 0
    while at < len(said):
        size = dice.choice((1, 2, 9, 10, 50, 1000, 100_000))
        pieces.append(said[at : at + size])
        at += size
    return pieces


def _output(pieces: list[bytes], *, drain: bool) -> bytes:
    connection = Connection({ECHO: Echo, **Health().methods()}, lambda: None)
    out = []
    for number, piece in enumerate([*pieces, b""]):
        connection.receive(piece)
        out += connection.out
        connection.out.clear()
        _sane(connection)
        if drain and number == 0:
            connection.drain()
            connection.receive(f.frame(f.PING, f.ACK, 0, b"draining"))
            out += connection.out
            connection.out.clear()
    frames = parsed(b"".join(out))
    for frame in frames:
        code = getattr(frame, "error_code", 0)
        assert code != f.ErrorCode.INTERNAL_ERROR, "a bug"
    goaways = [frame.last_stream_id for frame in frames if type(frame).__name__ == "GoAwayFrame"]
    assert goaways == sorted(goaways, reverse=True), "a later GOAWAY promises more"
    connection.lose()
    assert not connection.streams
    return b"".join(out)


def _sane(connection: Connection) -> None:
    if connection.closed:
        assert not connection.streams
    assert connection._waiting.items() <= connection.streams.items()
    assert connection._window >= 0
    assert len(connection._rest) <= f.DEFAULT_FRAME_SIZE + f.HEAD
    for stream in connection.streams.values():
        assert stream.state is not State.CLOSED
        assert stream._queued == sum(map(len, stream._queue))
        assert stream.window <= f.LARGEST_WINDOW
        assert not (stream.answered and stream._queue)


def split(given: bytes) -> list[bytes]:
    """The first byte, what is no frame, and the frames."""
    return list(_split(given))


def _split(given: bytes) -> Iterator[bytes]:
    yield given[:1]
    at = 1
    if given[1:].startswith(f.PREFACE):
        yield f.PREFACE
        at += len(f.PREFACE)
    while at < len(given):
        end = at + f.HEAD + int.from_bytes(given[at : at + 3], "big")
        yield given[at:end]
        at = end


def joined(parts: list[bytes]) -> bytes:
    return b"".join(parts)


def mutate(given: bytes, dice: Random) -> bytes:
    if dice.random() < 0.2:
        return mutate_bytes(given, dice)
    return joined(mutate_sequence(split(given), dice, _mutate_frame))


def _mutate_frame(part: bytes, dice: Random) -> bytes:
    if len(part) < f.HEAD or part == f.PREFACE:
        return mutate_bytes(part, dice)
    kind, flags = part[3], part[4]
    stream = int.from_bytes(part[5:9], "big")
    payload = part[9:]
    match dice.randrange(6):
        case 0:
            kind = dice.randrange(12)
        case 1:
            flags ^= 1 << dice.randrange(8)
        case 2:
            stream = dice.choice((0, 1, 2, 3, 5, 7, stream + 2, 2**31 - 1))
        case 3:
            payload = payload[: dice.randrange(len(payload) + 1)]
        case 4:
            payload = dice.choice(
                (bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff", bytes(8), bytes(5), bytes(16_384))
            )
        case _:
            payload = mutate_bytes(payload, dice)
    return f.frame(kind, flags, stream & 0xFFFFFFFF, payload[: 1 << 17])
