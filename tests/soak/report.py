"""What the run found: a table, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.soak.memory import Held, total

LARGEST_IDLE: Final = 256.0
"""MiB resident, all processes together."""
LARGEST_GROWTH: Final = 2.0
"""Percent of the resident memory after the warm-up."""


@dataclass(slots=True)
class Run:
    """idle: before the first request. warm, end: without requests, after the warm-up and at the end.

    asked: how often, by kind. wrong: outcomes that must not be, by kind and what came.
    left: processes, sockets and files that outlived the group.
    """

    idle: dict[str, Held] = field(default_factory=dict)
    warm: dict[str, Held] = field(default_factory=dict)
    end: dict[str, Held] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def growth(self) -> float:
        """Percent, of all processes together."""
        return _growth(total(self.warm).rss, total(self.end).rss)


def problems(run: Run, *, memory: bool = True) -> list[str]:
    """What fails the run. memory: whether sizes count; in a short run, or under coverage, they say nothing."""
    found = [f"{count} × {what}" for what, count in run.wrong.most_common()]
    if memory and (idle := total(run.idle).rss) >= LARGEST_IDLE:
        found.append(f"idle: {idle:.1f} MiB, not below {LARGEST_IDLE:.0f}")
    if memory and run.growth >= LARGEST_GROWTH:
        found.append(f"growth: {run.growth:.2f} %, not below {LARGEST_GROWTH:.0f}")
    if run.idle.keys() != run.end.keys():
        found.append(f"processes: {sorted(run.idle)} became {sorted(run.end)}")
    return [*found, *(f"left behind: {what}" for what in run.left)]


def table(run: Run) -> Iterator[str]:
    asked = sum(run.asked.values())
    yield f"{asked:,} requests in {run.seconds:.0f} s, {asked / max(run.seconds, 0.001):.0f} a second"
    for kind, count in run.asked.most_common():
        yield f"  {kind:<34}{count:>9,}"
    yield ""
    yield f"{'MiB resident (PSS)':<20}{'idle':>16}{'warm':>16}{'end':>16}{'growth':>10}   descriptors"
    rows = {name: [part.get(name) for part in (run.idle, run.warm, run.end)] for name in run.idle}
    rows["all"] = [total(part) for part in (run.idle, run.warm, run.end)]
    for name, parts in rows.items():
        idle, warm, end = (part or Held(0, 0, 0) for part in parts)
        sizes = "".join(f"{f'{part.rss:.1f} ({part.pss:.1f})':>16}" for part in (idle, warm, end))
        growth = f"{_growth(warm.rss, end.rss):+.2f} %"
        yield f"{name:<20}{sizes}{growth:>10}   {idle.files} {warm.files} {end.files}"


def _growth(before: float, after: float) -> float:
    return 0.0 if before == 0 else 100 * (after - before) / before
