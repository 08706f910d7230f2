"""Configurations: problems with their places, or a snapshot; never a traceback."""

from __future__ import annotations

from pathlib import Path
from random import Random

from controlplane.compiler import compile_files
from tests.controlplane.compiling import ENVIRONMENT, SECRETS
from tests.controlplane.config.memory import MemoryIO
from tests.fuzz.mutation import INTERESTING, mutate_bytes, mutate_lines

GOLDEN = Path(__file__).parents[2] / "golden"
VALUES = (
    *(
        b"null",
        b"~",
        b"true",
        b"1",
        b"-1",
        b"1e400",
        b"0x10",
        b".nan",
        b"[]",
        b"{}",
        b"''",
        b'"\\x00"',
        b"1s",
    ),
    *(b"{env: OPENAI_API_KEY}", b"{file: x}", b"&a [*a]", b"*a", b"!!python/object:os.system x", b"|", b">"),
    *(b"2020-01-01", b"99999999999999999999", b"? [a]", b"<<: {a: b}", b"https://x:99999/", b"1GiB"),
)


def seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(GOLDEN.glob("*/*.yaml")) if ".expected" not in path.name]


def check(given: bytes) -> None:
    loaded, compiled = compile_files([Path("1.yaml")], MemoryIO({"1.yaml": given}, SECRETS), ENVIRONMENT)
    assert (compiled is None) == bool(loaded.problems)
    for problem in [*loaded.problems, *loaded.warnings]:
        text = str(problem)
        assert text
        assert not any(secret in text for secret in SECRETS.values())


def mutate(given: bytes, dice: Random) -> bytes:
    return mutate_bytes(given, dice) if dice.random() < 0.3 else mutate_lines(given, dice, _mutate_line)


def _mutate_line(line: bytes, dice: Random) -> bytes:
    key, colon, _ = line.partition(b":")
    match dice.randrange(5):
        case 0 if colon:
            return key + b": " + dice.choice(VALUES)
        case 1:
            return b"  " + line
        case 2:
            return line[2:] if line.startswith(b"  ") else line
        case 3:
            return line + dice.choice(INTERESTING)
        case _:
            return mutate_bytes(line, dice)
