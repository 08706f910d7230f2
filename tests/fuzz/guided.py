"""One target under ``atheris``: ``python -m tests.fuzz.guided TARGET CORPUS [libFuzzer's options]``."""

from __future__ import annotations

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["extproc", "controlplane", "hpack"]):
    from tests.fuzz.engine import quiet
    from tests.fuzz.targets import target

    module = target(sys.argv[1])


def _mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """Half of the time libFuzzer's own mutation, which knows what the comparisons were about."""
    dice = Random(seed)
    if dice.random() < 0.5:
        return bytes(module.mutate(data, dice)[:max_size])
    return bytes(atheris.Mutate(data, max_size))


if __name__ == "__main__":
    quiet()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], module.check, custom_mutator=_mutated)
    atheris.Fuzz()
