"""A run too short to say anything of memory, and the verdict on runs."""

from __future__ import annotations

from collections import Counter

from tests.soak.memory import Held
from tests.soak.mix import KINDS, order
from tests.soak.report import Run, problems, table
from tests.soak.run import soak


async def test_every_outcome_is_right_and_nothing_is_left() -> None:
    told: list[str] = []
    run = await soak(400, told.append, quiet=0.2)
    assert problems(run, memory=False) == []
    assert sum(run.asked.values()) == 400
    assert run.asked.keys() == {kind.name for kind in KINDS}
    assert len(run.idle) == 5
    assert told


def test_each_kind_has_its_share() -> None:
    counts = Counter(kind.name for kind in order())
    assert counts == {kind.name: kind.share for kind in KINDS}


def sizes(envoy: float, worker: float) -> dict[str, Held]:
    return {"envoy": Held(envoy, envoy, 10), "extproc 0": Held(worker, worker, 10)}


def test_a_good_run() -> None:
    run = Run(idle=sizes(100, 50), warm=sizes(110, 50), end=sizes(112, 51), asked=Counter(native=10))
    assert problems(run) == []
    *_, last = table(run)
    assert " ".join(last.split()) == "all 150.0 (150.0) 160.0 (160.0) 163.0 (163.0) +1.88 % 20 20 20"


def test_what_fails_a_run() -> None:
    run = Run(
        idle=sizes(200, 60),
        warm=sizes(200, 60),
        end={"envoy": Held(270, 270, 10)},
        wrong=Counter({"native: status 500": 3}),
        left=["process 7"],
    )
    assert problems(run) == [
        "3 × native: status 500",
        "idle: 260.0 MiB, not below 256",
        "growth: 3.85 %, not below 2",
        "processes: ['envoy', 'extproc 0'] became ['envoy']",
        "left behind: process 7",
    ]
    assert problems(run, memory=False) == [
        "3 × native: status 500",
        "processes: ['envoy', 'extproc 0'] became ['envoy']",
        "left behind: process 7",
    ]
