"""Header blocks: what is remembered of them never differs from what a plain decoder makes of them."""

from __future__ import annotations

import random

import pytest
from hpack import Decoder
from hpack.hpack import Encoder

from extproc.transport.calls import Status
from extproc.transport.h2.failure import ConnectionFailed
from extproc.transport.h2.frames import ErrorCode
from extproc.transport.h2.headers import HeaderReader, Request, _understand, trailers
from tests.extproc.transport.talk import REQUEST


def literal(name: bytes, value: bytes, kind: int = 0x40) -> bytes:
    """Without Huffman. kind: 0x40 adds it to the table, 0 does not, 0x10 never may."""
    return bytes([kind]) + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    return _integer(len(text), 7, 0) + text


def _integer(value: int, bits: int, flags: int) -> bytes:
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([flags | value])
    out = [flags | limit]
    value -= limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def table_size(size: int) -> bytes:
    return _integer(size, 5, 0x20)


def indexed(*indices: int) -> bytes:
    return b"".join(_integer(index, 7, 0x80) for index in indices)


POST, HTTP = indexed(3), indexed(6)
PATH, TYPE = (b":path", b"/x"), (b"content-type", b"application/grpc")
WHOLE = POST + HTTP + literal(*PATH, 0) + literal(*TYPE, 0)


def test_a_repeated_block_is_decoded_once(monkeypatch):
    reader, encoder = HeaderReader(), Encoder()
    assert reader.read(bytes(encoder.encode(REQUEST))).path
    again = bytes(encoder.encode(REQUEST))
    expected = reader.read(again)
    monkeypatch.setattr(reader._decoder, "decode", None)
    assert reader.read(again) is expected


def test_an_index_means_the_new_entry_once_there_is_one():
    reader = HeaderReader()
    reader.read(POST + HTTP + literal(*TYPE) + literal(*PATH))
    block = POST + HTTP + indexed(62, 63)
    assert reader.read(block) == reader.read(block) == Request("/x")
    reader.read(POST + HTTP + indexed(63) + literal(b":authority", b"y"))
    assert reader.read(POST + HTTP + indexed(63, 64)) == Request("/x")
    assert reader.read(block) != Request("/x")


def test_a_table_that_one_block_replaces_as_a_whole():
    """Its newest entry may lie at the address of the one before: only the object itself tells them apart."""
    for _ in range(50):
        reader = HeaderReader()
        reader.read(table_size(64) + literal(b":path", b"/old"))
        block = POST + HTTP + indexed(62) + literal(*TYPE, 0)
        assert reader.read(block) == Request("/old")
        reader.read(POST + literal(b"a", b"b") + literal(b":path", b"/new"))
        assert reader.read(block) == Request("/new")
        reader.read(POST + literal(b"a", b"b" * 100) + literal(b":path", b"/big"))
        assert reader.read(block) == Request("/big")


class RandomBlocks:
    """Blocks of a peer whose table is small and often resized, some of them said again."""

    NAMES = (b":path", b":authority", b"content-type", b"te", b"x-a", b"x-b")
    VALUES = (b"/x", b"/y", b"application/grpc", b"trailers", b"1", b"2" * 90, b"3" * 5000)

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.said: list[bytes] = [WHOLE]

    def __iter__(self):
        for _ in range(300):
            block = self.dice.choice(self.said[-8:]) if self.dice.random() < 0.6 else self.new()
            self.said.append(block)
            yield block

    def new(self) -> bytes:
        dice = self.dice
        parts = [table_size(dice.choice([0, 64, 100, 200, 4096]))] if dice.random() < 0.2 else []
        parts += [POST, HTTP]
        for _ in range(dice.randrange(5)):
            name, value = dice.choice(self.NAMES), dice.choice(self.VALUES)
            parts.append(
                indexed(dice.choice([1, 4, 62, 62, 63, 64]))
                if dice.random() < 0.4
                else literal(name, value, dice.choice([0x40, 0x40, 0, 0x10]))
            )
        return b"".join(parts)


@pytest.mark.parametrize("seed", range(30))
def test_a_reader_agrees_with_a_plain_decoder_on_random_blocks(seed):
    reader, plain = HeaderReader(), Decoder()
    for block in RandomBlocks(seed):
        try:
            expected = _understand(
                [(bytes(name), bytes(value)) for name, value in plain.decode(block, raw=True)]
            )
        except Exception:  # noqa: BLE001 - hpack raises others besides its own
            with pytest.raises(ConnectionFailed):
                reader.read(block)
            reader, plain = HeaderReader(), Decoder()
        else:
            assert reader.read(block) == expected


@pytest.mark.parametrize("seed", range(10))
def test_a_reader_agrees_with_an_encoder(seed):
    """hpack's own: dynamic table, Huffman, sizes that change."""
    dice, encoder, reader = random.Random(seed), Encoder(), HeaderReader()
    for _ in range(300):
        path = f"/{dice.randrange(6)}"
        headers = [
            *((name, path if name == ":path" else value) for name, value in REQUEST),
            *(
                (f"x-{dice.randrange(4)}", str(dice.randrange(3)) * dice.choice([1, 40]))
                for _ in range(dice.randrange(4))
            ),
        ]
        if dice.random() < 0.1:
            encoder.header_table_size = dice.choice([0, 50, 150, 4096])
        assert reader.read(bytes(encoder.encode(headers, huffman=dice.random() < 0.5))) == Request(path)


def test_what_is_remembered_is_bounded():
    reader = HeaderReader()
    for number in range(2000):
        reader.read(WHOLE + literal(b"x", b"%d" % number, 0))
    assert len(reader._known) == 256


@pytest.mark.parametrize(
    "block",
    [
        indexed(0),
        indexed(62),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        literal(b"a", b"b")[:-1],
        b"\x40\x81",
        table_size(4097),
        WHOLE + table_size(0),
        b"\x40\x81\xff\x00",  # Huffman: ended by more than padding
        b"\x40\x84\xff\xff\xff\xff\x00",  # Huffman: EOS
        b"\x7f",
        b"\x1f",
    ],
)
def test_what_is_not_hpack(block):
    with pytest.raises(ConnectionFailed) as failed:
        HeaderReader().read(block)
    assert failed.value.code is ErrorCode.COMPRESSION_ERROR
    assert failed.value.reason.isalpha()  # the name of an error, nothing of what hpack says about memory


def test_a_list_too_large_once_it_is_decoded():
    """A bomb: few bytes that name a large entry again and again."""
    reader = HeaderReader()
    reader.read(POST + literal(b"x", b"y" * 4000))
    with pytest.raises(ConnectionFailed) as failed:
        reader.read(indexed(*[62] * 20))
    assert failed.value.code is ErrorCode.ENHANCE_YOUR_CALM


def test_trailers_are_self_contained():
    decoder = Decoder()
    for _ in range(3):
        assert decoder.decode(trailers(Status.OK, "")) == [("grpc-status", "0")]
        assert decoder.decode(trailers(Status.INTERNAL, "a b%ü")) == [
            ("grpc-status", "13"),
            ("grpc-message", "a b%25%C3%BC"),
        ]
    assert not decoder.header_table.dynamic_entries
