"""Runs a target: guided by coverage where ``atheris`` is installed, else by chance alone."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from types import ModuleType

from tests.fuzz.targets import target

LARGEST = 1 << 20
SHOWN = 30


class Found(Exception):  # noqa: N818 - what it is
    """An input that breaks a target."""

    def __init__(self, data: bytes, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.data = data


def by_chance(module: ModuleType, seconds: float, seed: int) -> int:
    """How many inputs were tried.

    Raises: Found.
    """
    dice = Random(seed)
    corpus = list(module.seeds())
    mutants = list(corpus)
    for data in corpus:
        _try(module, data)
    tried = len(corpus)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = dice.choice(mutants if dice.random() < 0.3 else corpus)
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            data = module.mutate(data, dice)[:LARGEST]
        _try(module, data)
        tried += 1
        if dice.random() < 0.01:
            mutants[dice.randrange(len(mutants))] = data
    return tried


def _try(module: ModuleType, data: bytes) -> None:
    try:
        module.check(data)
    except Exception as error:
        raise Found(data, error) from error


def guided(name: str, seconds: int, folder: Path) -> tuple[int, list[Path]]:
    """In a process of its own, which ends with its first finding: how many inputs, and the finding."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as corpus:
        for data in target(name).seeds():
            (Path(corpus) / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
        process = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.guided", name, corpus),
                *(f"-max_total_time={seconds}", f"-max_len={LARGEST}", f"-artifact_prefix={folder}/"),
                *("-rss_limit_mb=2048", "-timeout=20", "-print_final_stats=1", "-verbosity=1"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
    lines = process.stderr.splitlines() + process.stdout.splitlines()
    counts = [line.rpartition(" ")[2] for line in lines if "stat::number_of_executed_units" in line]
    found = sorted(folder.iterdir())
    if process.returncode:
        print("\n".join(lines[-SHOWN:]), file=sys.stderr)
        if not found:
            raise RuntimeError(f"the fuzzer of {name} ended with {process.returncode}")
    return int(counts[0]) if counts else 0, found


def quiet() -> None:
    logging.getLogger("extproc").setLevel(logging.CRITICAL + 1)
