"""Header blocks: a reader that remembers agrees with a plain decoder, block after block.

An input is blocks, each after two bytes that have its length.
"""

from __future__ import annotations

from random import Random

from hpack import Decoder

from extproc.transport.h2.failure import ConnectionFailed
from extproc.transport.h2.headers import MAX_BLOCK, HeaderReader, Request, _understand
from tests.extproc.transport.test_headers import WHOLE, RandomBlocks
from tests.fuzz.mutation import mutate_bytes, mutate_sequence


def seeds() -> list[bytes]:
    return [joined([WHOLE, WHOLE]), *(joined(list(RandomBlocks(seed))[:30]) for seed in range(5))]


def check(given: bytes) -> None:
    reader, plain = HeaderReader(), Decoder(max_header_list_size=MAX_BLOCK)
    for block in split(given):
        found = _remembering(reader, block)
        assert found == _plainly(plain, block)
        assert len(reader._known) <= 256
        if found is None:
            return


def _remembering(reader: HeaderReader, block: bytes) -> Request | None:
    try:
        return reader.read(block)
    except ConnectionFailed:
        return None


def _plainly(plain: Decoder, block: bytes) -> Request | None:
    try:
        headers = plain.decode(block, raw=True)
    except Exception:  # noqa: BLE001 - hpack raises others besides its own
        return None
    return _understand([(bytes(name), bytes(value)) for name, value in headers])


def split(given: bytes) -> list[bytes]:
    blocks, at = [], 0
    while at + 2 <= len(given):
        end = at + 2 + int.from_bytes(given[at : at + 2], "big")
        blocks.append(given[at + 2 : end])
        at = end
    return blocks


def joined(blocks: list[bytes]) -> bytes:
    return b"".join(len(block).to_bytes(2, "big") + block for block in blocks if len(block) < 1 << 16)


def mutate(given: bytes, dice: Random) -> bytes:
    if dice.random() < 0.3:
        fresh = RandomBlocks(dice.randrange(1 << 30))
        return joined([*split(given), *(fresh.new() for _ in range(dice.randrange(4)))])
    return joined(mutate_sequence(split(given), dice, mutate_bytes))
