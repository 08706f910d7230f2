"""From rounds to figures: medians, and ratios within a round, so that a drift of the machine cancels out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Figures: TypeAlias = Mapping[str, float]
Round: TypeAlias = Mapping[str, Figures]
"""Row name -> its figures; a row that failed is absent."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median over the rounds, and the extremes."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], rank: float) -> float:
    """The smallest value that `rank` percent of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(rank / 100 * len(ordered)) - 1, 0)]


def spread(values: Sequence[float]) -> Spread | None:
    """None: there are no values."""
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def over_rounds(rounds: Sequence[Round], row: str) -> dict[str, Spread]:
    """Each figure of `row`."""
    found = [figures[row] for figures in rounds if row in figures]
    names = dict.fromkeys(name for figures in found for name in figures)
    return {
        name: known
        for name in names
        if (known := spread([figures[name] for figures in found if name in figures])) is not None
    }


def ratio(rounds: Sequence[Round], row: str, reference: str, figure: str) -> Spread | None:
    """`figure` of `row` over that of `reference`, in the same round."""
    return _within(rounds, row, reference, figure, lambda ours, theirs: ours / theirs if theirs else None)


def difference(rounds: Sequence[Round], row: str, reference: str, figure: str) -> Spread | None:
    """`figure` of `row` less that of `reference`, in the same round."""
    return _within(rounds, row, reference, figure, lambda ours, theirs: ours - theirs)


def _within(
    rounds: Sequence[Round],
    row: str,
    reference: str,
    figure: str,
    combine: Callable[[float, float], float | None],
) -> Spread | None:
    values = []
    for figures in rounds:
        ours, theirs = figures.get(row, {}).get(figure), figures.get(reference, {}).get(figure)
        if ours is not None and theirs is not None:
            value = combine(ours, theirs)
            if value is not None:
                values.append(value)
    return spread(values)
