"""Medians, percentiles and ratios."""

from __future__ import annotations

import pytest

from tests.bench.summary import Round, Spread, difference, over_rounds, percentile, ratio

# The machine is twice as slow in the second round; the ratio is not.
ROUNDS: list[Round] = [
    {"plain": {"us": 10.0}, "ours": {"us": 30.0, "rps": 5.0}},
    {"plain": {"us": 20.0}, "ours": {"us": 60.0, "rps": 3.0}},
    {"plain": {"us": 10.0}, "ours": {"us": 40.0, "rps": 4.0}},
    {"plain": {"us": 10.0}},
]


@pytest.mark.parametrize(("rank", "value"), [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1)])
def test_percentiles_are_values_that_occurred(rank: float, value: float) -> None:
    assert percentile(range(100, 0, -1), rank) == value


def test_a_single_value() -> None:
    assert percentile([7.0], 99) == 7.0


def test_figures_over_rounds() -> None:
    assert over_rounds(ROUNDS, "ours") == {"us": Spread(40.0, 30.0, 60.0), "rps": Spread(4.0, 3.0, 5.0)}
    assert over_rounds(ROUNDS, "nobody") == {}


def test_ratios_are_within_a_round() -> None:
    assert ratio(ROUNDS, "ours", "plain", "us") == Spread(3.0, 3.0, 4.0)
    assert difference(ROUNDS, "ours", "plain", "us") == Spread(30.0, 20.0, 40.0)


def test_what_was_not_measured_has_no_ratio() -> None:
    assert ratio(ROUNDS, "ours", "plain", "rps") is None
    assert ratio(ROUNDS, "plain", "nobody", "us") is None
    assert ratio([{"a": {"us": 1.0}, "b": {"us": 0.0}}], "a", "b", "us") is None
