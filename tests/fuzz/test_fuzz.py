"""A second of each target, and every input that ever broke one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.engine import by_chance, quiet
from tests.fuzz.targets import NAMES, target
from tests.fuzz.targets.frames_target import joined, split


@pytest.fixture(autouse=True)
def _quiet():
    quiet()


@pytest.mark.parametrize("name", NAMES)
def test_a_second_of_chance(name):
    assert by_chance(target(name), 1.0, seed=random.randrange(1 << 30)) > 10


def test_frames_are_taken_apart_and_put_together():
    for data in target("frames").seeds():
        assert joined(split(data)) == data


FOUND = sorted((Path(__file__).parent / "found").glob("*/*"))


@pytest.mark.parametrize("path", FOUND, ids=[f"{path.parent.name}: {path.name}" for path in FOUND])
def test_what_broke_a_target_does_no_more(path):
    target(path.parent.name).check(path.read_bytes())
