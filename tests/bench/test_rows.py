"""Which rows there are, and choosing among them."""

from __future__ import annotations

import pytest

from tests.bench.rows import Row, rows, select
from tests.bench.transports import parse


def names(chosen: list[Row]) -> list[str]:
    return [row.name for row in chosen]


def test_rows_with_ext_proc_run_over_each_transport() -> None:
    found = names(rows(["h2", "grpcio"]))
    assert len(found) == len(set(found))
    assert {"translated-stream@h2", "translated-stream@grpcio", "native-unary"} <= set(found)


def test_a_choice_has_its_reference() -> None:
    everything = rows(["h2", "grpcio"])
    assert names(select(everything, ["translated-unary"])) == [
        "plain-unary",
        "translated-unary@h2",
        "translated-unary@grpcio",
    ]
    assert names(select(everything, ["failover*@h2"])) == ["plain-stream", "failover-stream@h2"]


def test_no_choice_is_all() -> None:
    everything = rows(["default"])
    assert select(everything, []) == everything


def test_an_unknown_row() -> None:
    with pytest.raises(ValueError, match="no row is called 'nonsense'; there are plain-unary, "):
        select(rows(["default"]), ["nonsense"])


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        ("usage: [-h] --listen LISTEN [--drain DRAIN]", (["default"], False)),
        ("usage: [-h] [--transport {grpcio,h2}] [--drain DRAIN]", (["h2", "grpcio"], True)),
        ("usage: [-h]\n    [--transport {h2, grpcio}]", (["h2", "grpcio"], True)),
    ],
)
def test_transports_of_the_usage(usage: str, found: tuple[list[str], bool]) -> None:
    assert parse(usage) == found
